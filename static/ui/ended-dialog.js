// @ts-check
/**
 * The message for a final end: the drawing is not there, is not shared any more, or the server rejected the
 * connection.
 *
 * It must never be shown while reconnecting can succeed.
 */

import { t } from "../strings/later.js";
import { element } from "./dom.js";
import { textButton } from "./sheet.js";

/** @typedef {import("../strings/later.js").LaterId} LaterId */
/** @typedef {"missing"|"deleted"|"denied"|"revoked"|"rejected"} End */

/** @type {Record<End, [LaterId, LaterId]>} */
const WORDS = {
  missing: ["ended.missing", "ended.missingText"],
  deleted: ["ended.deleted", "ended.deletedText"],
  denied: ["ended.denied", "ended.deniedText"],
  revoked: ["ended.revoked", "ended.revokedText"],
  rejected: ["ended.rejected", "ended.rejectedText"],
};

/**
 * @param {End} end
 * @param {object} can
 * @param {(() => void) | null} can.restore
 * @param {{count: number, save: () => void} | null} can.unsent strokes that the server has not, and how to save them as a file
 */
export function showEnded(end, { restore, unsent }) {
  const [title, text] = WORDS[end];
  const heading = element("h1", "", t(title));
  heading.id = "ended-title";
  heading.tabIndex = -1;
  const about = element("div", "", element("p", "", t(text)));
  const buttons = [];
  if (unsent) {
    about.append(element("p", "", t("ended.unsent", { count: unsent.count })));
    buttons.push(textButton("primary", t("ended.save"), unsent.save));
  }
  about.id = "ended-text";
  if (restore) {
    const made = textButton(unsent ? "quiet" : "primary", t("ended.restore"), restore);
    made.id = "restore";
    buttons.push(made);
  }
  const home = /** @type {HTMLAnchorElement} */ (element("a", buttons.length > 0 ? "quiet" : "primary", t("page.all")));
  home.href = "/";
  const dialog = element("section", "veil", element("div", "sheet", heading, about, element("div", "actions", ...buttons, home)));
  dialog.id = "ended";
  dialog.setAttribute("role", "alertdialog");
  dialog.setAttribute("aria-modal", "true");
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.setAttribute("aria-describedby", about.id);
  // Nothing behind the dialog can be reached; messages above it can.
  for (const part of document.body.children) {
    if (part instanceof HTMLDialogElement) part.close();
    else if (part instanceof HTMLElement && part.id !== "toasts") part.inert = true;
  }
  document.body.append(dialog);
  (buttons[0] ?? heading).focus();
}
