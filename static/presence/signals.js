// @ts-check
/**
 * Sends this tab's pointer, its view, its ink in progress and previews of its edits, which nobody stores.
 *
 * It must never queue frames: only the latest pointer, view, ink and preview are sent.
 */

import { packPoints, quantised } from "../model/points.js";

/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {{stroke: string, n: number, kind: string, colour?: string, width?: number, opacity?: number}} InkHeader */

/** Milliseconds between two parts of ink, and at least between two pointers. */
const INK_EVERY = 33;
const POINTER_EVERY = 50;
/** Milliseconds between two previews of an edit, and the most bytes of one. */
const PREVIEW_EVERY = 66;
const PREVIEW_BYTES = 8 * 1024;
/** Milliseconds between two pointers per person present: this bounds the rate of all pointers together. */
const POINTER_EVERY_PER_PERSON = 1;
/** Upper bound of that, and the interval while nobody else is here. */
const POINTER_EVERY_MAX = 1_000;
/** Milliseconds between two views, at least and per person present. */
const VIEW_EVERY = 100;
const VIEW_EVERY_PER_PERSON = 4;
/** Milliseconds between two invitations. */
export const CALL_EVERY = 10_000;
/** Largest coordinate of a view, which is the server's. */
const FARTHEST = 10_000_000;
/** Maximum of points in one signal. */
const INK_POINTS = 1_000;

export class Signals {
  #pointerEvery = POINTER_EVERY_MAX;
  /** @type {PlanePoint | null} */
  #pointer = null;
  #pointerIsNew = false;
  #pointerAt = -Infinity;
  #viewEvery = VIEW_EVERY;
  /** @type {Box | null} */
  #view = null;
  #viewIsNew = false;
  #viewAt = -Infinity;
  #calledAt = -Infinity;
  /** @type {{header: InkHeader, points: InkPoint[], sent: number} | null} */
  #ink = null;
  #inkAt = -Infinity;
  /** @type {object | null} the latest preview that is not sent yet */
  #preview = null;
  #previewAt = -Infinity;
  /** Whether others have a preview that has not ended. */
  #previewShown = false;
  #alone = true;
  /** Whether the server takes ink with an opacity: an older one closes the socket on it. */
  #takesOpacity = false;
  /** @type {ReturnType<typeof setTimeout> | null} */
  #timer = null;
  #send;

