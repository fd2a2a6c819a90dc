// @ts-check
/**
 * What is in sight, in words for screen readers: a list of the uppermost strokes beside the canvas.
 *
 * It must never take time from drawing: it is written some time after a change, and bounded.
 */

import { TOKENS } from "../model/palette.js";
import { t } from "../strings/strings.js";
import { COMMANDS } from "./commands.js";
import { element } from "./dom.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {import("../strings/strings.js").StringId} StringId */

/** Maximum of strokes in the list, and of characters of a text in it. */
const MAX_STROKES = 40;
const MAX_TEXT = 120;
/** Milliseconds after a change until the list is written. */
const AFTER = 1_200;

export class StrokeList {
  #timer = 0;
  #summary = element("p", "");
  #list = element("ul", "");
  #source;

  /**
   * @param {HTMLElement} place
   * @param {object} source
   * @param {() => readonly Stroke[]} source.inSight in painting order
   * @param {() => number} source.count of all strokes
   */
  constructor(place, source) {
    this.#source = source;
    place.append(this.#summary, this.#list);
    this.changed();
  }

  /** The view or the strokes have changed. */
  changed() {
    if (this.#timer !== 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#write();
    }, AFTER);
  }

  #write() {
    const inSight = this.#source.inSight();
    const count = this.#source.count();
    this.#summary.textContent = `${t("strokes.count", { count })} ${t("strokes.inSight", { count: inSight.length })}`;
    const lines = inSight.slice(-MAX_STROKES).reverse().map(({ body }) => lineOf(body));
    // A screen reader may be within the list: what is the same stays.
    const shown = [...this.#list.children];
    lines.forEach((line, at) => {
      const item = shown[at] ?? this.#list.appendChild(element("li", ""));
      if (item.textContent !== line) item.textContent = line;
    });
    for (const item of shown.slice(lines.length)) item.remove();
  }
}

/** @param {Body} body */
function lineOf({ kind, colour, text }) {
  const label = COMMANDS.find(({ tool }) => tool === kind)?.label;
  const name = label ? t(label) : t("strokes.other");
  if (text) {
    const start = [...text].slice(0, MAX_TEXT).join("").replaceAll("\n", " ");
    return t("strokes.text", { kind: name, text: start });
  }
  const isNamed = colour !== undefined && TOKENS.includes(colour);
  return isNamed ? t("strokes.coloured", { kind: name, colour: t(/** @type {StringId} */ (`colour.${colour}`)) }) : name;
}
