// @ts-check
/**
 * A dialog in the middle of the window: it has the focus while it is open and gives it back when it closes.
 *
 * It must never outlive its closing.
 */

import { element } from "./dom.js";

/**
 * @param {string} className
 * @param {string} title
 * @param {...(Node | string)} children
 */
export function openSheet(className, title, ...children) {
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", `sheet ${className}`));
  const heading = element("h1", "", title);
  heading.id = `${className}-title`;
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.append(heading, ...children);
  closeBeside(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Closes a dialog by a click on its backdrop. A press that begins in the dialog is none, wherever it is lifted, for
 * example one that selects text.
 * @param {HTMLDialogElement} dialog
 */
export function closeBeside(dialog) {
  let isBeside = false;
  dialog.addEventListener("pointerdown", ({ clientX, clientY }) => {
    const { left, top, right, bottom } = dialog.getBoundingClientRect();
    isBeside = clientX < left || clientX > right || clientY < top || clientY > bottom;
  });
  // The target of an event on the backdrop is the dialog itself.
  dialog.addEventListener("click", ({ target }) => isBeside && target === dialog && dialog.close(""));
}

/**
 * A button with a text.
 * @param {string} className
 * @param {string} text
 * @param {() => void} pressed
 */
export function textButton(className, text, pressed) {
  const made = /** @type {HTMLButtonElement} */ (element("button", className, text));
  made.type = "button";
  made.addEventListener("click", pressed);
  return made;
}
