// @ts-check
/**
 * A question before something drastic.
 *
 * It must never take a closed dialog for a yes.
 */

import { element } from "./dom.js";
import { closeBeside } from "./sheet.js";

/**
 * @param {{title: string, text: string, yes: string, no: string}} words
 * @returns {Promise<boolean>}
 */
export function asked({ title, text, yes, no }) {
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", "sheet"));
  const heading = element("h1", "", title);
  heading.id = "question-title";
  dialog.setAttribute("aria-labelledby", heading.id);
  const answer = (/** @type {string} */ label, /** @type {string} */ className, /** @type {string} */ value) => {
    const made = /** @type {HTMLButtonElement} */ (element("button", className, label));
    made.type = "button";
    made.addEventListener("click", () => dialog.close(value));
    return made;
  };
  dialog.append(heading, element("p", "", text), element("div", "actions", answer(yes, "primary", "yes"), answer(no, "quiet", "")));
  closeBeside(dialog);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
