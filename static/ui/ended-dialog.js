// @ts-check
/**
 * The message for a final end: the drawing does not exist, or the server rejected the connection.
 *
 * It must never be shown while reconnecting can succeed.
 */

import { t } from "../strings/strings.js";
import { byId } from "./dom.js";

/** @typedef {import("../strings/strings.js").StringId} StringId */
/** @typedef {{title: StringId, text: StringId, canRestore: boolean}} Message */

/** By close code, which is 4000 + an HTTP status: 404 if the drawing never existed, 410 if it was deleted.
 * @type {Record<number, Message>} */
const MESSAGES = {
  4404: { title: "ended.missing", text: "ended.missingText", canRestore: false },
  4410: { title: "ended.deleted", text: "ended.deletedText", canRestore: true },
};
/** @type {Message} */
const OTHER = { title: "ended.rejected", text: "ended.rejectedText", canRestore: false };

/** Codes after which the drawing cannot be opened from here any more. */
const GONE = [4401, 4403, 4404, 4410];

/** @param {number} code */
export function isGone(code) {
  return GONE.includes(code);
}

export class EndedDialog {
  /** @param {() => void} restore */
  constructor(restore) {
    byId("restore").addEventListener("click", restore);
  }

  /** @param {number} code */
  show(code) {
    const { title, text, canRestore } = MESSAGES[code] ?? OTHER;
    byId("ended-title").textContent = t(title);
    byId("ended-text").textContent = t(text);
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
