// @ts-check
/**
 * From what a tool did to what it does to strokes: a drawn stroke, erased ones, a written text,
 * each as one step of history.
 *
 * It must never change a stroke itself: it acts through the history.
 */

import { randomId } from "./ids.js";

/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").Stroke} Stroke */
/** @typedef {import("./history.js").Deed} Deed */

export class Deeds {
  /** @type {Deed[]} what the eraser took since it was put down */
  #erased = [];
  #on;

  /**
   * @param {object} on
   * @param {(deed: Deed) => void} on.act does it
   * @param {(deeds: Deed[]) => void} on.finish closes a step
   * @param {(from: Place, to: Place, radius: number) => Stroke[]} on.touched in painting order
   * @param {(look: {place: Place, colour: string, width: number, text: string}, written: (text: string) => void) => void} on.write
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
   * @param {Place} from
   * @param {Place} to
   * @param {number} radius
   */
  erase(from, to, radius) {
    for (const { id, body } of this.#on.touched(from, to, radius)) {
      /** @type {Deed} */
      const deed = { kind: "erase", stroke: id, body };
      this.#on.act(deed);
      this.#erased.push(deed);
    }
  }

  erased() {
    this.#on.finish(this.#erased);
    this.#erased = [];
  }

  /**
   * Writes anew, or goes on with the text that is there.
   * @param {Place} place
   * @param {{colour: string, width: number}} look
   */
  write(place, { colour, width }) {
    const there = this.#on.touched(place, place, 0).findLast(({ body }) => body.tool === "text");
    if (there) {
      this.#rewrite(there);
      return;
    }
    const corner = { x: place.x, y: place.y - width / 2 };
    this.#on.write({ place: corner, colour, width, text: "" }, (text) => {
      if (text) this.drawn(randomId(), { tool: "text", ...corner, text, colour, width });
    });
  }

  /** @param {Stroke} stroke */
  #rewrite({ id, body }) {
    const before = body.text ?? "";
    const { colour, width } = body;
    this.#on.write({ place: body, colour, width, text: before }, (text) => {
      if (text === before) return;
      if (text) this.#do({ kind: "edit", stroke: id, before: { text: before }, after: { text } });
      else this.#do({ kind: "erase", stroke: id, body });
    });
  }

  /** @param {Deed} deed */
  #do(deed) {
    this.#on.act(deed);
    this.#on.finish([deed]);
  }
}
