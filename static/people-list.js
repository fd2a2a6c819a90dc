// @ts-check
/**
 * Who is here as the server tells it: those it lists, and the number of all. It is told as a whole,
 * and then as what changed.
 *
 * It must never apply a change to another version than the one that the change is of.
 */

/** @typedef {import("./types.js").Person} Person */
/** @typedef {import("./types.js").PeopleFrame} PeopleFrame */

export class PeopleList {
  /** @type {Map<string, Person>} by writer, in the order in which they were told */
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

  /** A socket opened: its server begins with the whole. Until then what was told last is shown. */
  opened() {
    this.#version = null;
  }

  /**
   * @param {PeopleFrame} frame
   * @returns {"stale"|"next"|"gap"} stale: nothing new; next: it is taken in; gap: ask for the whole
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
