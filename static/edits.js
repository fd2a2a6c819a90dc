// @ts-check
/**
 * Turns the results of tools into edits of strokes: a drawn stroke, erased ones, a typed text, each as
 * one step of the history.
 *
 * It must never change a stroke itself: the history sends the ops.
 */

import { randomId } from "./ids.js";

/** @typedef {import("./types.js").PlanePoint} PlanePoint */
/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").Stroke} Stroke */
/** @typedef {import("./history.js").Edit} Edit */

export class Edits {
  /** @type {Edit[]} strokes erased in the current drag */
  #erased = [];
  #on;

  /**
   * @param {object} on
   * @param {(edit: Edit) => void} on.act applies an edit
   * @param {(edits: Edit[]) => void} on.finish ends a step of the history
   * @param {(from: PlanePoint, to: PlanePoint, radius: number) => Stroke[]} on.strokesTouched in painting order
   * @param {(options: {corner: PlanePoint, colour: string, width: number, text: string}, onDone: (text: string, style: {colour: string, width: number}) => void) => void} on.write
   */
  constructor(on) {
    this.#on = on;
  }

  /**
   * @param {string} stroke
   * @param {Body} body
   */
  drawn(stroke, body) {
    this.#do({ kind: "draw", stroke, body });
  }

  /**
   * @param {PlanePoint} from
   * @param {PlanePoint} to
   * @param {number} radius
   */
  erase(from, to, radius) {
    for (const { id, body } of this.#on.strokesTouched(from, to, radius)) {
      /** @type {Edit} */
      const edit = { kind: "erase", stroke: id, body };
      this.#on.act(edit);
      this.#erased.push(edit);
    }
  }

  erased() {
    this.#on.finish(this.#erased);
    this.#erased = [];
  }

  /** The topmost text at a point.
   * @param {PlanePoint} point */
  textAt(point) {
    return this.#on.strokesTouched(point, point, 0).findLast(({ body }) => body.kind === "text");
  }

  /**
   * Edits the text at a point, or starts a new one there.
   * @param {PlanePoint} point
   * @param {{colour: string, width: number}} style
   */
  write(point, { colour, width }) {
    const there = this.textAt(point);
    if (there) {
      this.#rewrite(there);
      return;
    }
    const corner = { x: point.x, y: point.y - width / 2 };
    this.#on.write({ corner, colour, width, text: "" }, (text, style) => {
      if (text) this.drawn(randomId(), { kind: "text", ...corner, text, ...style });
    });
  }

  /** @param {Stroke} stroke */
  #rewrite({ id, body }) {
    const { colour, width, text = "" } = body;
    /** @type {Record<string, unknown>} */
    const old = { text, colour, width };
    this.#on.write({ corner: body, colour, width, text }, (text, style) => {
      if (!text) {
        this.#do({ kind: "erase", stroke: id, body });
        return;
      }
      const changed = Object.entries({ text, ...style }).filter(([field, value]) => value !== old[field]);
      if (changed.length === 0) return;
      const before = Object.fromEntries(changed.map(([field]) => [field, old[field]]));
      this.#do({ kind: "edit", stroke: id, before, after: Object.fromEntries(changed) });
    });
  }

  /** @param {Edit} edit */
  #do(edit) {
    this.#on.act(edit);
    this.#on.finish([edit]);
  }
}
