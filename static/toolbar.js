// @ts-check
/**
 * The controls for tools, colours, widths, undo and zoom, with their keyboard shortcuts.
 *
 * It must never draw: it reports and shows the choice.
 */

import { button, byId, element, iconButton } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("./tools.js").Choice} Choice */
/** @typedef {{colour?: number, size?: number}} Picked the colour or the size that was just chosen, by its index */
/** @typedef {{choice: Choice, colour: number, size: number}} Kept what is kept from one visit to the next, with colour and size by index */
/** @typedef {"undo"|"redo"|"in"|"out"|"fit"|"one"} Command */

/** @type {{choice: Choice, label: string, key: string}[]} */
const TOOLS = [
  { choice: "pen", label: "Pen", key: "p" },
  { choice: "marker", label: "Marker", key: "m" },
  { choice: "line", label: "Line", key: "l" },
  { choice: "arrow", label: "Arrow", key: "a" },
  { choice: "rectangle", label: "Rectangle", key: "r" },
  { choice: "ellipse", label: "Ellipse", key: "o" },
  { choice: "text", label: "Text", key: "t" },
  { choice: "eraser", label: "Eraser", key: "e" },
  { choice: "hand", label: "Move around", key: "h" },
];

const COLOURS = [
  { colour: "#22201d", name: "Ink" },
  { colour: "#d6402b", name: "Red" },
  { colour: "#ee8a1d", name: "Orange" },
  { colour: "#efbf26", name: "Yellow" },
  { colour: "#3c9a5f", name: "Green" },
  { colour: "#2f7fc1", name: "Blue" },
  { colour: "#7f52b5", name: "Violet" },
  { colour: "#df6a99", name: "Pink" },
];

const SIZE_NAMES = ["Thin", "Medium", "Thick", "Very thick"];
const LINE_WIDTHS = [2, 4, 8, 14];
/** @type {Partial<Record<Choice, number[]>>} in units; for text, the height of a line */
const WIDTHS = { marker: [12, 20, 32, 48], text: [22, 32, 48, 80] };

/** @type {Kept} */
export const FIRST_CHOICE = { choice: "pen", colour: 0, size: 1 };

/** @param {any} value */
export function isChoice({ choice, colour, size }) {
  return TOOLS.some((tool) => tool.choice === choice) && colour in COLOURS && size in SIZE_NAMES;
}

export class Toolbar {
  /** @type {Choice} */
  choice;
  #colour;
  #size;
  /** @type {Map<Choice, HTMLElement>} */
  #tools = new Map();
  /** @type {HTMLElement[]} */
  #colours = [];
  /** @type {HTMLElement[]} */
  #sizes = [];
  #undo;
  #redo;
  #percent;
  #on;

  /**
   * @param {Kept} kept the choice of an earlier visit
   * @param {object} on
   * @param {(choice: Choice, colour: string, width: number, picked?: Picked) => void} on.chosen
   * @param {(command: Command) => void} on.command
   * @param {(held: boolean) => void} on.space
   * @param {() => void} on.escape
   */
  constructor(kept, on) {
    this.#on = on;
    this.choice = kept.choice;
    this.#colour = kept.colour;
    this.#size = kept.size;
    const command = (/** @type {Command} */ name) => () => on.command(name);
    for (const { choice, label, key } of TOOLS) {
      const pick = iconButton(choice, `${label} (${key.toUpperCase()})`, () => this.choose(choice));
      this.#tools.set(choice, pick);
    }
    COLOURS.forEach(({ colour, name }, i) => {
      const pick = button("swatch", name, () => this.#pick({ colour: i }));
      pick.style.setProperty("--swatch", colour);
      this.#colours.push(pick);
    });
    SIZE_NAMES.forEach((name, i) => {
      const dot = element("span", "size-dot");
      dot.style.setProperty("--size", `${4 + i * 4}px`);
      this.#sizes.push(button("size", name, () => this.#pick({ size: i }), dot));
    });
    byId("tools").append(...this.#tools.values());
    byId("colours").append(...this.#colours);
    byId("sizes").append(...this.#sizes);
    this.#undo = iconButton("undo", "Undo (Ctrl+Z)", command("undo"));
    this.#redo = iconButton("redo", "Redo (Ctrl+Shift+Z)", command("redo"));
    byId("history").append(this.#undo, this.#redo);
    this.#percent = button("percent", "Show at 100 % (0)", command("one"), "100 %");
    byId("zoom").append(
      iconButton("minus", "Zoom out (−)", command("out")),
      this.#percent,
      iconButton("plus", "Zoom in (+)", command("in")),
      button("icon-button", "Show everything (F)", command("fit"), icon("fit")),
    );
    addEventListener("keydown", (event) => this.#key(event));
    addEventListener("keyup", (event) => {
      if (event.code === "Space") on.space(false);
    });
    addEventListener("blur", () => on.space(false));
    this.#show();
  }

  /** @returns {Kept} */
  get kept() {
    return { choice: this.choice, colour: this.#colour, size: this.#size };
  }

  /** Reports the current choice.
   * @param {Picked} [picked] */
  notify(picked) {
    const widths = WIDTHS[this.choice] ?? LINE_WIDTHS;
    this.#on.chosen(this.choice, COLOURS[this.#colour].colour, widths[this.#size], picked);
  }

  /** @param {Choice} choice */
  choose(choice) {
    this.choice = choice;
    this.#show();
    this.notify();
  }

  /**
   * @param {boolean} canUndo
   * @param {boolean} canRedo
   */
  showHistory(canUndo, canRedo) {
    this.#undo.disabled = !canUndo;
    this.#redo.disabled = !canRedo;
  }

  /** @param {number} zoom */
  showZoom(zoom) {
    this.#percent.textContent = `${Math.round(zoom * 100)} %`;
  }

  /** @param {Picked} picked */
  #pick(picked) {
    const { colour = this.#colour, size = this.#size } = picked;
    this.#colour = colour;
    this.#size = size;
    // A colour picked with the eraser or the hand is meant for drawing.
    if (this.choice === "eraser" || this.choice === "hand") this.choice = "pen";
    this.#show();
    this.notify(picked);
  }

  #show() {
    for (const [choice, pick] of this.#tools) pick.setAttribute("aria-pressed", String(choice === this.choice));
    this.#colours.forEach((pick, i) => pick.setAttribute("aria-pressed", String(i === this.#colour)));
    this.#sizes.forEach((pick, i) => pick.setAttribute("aria-pressed", String(i === this.#size)));
    byId("dock").style.setProperty("--chosen", COLOURS[this.#colour].colour);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { target } = event;
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return;
    const key = event.key.toLowerCase();
    const command = commandOf(key, event);
    if (command) {
      event.preventDefault();
      this.#on.command(command);
    } else if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    } else if (key === "escape") {
      this.#on.escape();
    } else if (event.code === "Space" && !(target instanceof HTMLButtonElement)) {
      event.preventDefault();
      this.#on.space(true);
    } else {
      const tool = TOOLS.find((tool) => tool.key === key);
      if (tool) this.choose(tool.choice);
    }
  }
}

/**
 * @param {string} key
 * @param {KeyboardEvent} event
 * @returns {Command | null}
 */
function commandOf(key, { ctrlKey, metaKey, shiftKey, altKey }) {
  if (altKey) return null;
  if (ctrlKey || metaKey) {
    if (key === "z") return shiftKey ? "redo" : "undo";
    return key === "y" ? "redo" : null;
  }
  if (key === "+" || key === "=") return "in";
  if (key === "-") return "out";
  if (key === "0") return "one";
  return key === "f" ? "fit" : null;
}
