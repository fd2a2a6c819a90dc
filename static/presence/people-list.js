// @ts-check
/**
 * The list of people in the drawing, from frames with the whole list or a difference, and the number of
 * all of them, which may be larger.
 *
 * It must never apply a difference to a version other than its `from`.
 */

/** @typedef {import("../model/types.js").Person} Person */
/** @typedef {import("../model/types.js").PeopleFrame} PeopleFrame */

export class PeopleList {
  /** @type {Map<string, Person>} by writer, in order of arrival */
  #listed = new Map();
  /** @type {number | null} */
  #version = null;
  count = 0;

  get listed() {
    return [...this.#listed.values()];
  }

  /** @param {string} writer */
  has(writer) {
    return this.#listed.has(writer);
  }

  /** A new socket: its server sends the whole list. Until then the previous one is shown. */
  opened() {
    this.#version = null;
  }

  /**
   * @param {PeopleFrame} frame
   * @returns {"stale"|"next"|"gap"} stale: nothing new; next: applied; gap: request the whole list
   */
  apply({ from, version, count, joined = [], left = [] }) {
    if (from !== undefined && version === this.#version) return "stale";
    if (from !== undefined && from !== this.#version) return "gap";
    if (from === undefined) {
      const writers = new Set(joined.map(({ writer }) => writer));
      for (const writer of this.#listed.keys()) if (!writers.has(writer)) this.#listed.delete(writer);
    }
    for (const writer of left) this.#listed.delete(writer);
    for (const person of joined) this.#listed.set(person.writer, person);
    this.#version = version;
    this.count = count;
    return "next";
  }
}
