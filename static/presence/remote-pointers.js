// @ts-check
/**
 * Other people's pointers, moved smoothly between the received positions.
 *
 * It must never show the pointer of somebody who is not listed.
 */

/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").Person} Person */
/** @typedef {import("../model/types.js").PointerUpdate} PointerUpdate */
/** @typedef {{point: PlanePoint, target: PlanePoint, receivedAt: number}} Glide */
/** @typedef {{person: Person, point: PlanePoint}} ShownPointer */

/** Time constant of the movement towards a new position, in milliseconds. */
const GLIDE = 60;
/** Milliseconds without an update after which a pointer is hidden. */
const EXPIRE_AFTER = 30_000;
/** Units from the target below which a pointer jumps to it. */
const ARRIVED = 0.05;

export class RemotePointers {
  /** @type {Map<string, Glide>} by writer */
  #glides = new Map();
  /** @type {Map<string, Person>} by writer */
  #people = new Map();
  #shownAt = 0;

  /** @param {Person[]} people everyone listed except oneself */
  setPeople(people) {
    this.#people = new Map(people.map((person) => [person.writer, person]));
    for (const writer of [...this.#glides.keys()]) {
      if (!this.#people.has(writer)) this.#glides.delete(writer);
    }
  }

  /**
   * @param {PointerUpdate} update
   * @param {number} now
   */
  receive({ writer, at }, now) {
    if (!at) this.#glides.delete(writer);
    else this.#glides.set(writer, { point: this.#glides.get(writer)?.point ?? at, target: at, receivedAt: now });
  }

  /**
   * Where a writer's pointer is, if it is in the drawing.
   * @param {string} writer
   */
  of(writer) {
    return this.#glides.get(writer)?.target ?? null;
  }

  /**
   * What to show now, and whether any of it still moves.
   * @param {number} now
   * @returns {{pointers: ShownPointer[], moving: boolean}}
   */
  shown(now) {
    const fraction = 1 - Math.exp(-Math.min(100, now - this.#shownAt) / GLIDE);
    this.#shownAt = now;
    /** @type {ShownPointer[]} */
    const pointers = [];
    let moving = false;
    for (const [writer, glide] of this.#glides) {
      const { point, target } = glide;
      if (now - glide.receivedAt > EXPIRE_AFTER) {
        this.#glides.delete(writer);
        continue;
      }
      const near = Math.hypot(target.x - point.x, target.y - point.y) < ARRIVED;
      glide.point = near
        ? target
        : { x: point.x + (target.x - point.x) * fraction, y: point.y + (target.y - point.y) * fraction };
      moving ||= !near;
      const person = this.#people.get(writer);
      if (person) pointers.push({ person, point: glide.point });
    }
    return { pointers, moving };
  }
}
