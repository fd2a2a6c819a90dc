// @ts-check
/**
 * Finds and creates elements.
 *
 * It must never hold on to one.
 */

import { icon } from "./icons.js";

/** @typedef {import("./icons.js").IconName} IconName */

/**
 * The element with an id, which must exist.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (element);
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {...(Node | string)} children
 */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/**
 * @param {string} className
 * @param {string} label accessible name and tooltip
 * @param {() => void} pressed
 * @param {...(Node | string)} children
 */
export function button(className, label, pressed, ...children) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.title = label;
  made.setAttribute("aria-label", label);
  made.append(...children);
  made.addEventListener("click", pressed);
  return made;
}

/**
 * Lets clicked buttons leave the focus alone: the next key is meant for the drawing, and the space bar
 * must not press the button again. The keyboard still reaches every button.
 * @param {HTMLElement} keeper stays focused while buttons are clicked; everything else loses the focus
 */
export function keepFocusOffClickedButtons(keeper) {
  document.addEventListener("mousedown", (event) => {
    if (!(event.target instanceof Element && event.target.closest("button"))) return;
    event.preventDefault();
    const { activeElement } = document;
    if (activeElement instanceof HTMLElement && activeElement !== keeper) activeElement.blur();
  });
}

/**
 * Whether a key, the clipboard or a drop is for a field that is typed in, or for an open dialog, which has it also when
 * nothing in it is focused, as after a click on one of its buttons.
 * @param {Event} event
 */
export function isTaken({ target }) {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || document.querySelector("dialog[open], [aria-modal]") !== null;
}

/**
 * @param {IconName} name
 * @param {string} label
 * @param {() => void} pressed
 */
export function iconButton(name, label, pressed) {
  return button("icon-button", label, pressed, icon(name));
}
