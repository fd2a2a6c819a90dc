// @ts-check
/**
 * What this page tells to be seen and forgotten: where its pointer is, and ink while it is drawn.
 *
 * It must never queue: what cannot be sent now is dropped, and the next one is newer.
 */

import { packPoints, quantised } from "./points.js";

/** @typedef {import("./types.js").PlanePoint} PlanePoint */
/** @typedef {import("./types.js").InkPoint} InkPoint */
/** @typedef {{stroke: string, n: number, tool: import("./types.js").ToolName, colour: string, width: number}} InkHeader */

/** Milliseconds between two pieces of ink, and between two pointers … */
const INK_EVERY = 33;
const POINTER_EVERY = 50;
/** … which are more with each person who is here, so that all pointers together have a bound, up to … */
const POINTER_EVERY_EACH = 1;
/** … this, as while nobody is watching. */
const POINTER_EVERY_AT_MOST = 1_000;
/** Most points of one signal. */
const INK_POINTS = 1_000;

export class Signals {
  #pointerEvery = POINTER_EVERY_AT_MOST;
  /** @type {PlanePoint | null} */
  #pointer = null;
  #pointerIsNew = false;
  #pointerAt = -Infinity;
  /** @type {{header: InkHeader, points: InkPoint[], sent: number} | null} */
  #ink = null;
  #inkAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | null} */
  #timer = null;
  #send;

  /** @param {(frame: object) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /**
   * At its welcome nobody at a server knows anything of this page: what holds still is told again.
   * @param {{type: string}} frame
   */
  receive({ type }) {
    if (type !== "welcome") return;
    this.#pointerIsNew ||= this.#pointer !== null;
    if (this.#ink) this.#ink.sent = 0;
    this.#flush();
  }

  /**
   * Who is here changed: somebody who someoneJoined, or someoneJoined back, does not know where the pointer is.
   * @param {{count: number, alone: boolean, someoneJoined: boolean}} audience how many are here, whether nobody else is, and whether somebody someoneJoined
   */
  setAudience({ count, alone, someoneJoined }) {
    const every = Math.max(POINTER_EVERY, count * POINTER_EVERY_EACH);
    this.#pointerEvery = alone ? POINTER_EVERY_AT_MOST : Math.min(POINTER_EVERY_AT_MOST, every);
    if (alone || !someoneJoined) return;
    this.#pointerIsNew ||= this.#pointer !== null;
    this.#flush();
  }

  /** @param {PlanePoint | null} point null once the pointer left the drawing */
  pointer(point) {
    this.#pointer = point;
    this.#pointerIsNew = true;
    this.#flush();
  }

  /**
   * The ink so far.
   * @param {InkHeader} header
   * @param {InkPoint[]} points all of them
   * @param {boolean} [moved] points that were told before are elsewhere now
   */
  ink(header, points, moved = false) {
    if (this.#ink?.header.stroke !== header.stroke) this.#ink = { header, points, sent: 0 };
    this.#ink.points = points;
    if (moved) this.#ink.sent = 0;
    this.#flush();
  }

  /** The stroke is an op now: nothing of it is told any more. */
  inkDone() {
    this.#ink = null;
  }

  /** The stroke was given up. */
  inkCancelled() {
    if (this.#ink && this.#ink.sent > 0) {
      const { header, points, sent } = this.#ink;
      this.#send({ type: "signal", ink: { ...header, offset: sent, ...packPoints(points.slice(-1)), end: true } });
    }
    this.#ink = null;
  }

  #flush() {
    const now = performance.now();
    const pointerDue = this.#pointerAt + this.#pointerEvery;
    const inkDue = this.#inkAt + INK_EVERY;
    const inkIsNew = this.#ink !== null && this.#ink.sent < this.#ink.points.length;
    /** @type {{type: "signal", pointer?: PlanePoint, away?: boolean, ink?: object}} */
    const frame = { type: "signal" };
    if (inkIsNew && now >= inkDue && this.#ink) {
      const { header, points, sent } = this.#ink;
      const part = points.slice(sent, sent + INK_POINTS);
      frame.ink = { ...header, offset: sent, ...packPoints(part) };
      this.#ink.sent += part.length;
      this.#inkAt = now;
    }
    if (this.#pointerIsNew && now >= pointerDue) {
      if (this.#pointer) frame.pointer = { x: quantised(this.#pointer.x), y: quantised(this.#pointer.y) };
      else frame.away = true;
      this.#pointerIsNew = false;
      this.#pointerAt = now;
    }
    if (frame.ink || frame.pointer || frame.away) this.#send(frame);
    this.#schedule(now, pointerDue, inkDue);
  }

  /**
   * @param {number} now
   * @param {number} pointerDue
   * @param {number} inkDue
   */
  #schedule(now, pointerDue, inkDue) {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const inkWaits = this.#ink !== null && this.#ink.sent < this.#ink.points.length;
    const due = Math.min(this.#pointerIsNew ? pointerDue : Infinity, inkWaits ? inkDue : Infinity);
    if (due === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, Math.max(1, due - now));
  }
}
