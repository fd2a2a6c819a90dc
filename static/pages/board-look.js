// @ts-check
/**
 * The looks of the drawing page: connects the appearance that a person chooses, and the window's pixels, with the
 * canvas.
 *
 * It must never choose one itself.
 */

import { t } from "../strings/strings.js";
import { toast } from "../ui/toast.js";

/**
 * @param {import("../canvas/canvas.js").Canvas} canvas
 * @param {import("../ui/appearance.js").Appearance} appearance
 * @returns {import("../ui/commands.js").Look}
 */
export function boardLook(canvas, appearance) {
  watchPixelRatio(canvas);
  return {
    theme: () => {
      appearance.next();
      toast(t(appearance.label));
    },
    grid: () => appearance.toggleGrid(),
  };
}

/**
 * Notices when the window's device pixel ratio changes, for example on another screen: the browser sends no
 * `resize` for it if the window stays as large.
 * @param {import("../canvas/canvas.js").Canvas} canvas
 */
function watchPixelRatio(canvas) {
  const media = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
  media.addEventListener("change", () => {
    canvas.resize();
    watchPixelRatio(canvas);
  }, { once: true });
}
