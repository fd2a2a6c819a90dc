// @ts-check
/**
 * The looks of the drawing page: connects the appearance that a person chooses with the canvas.
 *
 * It must never choose one itself.
 */

import { watchPixelRatio } from "../canvas/pixel-ratio.js";
import { t } from "../strings/strings.js";
import { Appearance } from "../ui/appearance.js";
import { toast } from "../ui/toast.js";

/**
 * @param {import("../canvas/canvas.js").Canvas} canvas
 * @returns {import("../ui/commands.js").Look}
 */
export function boardLook(canvas) {
  const appearance = new Appearance((theme) => canvas.setTheme(theme));
  watchPixelRatio(() => canvas.resize());
  return {
    theme: () => {
      appearance.next();
      toast(t(appearance.label));
    },
    grid: () => appearance.toggleGrid(),
  };
}
