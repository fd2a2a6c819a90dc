// @ts-check
/**
 * Other people's ink while they draw, played back smoothly instead of in jumps.
 *
 * It must never outlive its stroke: it is dropped when the stroke arrives, when its writer cancels it,
 * and when no part has arrived for some seconds.
 */

import { kindOf } from "../kinds/kinds.js";
import { PointsError, unpackPoints } from "../model/points.js";

/** @typedef {import("../model/types.js").Ink} Ink */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {{stroke: string, writer: string, kind: string, colour?: string, width?: number, opacity?: number, points: InkPoint[]}} ShownInk */
/**
 * @typedef {object} InkPlayback
 * @property {Ink} ink
 * @property {InkPoint[]} points
 * @property {InkPoint[]} previousPoints a figure's points before the last part arrived
 * @property {number[]} times when each point arrived, of ink that fades
 * @property {number} shown number of points shown, with the fraction of the way to the next one
 * @property {number} speed points per millisecond
 * @property {number} receivedAt
 * @property {number} shownAt
 */

/** Milliseconds without a new part after which ink is dropped. */
const EXPIRE_AFTER = 5_000;
/** Milliseconds over which a part is played back. */
const MIN_PLAY = 33;
const MAX_PLAY = 150;
/** Units between two points that differ only by rounding. */
const SAME_POINT = 0.01;

export class RemoteInk {
  /** @type {Map<string, InkPlayback>} by stroke */
  #playbacks = new Map();

  /**
   * @param {Ink} ink
   * @param {number} now milliseconds of any monotonic clock
   */
  receive(ink, now) {
    if (ink.end) {
      this.#playbacks.delete(ink.stroke);
      return;
    }
    const points = decoded(ink);
    const playback = this.#playbacks.get(ink.stroke);
    if (!playback) {
      this.#playbacks.set(ink.stroke, {
        ink,
        points,
        previousPoints: points,
        times: points.map(() => now),
        shown: Math.min(1, points.length),
        speed: points.length / MIN_PLAY,
        receivedAt: now,
        shownAt: now,
      });
      return;
    }
    // Its style may have changed.
    playback.ink = ink;
    if (points.every((point, index) => isAt(point, playback.points[ink.offset + index]))) {
      // Repeated for someone who joined.
      playback.receivedAt = now;
      return;
    }
    this.#advance(playback, now);
    const play = Math.min(MAX_PLAY, Math.max(MIN_PLAY, now - playback.receivedAt));
    if (ink.offset < playback.points.length) {
      playback.previousPoints = shownPoints(playback);
      playback.shown = Math.min(playback.shown, ink.offset);
    }
    playback.points = [...playback.points.slice(0, ink.offset), ...points];
    playback.times = [...playback.times.slice(0, ink.offset), ...points.map(() => now)];
    playback.speed = (playback.points.length - playback.shown) / play;
    playback.receivedAt = now;
  }

  /** The stroke has arrived.
   * @param {string} stroke */
  drop(stroke) {
    this.#playbacks.delete(stroke);
  }

  /** Whether there is nothing to show. */
  get isEmpty() {
    return this.#playbacks.size === 0;
  }

  /**
   * The ink to show now.
   * @param {number} now
   * @returns {ShownInk[]}
   */
  shown(now) {
    const shown = [];
    for (const [stroke, playback] of this.#playbacks) {
      if (now - playback.receivedAt > EXPIRE_AFTER) {
        this.#playbacks.delete(stroke);
        continue;
      }
      this.#advance(playback, now);
      const { writer, kind, colour, width, opacity } = playback.ink;
      const points = unfaded(shownPoints(playback), playback, now);
      if (points.length > 0) shown.push({ stroke, writer, kind, colour, width, opacity, points });
    }
    return shown;
  }

  /**
   * @param {InkPlayback} playback
   * @param {number} now
   */
  #advance(playback, now) {
    playback.shown = Math.min(playback.points.length, playback.shown + playback.speed * (now - playback.shownAt));
    playback.shownAt = now;
  }
}

/**
 * The points played back so far; the last one may be between two points.
 * @param {InkPlayback} playback
 * @returns {InkPoint[]}
 */
function shownPoints({ ink, points, previousPoints, shown }) {
  if (!kindOf(ink).freehand) {
    // The two points of a figure move from their previous positions.
    const fraction = points.length === 0 ? 1 : shown / points.length;
    return points.map((point, i) => between(previousPoints[i] ?? point, point, fraction));
  }
  const whole = Math.floor(shown);
  const played = points.slice(0, whole);
  if (whole > 0 && whole < points.length) played.push(between(points[whole - 1], points[whole], shown - whole));
  return played;
}

/**
 * The points that have not faded yet.
 * @param {InkPoint[]} points
 * @param {InkPlayback} playback
 * @param {number} now
 */
function unfaded(points, { ink, times }, now) {
  const { fades } = kindOf(ink);
  if (fades === undefined) return points;
  const first = times.findIndex((time) => now - time < fades);
  return first < 0 ? [] : points.slice(first);
}

/**
 * @param {InkPoint} a
 * @param {InkPoint} b
 * @param {number} fraction
 * @returns {InkPoint}
 */
function between(a, b, fraction) {
  /** @type {InkPoint} */
  const point = { x: a.x + (b.x - a.x) * fraction, y: a.y + (b.y - a.y) * fraction };
  if (b.pressure !== undefined) point.pressure = b.pressure;
  return point;
}

/** @param {Ink} ink */
function decoded(ink) {
  try {
    return unpackPoints(ink);
  } catch (error) {
    if (error instanceof PointsError) return [];
    throw error;
  }
}

/**
 * @param {InkPoint} point
 * @param {InkPoint} [known]
 */
function isAt(point, known) {
  return known !== undefined && Math.hypot(point.x - known.x, point.y - known.y) < SAME_POINT;
}
