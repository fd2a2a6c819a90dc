// @ts-check
/**
 * How the page looks: light or dark, as the system or as chosen, and with or without the grid's dots. Both
 * are remembered.
 *
 * It must never paint: it says which theme the canvas has.
 */

import { loadStored, saveStored } from "../net/local-storage.js";
import { byId } from "./dom.js";

/** @typedef {import("../model/palette.js").CanvasTheme} CanvasTheme */
/** @typedef {"system" | CanvasTheme} ThemeChoice */

/** Their names, in the order in which the switch goes through them.
 * @type {Record<ThemeChoice, import("../strings/strings.js").StringId>} */
const CHOICES = { system: "look.system", light: "look.light", dark: "look.dark" };
const THEME_CHOICES = /** @type {ThemeChoice[]} */ (Object.keys(CHOICES));
/** The name in the browser's storage; a classic script applies it before the page is shown. */
const THEME = "theme";
const GRID = "grid";

export class Appearance {
  #dark = matchMedia("(prefers-color-scheme: dark)");
  #onTheme;
  /** @type {ThemeChoice} */
  #choice;
  #grid;

  /** @param {(theme: CanvasTheme) => void} onTheme */
  constructor(onTheme) {
    this.#onTheme = onTheme;
    this.#choice = storedChoice();
    this.#grid = loadStored(GRID, () => true, (value) => typeof value === "boolean");
    this.#dark.addEventListener("change", () => this.#show());
    // Another tab of this browser has changed it.
    addEventListener("storage", ({ key }) => {
      if (key !== THEME) return;
      this.#choice = storedChoice();
      this.#show();
    });
    this.#show();
  }

  /** @returns {CanvasTheme} */
  get theme() {
    if (this.#choice !== "system") return this.#choice;
    return this.#dark.matches ? "dark" : "light";
  }

  /** The name of what is chosen. */
  get label() {
    return CHOICES[this.#choice];
  }

  /** Chooses the next one of system, light and dark. */
  next() {
    this.#choice = THEME_CHOICES[(THEME_CHOICES.indexOf(this.#choice) + 1) % THEME_CHOICES.length];
    saveStored(THEME, this.#choice);
    this.#show();
  }

  toggleGrid() {
    this.#grid = !this.#grid;
    saveStored(GRID, this.#grid);
    this.#show();
  }

  #show() {
    const { dataset } = document.documentElement;
    if (this.#choice === "system") delete dataset.theme;
    else dataset.theme = this.#choice;
    const paper = byId("paper");
    paper.classList.toggle("no-grid", !this.#grid);
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", getComputedStyle(paper).backgroundColor);
    this.#onTheme(this.theme);
  }
}

/** @returns {ThemeChoice} */
function storedChoice() {
  return loadStored(THEME, () => "system", (value) => THEME_CHOICES.includes(value));
}
