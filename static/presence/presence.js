// @ts-check
/**
 * Other people in the drawing: the list of them, their pointers, their views, their ink, and what they are editing.
 *
 * It must never show this tab's own signals.
 */

import { PeopleList } from "./people-list.js";
import { RemoteInk } from "./remote-ink.js";
import { RemotePreviews } from "./remote-previews.js";
import { RemotePointers } from "./remote-pointers.js";
import { RemoteViews } from "./remote-views.js";

/** @typedef {import("../model/types.js").Person} Person */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").SignalsFrame} SignalsFrame */
/** @typedef {import("../model/types.js").PeopleFrame} PeopleFrame */
/** @typedef {{listed: Person[], count: number, alone: boolean, someoneJoined: boolean}} Audience `count` includes people who are not listed; `alone`: nobody else is here; `someoneJoined`: someone is listed who was not before. */

export class Presence {
  #list = new PeopleList();
  #requested = false;
  #ink = new RemoteInk();
  #pointers = new RemotePointers();
  #views = new RemoteViews();
  /** @type {Person[]} */
  #others = [];
  #previews;
  #writer;
  #knows;
  #onAudience;
  #requestAll;
  #onCall;

  /**
   * @param {string} writer the public id of this tab
   * @param {(id: string) => import("../model/types.js").Stroke | null} strokeOf the visible stroke
   * @param {(stroke: string) => boolean} knows whether a stroke has arrived, which ends its ink
   * @param {(audience: Audience) => void} onAudience the list or the count changed
   * @param {() => void} requestAll asks for the whole list, after a gap
   * @param {(person: Person) => void} onCall somebody invites to look where they do
   */
  constructor(writer, strokeOf, knows, onAudience, requestAll, onCall) {
    this.#writer = writer;
    this.#previews = new RemotePreviews(strokeOf);
    this.#knows = knows;
    this.#onAudience = onAudience;
    this.#requestAll = requestAll;
    this.#onCall = onCall;
  }

  /** A new socket: the server sends the whole list again. */
  opened() {
    this.#list.opened();
    this.#requested = false;
  }

  /** @param {PeopleFrame} frame */
  receivePeople(frame) {
    const before = new Set(this.#list.listed.map(({ writer }) => writer));
    const arrival = this.#list.apply(frame);
    if (arrival === "gap" && !this.#requested) {
      this.#requested = true;
      this.#requestAll();
    }
    if (arrival !== "next") return;
    this.#requested = false;
    const listed = this.#list.listed;
    const others = listed.filter((person) => person.writer !== this.#writer);
    const someoneJoined = others.some(({ writer }) => !before.has(writer));
    this.#others = others;
    this.#pointers.setPeople(others);
    this.#views.setPeople(others);
    this.#onAudience({ listed, count: this.#list.count, alone: others.length === 0, someoneJoined });
  }

  /**
   * @param {SignalsFrame} frame
   * @param {number} now
   */
  receiveSignals({ ink = [], pointers = [], previews = [], views = [] }, now) {
    for (const part of ink) {
      if (part.writer !== this.#writer && !this.#knows(part.stroke)) this.#ink.receive(part, now);
    }
    for (const pointer of pointers) {
      if (pointer.writer !== this.#writer) this.#pointers.receive(pointer, now);
    }
    for (const preview of previews) {
      if (preview.writer !== this.#writer) this.#previews.receive(preview, now);
    }
    for (const view of views) {
      const person = this.#others.find(({ writer }) => writer === view.writer);
      if (person && this.#views.receive(view, now)) this.#onCall(person);
    }
  }

  /** The tabs of somebody who is here.
   * @param {string} author */
  writersOf(author) {
    return this.#others.filter((person) => person.author === author).map(({ writer }) => writer);
  }

  /**
   * What a writer's page shows, if it is known.
   * @param {string} writer
   */
  viewOf(writer) {
    return this.#views.of(writer);
  }

  /**
   * Where the others are, as far as it is known: at their pointer, or in the middle of what they see.
   * @returns {{person: Person, point: PlanePoint}[]}
   */
  places() {
    return this.#others.flatMap((person) => {
      const point = this.placeOf(person.writer);
      return point ? [{ person, point }] : [];
    });
  }

  /**
   * @param {string} writer
   * @returns {PlanePoint | null}
   */
  placeOf(writer) {
    const view = this.#views.of(writer);
    return this.#pointers.of(writer) ?? (view && { x: (view.left + view.right) / 2, y: (view.top + view.bottom) / 2 });
  }

  /** A stroke has arrived: drops its ink.
   * @param {string} stroke */
  strokeArrived(stroke) {
    this.#ink.drop(stroke);
  }

  /** A stroke has changed or gone: no preview stands in for it.
   * @param {string} stroke */
  strokeChanged(stroke) {
    if (!this.#previews.isEmpty) this.#previews.strokeChanged(stroke);
  }

  /** The strokes that are hidden while somebody else edits them.
   * @param {number} now */
  hidden(now) {
    const until = this.#previews.expire(now);
    return { ids: this.#previews.hidden(), until };
  }

  /**
   * What to show now, and whether it is still moving.
   * @param {number} now
   */
  shown(now) {
    const { pointers, moving } = this.#pointers.shown(now);
    const inks = this.#ink.shown(now);
    return { inks, pointers, previews: this.#previews.shown(), moving: moving || !this.#ink.isEmpty };
  }
}
