// @ts-check
/**
 * The menu of the selection: commands in sections, some as a row of icons.
 *
 * It must never keep the focus: closing it gives the focus back.
 */

import { t } from "../strings/strings.js";
import { button, byId, element } from "./dom.js";
import { icon } from "./icons.js";
import { keyText, tooltip } from "./shortcuts.js";

/** @typedef {import("./commands.js").Command} Command */
/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */

/** Pixels between the menu and the edges of the window. */
const MARGIN = 8;

export class ContextMenu {
  /** @type {HTMLElement | null} */
  #menu = null;
  /** @type {Element | null} */
  #before = null;
  /** Milliseconds, as events count them. */
  #openedAt = 0;
  /** Whether the last press came after it was opened. */
  #isPressed = false;
  #run;

  /** @param {(command: Command) => void} run */
  constructor(run) {
    this.#run = run;
    addEventListener("blur", () => this.close());
    // The canvas closes it by itself, and draws nothing with that press.
    addEventListener("pointerdown", ({ target, timeStamp }) => {
      this.#isPressed = timeStamp > this.#openedAt;
      if (this.#isPressed && !this.#holds(target)) this.close();
    });
  }

  /**
   * @param {Command[][]} sections
   * @param {ScreenPoint} at pixels of the window
   */
  open(sections, at) {
    this.close();
    if (sections.length === 0) return;
    const menu = element("div", "panel context-menu", ...sections.map((section) => this.#section(section)));
    menu.setAttribute("role", "menu");
    menu.setAttribute("aria-label", t("menu.name"));
    menu.addEventListener("keydown", (event) => this.#key(event));
    // A click leaves the focus where it is: the menu closes without it.
    menu.addEventListener("mousedown", (event) => {
      event.preventDefault();
      event.stopPropagation();
    });
    // The finger or button that opened it may be lifted above an item. Keys click without a detail.
    menu.addEventListener("click", (event) => {
      if (event.detail > 0 && !this.#isPressed) event.stopPropagation();
    }, { capture: true });
    menu.addEventListener("contextmenu", (event) => event.preventDefault());
    // The end of a long press moves the focus nowhere: that must not close the menu it opened.
    menu.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget !== null && !this.#holds(relatedTarget)) this.close();
    });
    this.#before = document.activeElement;
    this.#menu = menu;
    this.#openedAt = performance.now();
    this.#isPressed = false;
    // Where the menu of the page is: a landmark.
    byId("menu").after(menu);
    const { width, height } = menu.getBoundingClientRect();
    const place = (/** @type {number} */ wanted, /** @type {number} */ size, /** @type {number} */ room) => Math.max(MARGIN, Math.min(wanted, room - size - MARGIN));
    menu.style.left = `${place(at.x, width, innerWidth)}px`;
    menu.style.top = `${place(at.y, height, innerHeight)}px`;
    menu.tabIndex = -1;
    menu.focus({ preventScroll: true });
  }

  /** @returns {boolean} whether it was open */
  close() {
    const menu = this.#menu;
    if (!menu) return false;
    this.#menu = null;
    const hadFocus = menu.contains(document.activeElement);
    menu.remove();
    if (hadFocus && this.#before instanceof HTMLElement) this.#before.focus({ preventScroll: true });
    return true;
  }

  /** @param {EventTarget | null} target */
  #holds(target) {
    return target instanceof Node && this.#menu?.contains(target) === true;
  }

  /** @returns {HTMLElement[]} */
  get #items() {
    return [...(this.#menu?.querySelectorAll("button") ?? [])];
  }

  /** @param {Command[]} section */
  #section(section) {
    const inRow = section[0].row === true;
    const made = element("div", inRow ? "menu-row" : "menu-section", ...section.map((command) => this.#item(command)));
    made.setAttribute("role", "group");
    return made;
  }

  /** @param {Command} command */
  #item(command) {
    const pressed = () => {
      this.close();
      this.#run(command);
    };
    const key = command.keys[0];
    const made = command.row && command.icon && command.icon !== "percent"
      ? button("icon-button", tooltip(command), pressed, icon(command.icon))
      : button("menu-item", t(command.label), pressed, element("span", "", t(command.label)), element("kbd", "", key ? keyText(key) : ""));
    made.setAttribute("role", "menuitem");
    made.dataset.command = command.id;
    made.tabIndex = -1;
    // Its text names it.
    if (!command.row) for (const name of ["title", "aria-label"]) made.removeAttribute(name);
    return made;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const items = this.#items;
    const at = items.findIndex((item) => item === document.activeElement);
    /** @type {Record<string, number>} */
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: Math.max(at, 0) - 1, ArrowLeft: Math.max(at, 0) - 1, Home: 0, End: items.length - 1 };
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      this.close();
    } else if (event.key in to) {
      event.preventDefault();
      items[(to[event.key] + items.length) % items.length].focus();
    }
  }
}
