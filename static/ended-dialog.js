// @ts-check
/**
 * What is said when nothing more comes of this page: the drawing is gone, or the server does
 * not take it.
 *
 * It must never come up while coming back makes sense.
 */

import { byId } from "./dom.js";

/** @typedef {{title: string, text: string, canRestore: boolean}} Words */

/** By close code, or 4000 and the HTTP status: 404 if there never was one here, 410 if it is deleted.
 * @type {Record<number, Words>} */
const WORDS = {
  4404: {
    title: "There is no drawing here",
    text: "The link may be incomplete, or the drawing was deleted a while ago.",
    canRestore: false,
  },
  4410: {
    title: "This drawing was deleted",
    text: "For ten minutes after that it can be taken back, with everything on it.",
    canRestore: true,
  },
};
/** @type {Words} */
const OTHER = {
  title: "The server does not take this page",
  text: "Reload the page to try again. What is not saved yet stays in this browser.",
  canRestore: false,
};

export class EndedDialog {
  /** @param {() => void} restore */
  constructor(restore) {
    byId("restore").addEventListener("click", restore);
  }

  /** @param {number} code */
  show(code) {
    const { title, text, canRestore } = WORDS[code] ?? OTHER;
    byId("ended-title").textContent = title;
    byId("ended-text").textContent = text;
    byId("restore").hidden = !canRestore;
    byId("ended").hidden = false;
  }
}
