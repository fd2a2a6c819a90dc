// @ts-check
/**
 * Other people as this page sees them: who is here, their pointers, and their ink.
 *
 * It must never show this page to itself.
 */

import { RemoteInk } from "./remote-ink.js";
import { RemotePointers } from "./remote-pointers.js";

/** @typedef {import("./types.js").Person} Person */
/** @typedef {import("./types.js").SignalsFrame} SignalsFrame */

export class Others {
  #ink = new RemoteInk();
  #pointers = new RemotePointers();
  #writer;
  #knows;
  #people;

  /**
   * @param {string} writer the public id of this page
   * @param {(stroke: string) => boolean} knows whether a stroke is here itself, so that its ink is over
   * @param {(everyone: Person[], alone: boolean) => void} people somebody came or left
   */
  constructor(writer, knows, people) {
    this.#writer = writer;
    this.#knows = knows;
    this.#people = people;
  }

  /**
   * @param {SignalsFrame} frame
   * @param {number} now
   */
  take({ ink = [], pointers = [], people }, now) {
    if (people) {
      const others = people.filter((person) => person.writer !== this.#writer);
      this.#pointers.setPeople(others);
      this.#people(people, others.length === 0);
    }
    for (const part of ink) {
      if (part.writer !== this.#writer && !this.#knows(part.stroke)) this.#ink.take(part, now);
    }
    for (const pointer of pointers) {
      if (pointer.writer !== this.#writer) this.#pointers.take(pointer, now);
    }
  }

  /** A stroke is here itself.
   * @param {string} stroke */
  arrived(stroke) {
    this.#ink.drop(stroke);
  }

  /**
   * What to show now, and whether it will be another picture in a moment.
   * @param {number} now
   */
  shown(now) {
    const { pointers, moving } = this.#pointers.shown(now);
    const inks = this.#ink.shown(now);
    return { inks, pointers, moving: moving || !this.#ink.isEmpty };
  }
}
