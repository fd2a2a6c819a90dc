// @ts-check
/**
 * The message for a final end: the drawing does not exist, or the server rejected the connection.
 *
 * It must never be shown while reconnecting can succeed.
 */

import { byId } from "./dom.js";

/** @typedef {{title: string, text: string, canRestore: boolean}} Message */

/** By close code, which is 4000 + an HTTP status: 404 if the drawing never existed, 410 if it was deleted.
 * @type {Record<number, Message>} */
const MESSAGES = {
  4404: {
    title: "There is no drawing here",
    text: "The link may be incomplete, or the drawing was deleted a while ago.",
    canRestore: false,
  },
  4410: {
    title: "This drawing was deleted",
    text: "It can be restored for ten minutes after deletion, with everything on it.",
    canRestore: true,
  },
};
/** @type {Message} */
const OTHER = {
  title: "The server rejected this page",
  text: "Reload the page to try again. Unsaved changes stay in this browser.",
  canRestore: false,
};

export class EndedDialog {
  /** @param {() => void} restore */
  constructor(restore) {
    byId("restore").addEventListener("click", restore);
  }

  /** @param {number} code */
  show(code) {
    const { title, text, canRestore } = MESSAGES[code] ?? OTHER;
    byId("ended-title").textContent = title;
    byId("ended-text").textContent = text;
    byId("restore").hidden = !canRestore;
    const dialog = byId("ended");
    dialog.hidden = false;
    // Nothing behind the dialog can be reached; messages above it can.
    for (const part of document.body.children) {
      if (part instanceof HTMLElement && part !== dialog && part.id !== "toasts") part.inert = true;
    }
    if (canRestore) byId("restore").focus();
    else byId("ended-title").focus();
  }
}
