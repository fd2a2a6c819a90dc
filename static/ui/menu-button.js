// @ts-check
/**
 * The button that opens the menu of the page.
 *
 * It must never load the menu before it is wanted.
 */

import { byId } from "./dom.js";
import { icon } from "./icons.js";
import { lateButton } from "./late-button.js";

export class MenuButton {
  /** @type {import("./menu.js").Menu | null} */
  #menu = null;

  /**
   * @param {ConstructorParameters<typeof import("./menu.js").Menu>[0]} on
   * @param {() => void} failed the menu cannot be loaded
   */
  constructor(on, failed) {
    const load = async () => {
      const { Menu } = await import("./menu.js");
      return (this.#menu ??= new Menu(on));
    };
    byId("menu-button").append(icon("menu"));
    lateButton(byId("menu-button"), load, (menu) => menu.toggle(), failed);
  }

  /** Closes the menu, and returns whether it was open. */
  close() {
    return this.#menu?.close() === true;
  }
}
