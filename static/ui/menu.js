// @ts-check
/**
 * The menu of the page: the commands that are for the whole drawing, with their keys.
 *
 * It must never know what a command does: it reports the choice.
 */

import { t } from "../strings/strings.js";
import { COMMANDS, canRun } from "./commands.js";
import { byId, element } from "./dom.js";
import { icon } from "./icons.js";
import { keyText } from "./shortcuts.js";

/** @typedef {import("./commands.js").Board} Board */
/** @typedef {import("./commands.js").Command} Command */
/** @typedef {import("./commands.js").Group} Group */

/** The groups of commands in it, with a line between them.
 * @type {readonly Group[]} */
const GROUPS = ["file", "people", "view", "look", "page"];
/** Where keys move the focus to, from an index and with the number of items.
 * @type {Record<string, (at: number, count: number) => number>} */
const MOVES = {
  ArrowDown: (at, count) => (at + 1) % count,
  ArrowUp: (at, count) => (at + count - 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

export class Menu {
  #button = byId("menu-button");
  #panel = byId("menu");
  #on;

  /**
   * @param {object} on
   * @param {(command: Command) => void} on.run
   * @param {() => Board} on.board says which commands can be run
   */
  constructor(on) {
    this.#on = on;
    this.#panel.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("pointerdown", ({ target }) => {
      const inside = target instanceof Node && (this.#panel.contains(target) || this.#button.contains(target));
      if (!inside) this.close();
    });
  }

  /** Closes the menu, and returns whether it was open. */
  close() {
    const wasOpen = !this.#panel.hidden;
    this.#panel.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    return wasOpen;
  }

  /** Opens or closes the menu. */
  toggle() {
    if (this.close()) return;
    const parts = GROUPS.map((group) => COMMANDS.filter((command) => command.group === group).map((command) => this.#item(command)));
    const line = () => {
      const made = element("hr", "");
      made.setAttribute("role", "separator");
      return made;
    };
    this.#panel.replaceChildren(...parts.flatMap((items, i) => (i > 0 ? [line(), ...items] : items)));
    this.#panel.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#items[0]?.focus();
  }

  get #items() {
    return [...this.#panel.querySelectorAll("button")].filter(({ disabled }) => !disabled);
  }

  /** @param {Command} command */
  #item(command) {
    const { id, label, keys } = command;
    const made = /** @type {HTMLButtonElement} */ (element("button", "", element("span", "", t(label))));
    made.prepend(command.icon && command.icon !== "percent" ? icon(command.icon) : element("i", "icon"));
    if (keys.length > 0) made.append(element("kbd", "", keyText(keys[0])));
    made.type = "button";
    made.disabled = !canRun(command, this.#on.board());
    made.dataset.command = id;
    made.setAttribute("role", "menuitem");
    made.addEventListener("click", ({ detail }) => {
      this.close();
      // A click leaves the focus on the drawing; a key keeps it in the bar.
      if (detail === 0) this.#button.focus();
      this.#on.run(command);
    });
    return made;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const items = this.#items;
    const move = MOVES[event.key];
    if (move && items.length > 0) {
      items[move(items.findIndex((item) => item === document.activeElement), items.length)].focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      this.close();
      this.#button.focus();
    } else {
      return;
    }
    // Tab goes on from the button.
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  }
}
