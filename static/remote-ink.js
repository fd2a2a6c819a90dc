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
 * @typedef {object} Trail
 * @property {Ink} ink
 * @property {InkPoint[]} points
 * @property {InkPoint[]} before where a figure's points were when the last piece came
 * @property {number} shown how many points are shown; the fraction is of the way to the next
 * @property {number} pace points a millisecond
 * @property {number} heardAt
 * @property {number} shownAt
 */

/** Milliseconds of silence after which ink ends by itself. */
const SILENCE = 5_000;
/** Milliseconds a piece is played over, at least and at most. */
const LEAST_PLAY = 33;
const MOST_PLAY = 150;
/** Units between two places that are the same but for rounding. */
const SAME_PLACE = 0.01;

export class RemoteInk {
  /** @type {Map<string, Trail>} by stroke */
  #trails = new Map();

  /**
   * @param {Ink} ink
   * @param {number} now milliseconds, on this page's own clock
   */
  take(ink, now) {
    if (ink.end) {
      this.#trails.delete(ink.stroke);
      return;
    }
    const points = decoded(ink);
    const trail = this.#trails.get(ink.stroke);
    if (!trail) {
      this.#trails.set(ink.stroke, {
        ink,
        points,
        before: points,
        shown: Math.min(1, points.length),
        pace: points.length / LEAST_PLAY,
        heardAt: now,
        shownAt: now,
      });
      return;
    }
    if (points.every((point, index) => isAt(point, trail.points[ink.offset + index]))) {
      // Told again, for others.
      trail.heardAt = now;
      return;
    }
    this.#play(trail, now);
    const play = Math.min(MOST_PLAY, Math.max(LEAST_PLAY, now - trail.heardAt));
    if (ink.offset < trail.points.length) {
      trail.before = shownPoints(trail);
      trail.shown = Math.min(trail.shown, ink.offset);
    }
    trail.points = [...trail.points.slice(0, ink.offset), ...points];
    trail.pace = (trail.points.length - trail.shown) / play;
    trail.heardAt = now;
  }

  /** The stroke itself is here.
   * @param {string} stroke */
  drop(stroke) {
    this.#trails.delete(stroke);
  }

  /** Whether anything is to be shown. */
  get isEmpty() {
    return this.#trails.size === 0;
  }

  /**
   * What to show now.
   * @param {number} now
   * @returns {ShownInk[]}
   */
  shown(now) {
    const shown = [];
    for (const [stroke, trail] of this.#trails) {
      if (now - trail.heardAt > SILENCE) {
        this.#trails.delete(stroke);
        continue;
      }
      this.#play(trail, now);
      const { writer, tool, colour, width } = trail.ink;
      const points = shownPoints(trail);
      if (points.length > 0) shown.push({ stroke, writer, tool, colour, width, points });
    }
    return shown;
  }

  /**
   * @param {Trail} trail
   * @param {number} now
   */
  #play(trail, now) {
    trail.shown = Math.min(trail.points.length, trail.shown + trail.pace * (now - trail.shownAt));
    trail.shownAt = now;
  }
}

/**
 * The points that are played so far, the last one on its way.
 * @param {Trail} trail
 * @returns {InkPoint[]}
 */
function shownPoints({ ink, points, before, shown }) {
  const byHand = ink.tool === "pen" || ink.tool === "marker";
  if (!byHand) {
    // A figure's two points move: from where they were to where they are.
    const way = points.length === 0 ? 1 : shown / points.length;
    return points.map((point, i) => between(before[i] ?? point, point, way));
  }
  const whole = Math.floor(shown);
  const played = points.slice(0, whole);
  if (whole > 0 && whole < points.length) played.push(between(points[whole - 1], points[whole], shown - whole));
  return played;
}

/**
 * @param {InkPoint} a
 * @param {InkPoint} b
 * @param {number} way
 * @returns {InkPoint}
 */
function between(a, b, way) {
  /** @type {InkPoint} */
  const point = { x: a.x + (b.x - a.x) * way, y: a.y + (b.y - a.y) * way };
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
  return held !== undefined && Math.hypot(point.x - held.x, point.y - held.y) < SAME_PLACE;
}
