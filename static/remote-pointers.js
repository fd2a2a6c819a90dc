// @ts-check
/**
 * Where other people's pointers are, gliding from one place told to the next.
 *
 * It must never show a pointer of somebody who is not here.
 */

/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").Person} Person */
/** @typedef {import("./types.js").PointerNews} PointerNews */
/** @typedef {{place: Place, target: Place, heardAt: number}} Glide */
/** @typedef {{person: Person, place: Place}} ShownPointer */

/** Milliseconds in which most of the way to a new place is made. */
const GLIDE = 60;
/** Milliseconds of silence after which a pointer is not shown any more. */
const SILENCE = 30_000;
/** Units from its target at which a pointer has arrived. */
const ARRIVED = 0.05;

export class RemotePointers {
  /** @type {Map<string, Glide>} by writer */
  #glides = new Map();
  /** @type {Map<string, Person>} by writer */
  #people = new Map();
  #shownAt = 0;

  /** @param {Person[]} people everyone else who is here */
  setPeople(people) {
    this.#people = new Map(people.map((person) => [person.writer, person]));
    for (const writer of [...this.#glides.keys()]) {
      if (!this.#people.has(writer)) this.#glides.delete(writer);
    }
  }

  /**
   * @param {PointerNews} news
   * @param {number} now
   */
  take({ writer, at }, now) {
    if (!at) this.#glides.delete(writer);
    else this.#glides.set(writer, { place: this.#glides.get(writer)?.place ?? at, target: at, heardAt: now });
  }

  /**
   * What to show now, and whether any of it still moves.
   * @param {number} now
   * @returns {{pointers: ShownPointer[], moving: boolean}}
   */
  shown(now) {
    const way = 1 - Math.exp(-Math.min(100, now - this.#shownAt) / GLIDE);
    this.#shownAt = now;
    /** @type {ShownPointer[]} */
    const pointers = [];
    let moving = false;
    for (const [writer, glide] of this.#glides) {
      const { place, target } = glide;
      if (now - glide.heardAt > SILENCE) {
        this.#glides.delete(writer);
        continue;
      }
      const near = Math.hypot(target.x - place.x, target.y - place.y) < ARRIVED;
      glide.place = near
        ? target
        : { x: place.x + (target.x - place.x) * way, y: place.y + (target.y - place.y) * way };
      moving ||= !near;
      const person = this.#people.get(writer);
      if (person) pointers.push({ person, place: glide.place });
    }
    return { pointers, moving };
  }
}
