// @ts-check
/**
 * The colours and widths to choose from for new strokes.
 *
 * It must never know which stroke they are for: it reports and shows the choice.
 */

import { kindOf } from "../kinds/kinds.js";
import { INK, TOKENS, colourValue, isColour } from "../model/palette.js";
import { t } from "../strings/strings.js";
import { button, byId, element } from "./dom.js";

/** @typedef {import("../strings/strings.js").StringId} StringId */
/** @typedef {{colour: string, size: number}} Chosen `size`: index of a kind's widths */
/** @typedef {"colour" | "size"} Picked which of the two was chosen just now */

/** @type {readonly StringId[]} */
const SIZES = ["width.thin", "width.medium", "width.thick", "width.veryThick"];

/** @type {Chosen} */
export const FIRST_STYLE = { colour: INK, size: 1 };

/** @param {any} value */
export function isChosen({ colour, size }) {
  return isColour(colour) && size in SIZES;
}

export class StyleBar {
  #chosen;
  /** @type {Map<string, HTMLElement>} */
  #colours = new Map();
  /** @type {HTMLElement[]} */
  #sizes = [];

  /**
   * @param {Chosen} earlier that of an earlier visit
   * @param {(picked: Picked) => void} onPicked
   */
  constructor({ colour, size }, onPicked) {
    this.#chosen = { colour, size };
    const pick = (/** @type {Partial<Chosen>} */ part, /** @type {Picked} */ picked) => {
      this.#chosen = { ...this.#chosen, ...part };
      this.#show();
      onPicked(picked);
    };
    for (const colour of TOKENS) {
      const made = button("swatch", t(/** @type {StringId} */ (`colour.${colour}`)), () => pick({ colour }, "colour"));
      made.style.setProperty("--swatch", `light-dark(${colourValue(colour, "light")}, ${colourValue(colour, "dark")})`);
      this.#colours.set(colour, made);
    }
    SIZES.forEach((label, size) => {
      const dot = element("span", "size-dot");
      dot.style.setProperty("--size", `${4 + size * 4}px`);
      this.#sizes.push(button("size", t(label), () => pick({ size }, "size"), dot));
    });
    byId("colours").append(...this.#colours.values());
    byId("sizes").append(...this.#sizes);
    this.#show();
  }

  /** @returns {Chosen} */
  get chosen() {
    return this.#chosen;
  }

  /**
   * The style of a new stroke.
   * @param {string} kind
   */
  style(kind) {
    return { colour: this.#chosen.colour, width: kindOf({ kind }).widths[this.#chosen.size] };
  }

  #show() {
    for (const [colour, made] of this.#colours) made.setAttribute("aria-pressed", String(colour === this.#chosen.colour));
    this.#sizes.forEach((made, size) => made.setAttribute("aria-pressed", String(size === this.#chosen.size)));
  }
}
