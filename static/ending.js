// @ts-check
/**
 * What is said when nothing more comes of this page: the drawing is gone, or the server does
 * not take it.
 *
 * It must never come up while coming back makes sense.
 */

import { byId } from "./dom.js";

/** The close code, and the HTTP status, of a drawing that is not there. */
export const NO_DRAWING = 4404;

export class Ending {
  /** @param {() => void} takeBack */
  constructor(takeBack) {
    byId("take-back").addEventListener("click", takeBack);
  }

  /** @param {number} code the close code, or 4000 and the HTTP status */
  show(code) {
    const gone = code === NO_DRAWING;
    byId("ended-title").textContent = gone ? "This drawing is not here any more" : "The server does not take this page";
    byId("ended-text").textContent = gone
      ? "Somebody deleted it. For ten minutes after that it can be taken back, with everything on it."
      : "Reload the page to try again. What is not saved yet stays in this browser.";
    byId("take-back").hidden = !gone;
    byId("ended").hidden = false;
  }
}
