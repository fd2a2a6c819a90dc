// @ts-check
/**
 * What other people's pages show of the drawing, and who invites to look there too.
 *
 * It must never hold the view of somebody who is not listed, nor pass on invitations faster than a person
 * can read them.
 */

/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").Person} Person */
/** @typedef {import("../model/types.js").ViewUpdate} ViewUpdate */

/** Milliseconds in which a second invitation of the same writer is ignored. */
const CALL_EVERY = 10_000;
/** Invitations of all writers together within that time. */
const MAX_CALLS = 3;

export class RemoteViews {
  /** @type {Map<string, Box>} by writer */
  #views = new Map();
  /** @type {Map<string, number>} by writer, when the last invitation was passed on */
  #calls = new Map();

  /** @param {Person[]} people everyone listed except oneself */
  setPeople(people) {
    const writers = new Set(people.map(({ writer }) => writer));
    for (const writer of [...this.#views.keys()]) if (!writers.has(writer)) this.#views.delete(writer);
  }

  /**
   * @param {ViewUpdate} update
   * @param {number} now milliseconds of any monotonic clock
   * @returns {boolean} whether to show an invitation
   */
  receive({ writer, shows: { x, y, w, h }, call = false }, now) {
    this.#views.set(writer, { left: x, top: y, right: x + w, bottom: y + h });
    if (!call) return false;
    for (const [other, at] of this.#calls) if (now - at >= CALL_EVERY) this.#calls.delete(other);
    if (this.#calls.has(writer) || this.#calls.size >= MAX_CALLS) return false;
    this.#calls.set(writer, now);
    return true;
  }

  /**
   * What a writer's page shows, if it is known.
   * @param {string} writer
   */
  of(writer) {
    return this.#views.get(writer) ?? null;
  }
}