  /** @param {(frame: object) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /**
   * After a welcome the server knows nothing of this tab: sends the pointer and all of the ink again.
   * @param {{type: string, ink_opacity?: boolean}} frame
   */
  receive({ type, ink_opacity = false }) {
    if (type !== "welcome") return;
    this.#takesOpacity = ink_opacity;
    this.#pointerIsNew ||= this.#pointer !== null;
    this.#viewIsNew ||= this.#view !== null;
    if (this.#ink) this.#ink.sent = 0;
    this.#flush();
  }

  /**
   * The audience changed. Someone who joined does not know where the pointer is, so it is sent again,
   * and so is the view.
   * @param {{count: number, alone: boolean, someoneJoined: boolean}} audience see presence.js
   */
  setAudience({ count, alone, someoneJoined }) {
    const every = Math.max(POINTER_EVERY, count * POINTER_EVERY_PER_PERSON);
    this.#alone = alone;
    this.#pointerEvery = alone ? POINTER_EVERY_MAX : Math.min(POINTER_EVERY_MAX, every);
    this.#viewEvery = Math.min(POINTER_EVERY_MAX, Math.max(VIEW_EVERY, count * VIEW_EVERY_PER_PERSON));
    if (alone || !someoneJoined) return;
    this.#pointerIsNew ||= this.#pointer !== null;
    this.#viewIsNew ||= this.#view !== null;
    this.#flush();
  }

  /** @param {PlanePoint | null} point null: the pointer left the drawing */
  pointer(point) {
    this.#pointer = point;
    this.#pointerIsNew = true;
    this.#flush();
  }

  /** @param {Box} box what this page shows */
  view(box) {
    this.#view = box;
    this.#viewIsNew = true;
    if (!this.#alone) this.#flush();
  }

  /** Invites the others to look where this page does; returns false if the last time is a moment ago. */
  call() {
    const now = performance.now();
    if (!this.#view || now - this.#calledAt < CALL_EVERY) return false;
    this.#calledAt = now;
    this.#viewIsNew = false;
    this.#viewAt = now;
    this.#send({ type: "signal", view: packed(this.#view), call: true });
    return true;
  }

  /**
   * Sends the new part of the ink.
   * @param {InkHeader} header
   * @param {InkPoint[]} points all of them
   * @param {boolean} [moved] points sent before have changed: sends all of them again
   */
  ink(header, points, moved = false) {
    if (this.#ink?.header.stroke !== header.stroke) this.#ink = { header, points, sent: 0 };
    this.#ink.points = points;
    if (moved) this.#ink.sent = 0;
    this.#flush();
  }

  /** The stroke is finished and became an op. */
  inkDone() {
    this.#ink = null;
  }

  /** The stroke was cancelled. */
  inkCancelled() {
    if (this.#ink && this.#ink.sent > 0) {
      const { header, points, sent } = this.#ink;
      this.#send({ type: "signal", ink: this.#part(header, sent, points.slice(-1), { end: true }) });
    }
    this.#ink = null;
  }

  /**
   * Shows others what an edit in progress looks like.
   * @param {object} edit see types.js
   */
  preview(edit) {
    if (this.#alone || JSON.stringify(edit).length * 2 > PREVIEW_BYTES) return;
    this.#preview = edit;
    this.#flush();
  }

  /** The edit became an op, which ends its preview when it arrives. */
  previewDone() {
    this.#preview = null;
    this.#previewShown = false;
  }

  /** The edit was cancelled. */
  previewCancelled() {
    if (this.#previewShown) this.#send({ type: "signal", cancelled: true });
    this.previewDone();
  }

  #flush() {
    const now = performance.now();
    const pointerDue = this.#pointerAt + this.#pointerEvery;
    const viewDue = this.#viewAt + this.#viewEvery;
    const inkDue = this.#inkAt + INK_EVERY;
    const previewDue = this.#previewAt + PREVIEW_EVERY;
    /** @type {{type: "signal", pointer?: PlanePoint, away?: boolean, ink?: object, preview?: object, view?: object}} */
    const frame = { type: "signal" };
    if (this.#inkWaits && now >= inkDue && this.#ink) {
      const { header, points, sent } = this.#ink;
      const part = points.slice(sent, sent + INK_POINTS);
      frame.ink = this.#part(header, sent, part);
      this.#ink.sent += part.length;
      this.#inkAt = now;
    }
    if (this.#pointerIsNew && now >= pointerDue) {
      if (this.#pointer) frame.pointer = { x: quantised(this.#pointer.x), y: quantised(this.#pointer.y) };
      else frame.away = true;
      this.#pointerIsNew = false;
      this.#pointerAt = now;
    }
    if (this.#viewIsNew && !this.#alone && this.#view && now >= viewDue) {
      frame.view = packed(this.#view);
      this.#viewIsNew = false;
      this.#viewAt = now;
    }
    if (this.#preview && now >= previewDue) {
      frame.preview = this.#preview;
      this.#preview = null;
      this.#previewShown = true;
      this.#previewAt = now;
    }
    if (frame.ink || frame.pointer || frame.away || frame.preview || frame.view) this.#send(frame);
    const dues = [
      this.#pointerIsNew ? pointerDue : Infinity,
      this.#viewIsNew && !this.#alone ? viewDue : Infinity,
      this.#inkWaits ? inkDue : Infinity,
      this.#preview ? previewDue : Infinity,
    ];
    this.#schedule(now, Math.min(...dues));
  }

  /**
   * @param {InkHeader} header
   * @param {number} offset
   * @param {InkPoint[]} points
   * @param {{end?: boolean}} [more]
   */
  #part({ opacity, ...header }, offset, points, more) {
    return { ...header, ...(this.#takesOpacity && { opacity }), offset, ...packPoints(points), ...more };
  }

  get #inkWaits() {
    return this.#ink !== null && this.#ink.sent < this.#ink.points.length;
  }

  /**
   * @param {number} now
   * @param {number} due
   */
  #schedule(now, due) {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (due === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, Math.max(1, due - now));
  }
}

/**
 * A box as the socket carries it, within the bounds of the plane.
 * @param {Box} box
 */
function packed({ left, top, right, bottom }) {
  const bounded = (/** @type {number} */ value) => quantised(Math.min(FARTHEST, Math.max(-FARTHEST, value)));
  const [x, y] = [bounded(left), bounded(top)];
  return { x, y, w: bounded(right) - x, h: bounded(bottom) - y };
}
