// @ts-check
/**
 * Notices when the window's device pixel ratio changes, for example on another screen: the browser sends no
 * `resize` for it if the window stays as large.
 *
 * It must never read anything but the ratio.
 */

/** @param {() => void} changed */
export function watchPixelRatio(changed) {
  const media = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
  media.addEventListener("change", () => {
    changed();
    watchPixelRatio(changed);
  }, { once: true });
}
