// @ts-check
/**
 * Other people's ink while it is drawn, played over the time it took instead of jumping.
 *
 * It must never outlive its stroke: it is dropped when the stroke arrives, when its writer
 * gives it up, and after some seconds of silence.
 */

import { PointsError, unpackPoints } from "./points.js";

/** @typedef {import("./types.js").Ink} Ink */
/** @typedef {import("./types.js").InkPoint} InkPoint */
/** @typedef {import("./types.js").ToolName} ToolName */
/** @typedef {{stroke: string, writer: string, tool: ToolName, colour: string, width: number, points: InkPoint[]}} ShownInk */
/**
 * @typedef {object} InkPlayback
 * @property {Ink} ink
 * @property {InkPoint[]} points
 * @property {InkPoint[]} previousPoints where a figure's points were when the last piece came
 * @property {number} shown how many points are shown; the fraction is of the fraction to the next
 * @property {number} speed points a millisecond
 * @property {number} receivedAt
 * @property {number} shownAt
 */

/** Milliseconds of silence after which ink ends by itself. */
const EXPIRE_AFTER = 5_000;
/** Milliseconds a piece is played over, at least and at most. */
const MIN_PLAY = 33;
const MAX_PLAY = 150;
/** Units between two places that are the same but for rounding. */
const SAME_POINT = 0.01;

export class RemoteInk {
  /** @type {Map<string, InkPlayback>} by stroke */
  #playbacks = new Map();

  /**
   * @param {Ink} ink
   * @param {number} now milliseconds, on this page's own clock
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
        shown: Math.min(1, points.length),
        speed: points.length / MIN_PLAY,
        receivedAt: now,
        shownAt: now,
      });
      return;
    }
    if (points.every((point, index) => isAt(point, playback.points[ink.offset + index]))) {
      // Told again, for others.
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
    playback.speed = (playback.points.length - playback.shown) / play;
    playback.receivedAt = now;
  }

  /** The stroke itself is here.
   * @param {string} stroke */
  drop(stroke) {
    this.#playbacks.delete(stroke);
  }

  /** Whether anything is to be shown. */
  get isEmpty() {
    return this.#playbacks.size === 0;
  }

  /**
   * What to show now.
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
      const { writer, tool, colour, width } = playback.ink;
      const points = shownPoints(playback);
      if (points.length > 0) shown.push({ stroke, writer, tool, colour, width, points });
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
 * The points that are played so far, the last one on its fraction.
 * @param {InkPlayback} playback
 * @returns {InkPoint[]}
 */
function shownPoints({ ink, points, previousPoints, shown }) {
  const byHand = ink.tool === "pen" || ink.tool === "marker";
  if (!byHand) {
    // A figure's two points move: from where they were to where they are.
    const fraction = points.length === 0 ? 1 : shown / points.length;
    return points.map((point, i) => between(previousPoints[i] ?? point, point, fraction));
  }
  const whole = Math.floor(shown);
  const played = points.slice(0, whole);
  if (whole > 0 && whole < points.length) played.push(between(points[whole - 1], points[whole], shown - whole));
  return played;
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
 * @param {InkPoint} [held]
 */
function isAt(point, held) {
  return held !== undefined && Math.hypot(point.x - held.x, point.y - held.y) < SAME_POINT;
}
