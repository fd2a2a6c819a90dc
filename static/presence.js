// @ts-check
/**
 * Other people as this page sees them: who is here, their pointers, and their ink.
 *
 * It must never show this page to itself.
 */

import { PeopleList } from "./people-list.js";
import { RemoteInk } from "./remote-ink.js";
import { RemotePointers } from "./remote-pointers.js";

/** @typedef {import("./types.js").Person} Person */
/** @typedef {import("./types.js").SignalsFrame} SignalsFrame */
/** @typedef {import("./types.js").PeopleFrame} PeopleFrame */
/** @typedef {{everyone: Person[], count: number, alone: boolean, came: boolean}} Audience who is listed, how many there are, whether nobody else is, and whether somebody is listed who was not */

export class Others {
  #list = new PeopleList();
  #asked = false;
  #ink = new RemoteInk();
  #pointers = new RemotePointers();
  #writer;
  #knows;
  #people;
  #ask;

  /**
   * @param {string} writer the public id of this page
   * @param {(stroke: string) => boolean} knows whether a stroke is here itself, so that its ink is over
   * @param {(audience: Audience) => void} people somebody came or left
   * @param {() => void} ask something was missed: to be told who is here from the beginning
   */
  constructor(writer, knows, people, ask) {
    this.#writer = writer;
    this.#knows = knows;
    this.#people = people;
    this.#ask = ask;
  }

  /** A socket opened: whoever is here is told anew. */
  opened() {
    this.#list.opened();
    this.#asked = false;
  }

  /** @param {PeopleFrame} frame */
  takePeople(frame) {
    const before = new Set(this.#list.listed.map(({ writer }) => writer));
    const arrival = this.#list.take(frame);
    if (arrival === "gap" && !this.#asked) {
      this.#asked = true;
      this.#ask();
    }
    if (arrival !== "next") return;
    this.#asked = false;
    const everyone = this.#list.listed;
    const others = everyone.filter((person) => person.writer !== this.#writer);
    const came = others.some(({ writer }) => !before.has(writer));
    this.#pointers.setPeople(others);
    this.#people({ everyone, count: this.#list.count, alone: others.length === 0, came });
  }

  /**
   * @param {SignalsFrame} frame
   * @param {number} now
   */
  take({ ink = [], pointers = [] }, now) {
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
