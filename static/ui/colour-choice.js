// @ts-check
/**
 * The colours to choose one's own from. Those of others are shown as taken.
 *
 * It must never offer a colour that somebody else has.
 */

import { t } from "../strings/strings.js";
import { button } from "./dom.js";

/** How the arrow keys move the choice.
 * @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export class ColourChoice {
  /** @type {Map<string, HTMLButtonElement>} */
  #swatches = new Map();
  #choose;

  /**
   * @param {HTMLElement} group
   * @param {readonly string[]} colours
   * @param {(colour: string) => void} choose
   */
  constructor(group, colours, choose) {
    this.#choose = choose;
    colours.forEach((colour, at) => {
      const label = t("people.colour", { number: at + 1 });
      const made = /** @type {HTMLButtonElement} */ (button("own-colour", label, () => this.#choose(colour)));
      made.setAttribute("role", "radio");
      made.style.setProperty("--face", colour);
      this.#swatches.set(colour, made);
    });
    group.append(...this.#swatches.values());
    group.addEventListener("keydown", (event) => this.#key(event));
  }

  /**
   * @param {string} own
   * @param {Map<string, string>} taken the names of others by their colours
   */
  show(own, taken) {
    const all = [...this.#swatches];
    // Of a group of radio buttons one can be reached with Tab, also if one's own colour is of an older palette.
    const reached = this.#swatches.has(own) ? own : all.find(([colour]) => !taken.has(colour))?.[0];
    all.forEach(([colour, made], at) => {
      const owner = colour === own ? undefined : taken.get(colour);
      made.setAttribute("aria-checked", String(colour === own));
      made.disabled = owner !== undefined;
      made.tabIndex = colour === reached ? 0 : -1;
      const label = owner === undefined ? t("people.colour", { number: at + 1 }) : t("people.colourTaken", { number: at + 1, name: owner });
      made.title = label;
      made.setAttribute("aria-label", label);
    });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = STEPS[event.key];
    const free = [...this.#swatches.values()].filter(({ disabled }) => !disabled);
    const at = free.findIndex((one) => one === document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const mirrored = event.key.endsWith("t") && document.documentElement.dir === "rtl";
    const next = free[(at + (mirrored ? -step : step) + free.length) % free.length];
    next.focus();
    next.click();
  }
}
