// @ts-check
/**
 * Offers a way back where nothing drawn is in sight.
 *
 * It must never move the view by itself.
 */

import { byId } from "../ui/dom.js";

/** Milliseconds after a change of the view or the strokes until it is checked whether any are in sight. */
const CHECK_AFTER = 250;

export class Astray {
  #check = 0;
  #viewport;

  /** @param {import("../canvas/viewport.js").Viewport} viewport */
  constructor(viewport) {
    this.#viewport = viewport;
    byId("back-to-drawing").addEventListener("click", () => viewport.fit());
  }

  /** The view or the strokes have changed. */
  check() {
    if (this.#check !== 0) return;
    this.#check = setTimeout(() => {
      this.#check = 0;
      byId("back-to-drawing").hidden = !this.#viewport.isAstray;
    }, CHECK_AFTER);
  }
}
