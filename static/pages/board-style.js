// @ts-check
/**
 * The chosen style: what the style bar is for at any moment, and what a choice changes.
 *
 * It must never change more than the bar shows: the text that is written, the selection, or new strokes.
 */

import { KINDS, kindOf } from "../kinds/kinds.js";
import { chosenOf, restyled, styleOf } from "../model/style.js";
import { StyleBar } from "../ui/style-bar.js";

/** @typedef {import("../model/style.js").Chosen} Chosen */
/** @typedef {import("../ui/style-bar.js").Shown} Shown */

/** How much longer than it took a pause lasts until it is shown again. */
const PAUSES = 8;

export class BoardStyle {
  #timer = 0;
  #pause = 0;
  #bar;
  #on;

  /**
   * @param {Chosen} earlier that of an earlier visit
   * @param {object} on
   * @param {() => import("../ui/text-editor.js").TextEditor} on.editor
   * @param {() => import("./board-selection.js").BoardSelection | null} on.selection null unless its tool is chosen
   * @param {() => string} on.tool
   * @param {() => void} on.picked something else was chosen
   */
  constructor(earlier, on) {
    this.chosen = earlier;
    this.#on = on;
    this.#bar = new StyleBar((picked) => this.#picked(picked));
  }

  /** The style of a new stroke.
   * @param {string} kind */
  of(kind) {
    return styleOf(this.chosen, kindOf({ kind }));
  }

  /** Shows what applies, soon, and once for any number of changes; less often if that takes long. */
  show() {
    if (this.#timer !== 0) return;
    this.#timer = setTimeout(() => {
      const began = performance.now();
      this.#timer = 0;
      this.#bar.show(this.#shown());
      this.#pause = (performance.now() - began) * PAUSES;
    }, this.#pause);
  }

  /** Closes the sheet on small screens.
   * @returns {boolean} whether it was open */
  close() {
    return this.#bar.close();
  }

  /** @returns {Shown | null} */
  #shown() {
    const { body } = this.#on.editor();
    if (body) return { fields: new Set(kindOf(body).styles), values: chosenOf(body, kindOf(body)), letters: true };
    const selection = this.#on.selection();
    if (selection) return selection.styles;
    const kind = KINDS.get(this.#on.tool());
    return kind ? { fields: new Set(kind.styles), values: { align: kind.defaults.align ?? "start", ...this.chosen }, letters: kind.lettering !== undefined } : null;
  }

  /** @param {Partial<Chosen>} picked */
  #picked(picked) {
    const editor = this.#on.editor();
    if (editor.body) editor.restyle(restyled(picked, kindOf(editor.body)));
    else this.#on.selection()?.restyle(picked);
    this.chosen = { ...this.chosen, ...picked };
    this.#on.picked();
    this.show();
  }
}
