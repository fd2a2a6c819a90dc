// @ts-check
/**
 * When the modules are loaded that a drawing needs only once it is painted, and that they are fetched all at
 * once, not one after the other along their imports: the server has listed them in the page.
 *
 * It must never wait for ever: a drawing that cannot be read or painted can be drawn on all the same.
 */

import { byId } from "../ui/dom.js";

/** Milliseconds. */
const LONGEST_WAIT = 1_000;
/** Milliseconds between two looks where no frames are shown, as in a tab that is hidden. */
const LOOK_EVERY = 50;

/**
 * @param {import("../canvas/canvas.js").Canvas} canvas
 * @param {() => Promise<void>} act
 * @returns {() => Promise<void>} starts the canvas, and acts once it is painted; later calls do nothing more
 */
export function onceWhenPainted(canvas, act) {
  /** @type {Promise<void> | null} */
  let acted = null;
  return () => {
    canvas.start();
    return (acted ??= whenPainted(canvas).then(act));
  };
}

/** @param {import("../canvas/canvas.js").Canvas} canvas */
async function whenPainted(canvas) {
  const end = performance.now() + LONGEST_WAIT;
  do await Promise.race([new Promise(requestAnimationFrame), new Promise((resolve) => setTimeout(resolve, LOOK_EVERY))]);
  while (!canvas.isComplete && performance.now() < end);
  // Loading would delay the frame that shows it: it begins after that.
  await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
}

export function fetchLaterModules() {
  document.head.append(/** @type {HTMLTemplateElement} */ (byId("later-modules")).content);
}
