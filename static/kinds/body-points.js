// @ts-check
/**
 * The points of bodies, decoded once, and transformations of them.
 *
 * It must never throw for points that cannot be decoded: such a body has none.
 */

import { boxAround, mappedPoint } from "../model/geometry.js";
import { PointsError, STEPS_PER_UNIT, boxOfSteps, packPoints, pointsOfSteps, unpackSteps } from "../model/points.js";
import { cached, recently } from "./recent.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Fields} Fields */
/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("../model/geometry.js").BoxMap} BoxMap */

/** How far a line may extend beyond its points, in line widths and at least in units: bends, arrow head, pressure. */
const REACH = 2.5;
const MIN_REACH = 6;
/** Nothing is inside it. */
const NO_BOX = boxAround([], 0);

/**
 * A line as it is packed: pairs of steps from (x, y), each step being `unit` long.
 * @typedef {object} Line
 * @property {number} x
 * @property {number} y
 * @property {number} unit
 * @property {ArrayLike<number>} steps
 * @property {ArrayLike<number> | null} pressures one per pair, from 0 to 255
 */

/**
 * Bodies whose steps, and whose points, are held at a time. A drawing of 10,000 strokes is decoded once for its
 * boxes and not again when it is painted.
 */
const MAX_LINES = 12_000;
const MAX_DECODED = 5_000;
/** @type {Line} */
const NO_LINE = { x: 0, y: 0, unit: 1, steps: [], pressures: null };

/** @type {WeakMap<Body, InkPoint[]>} of ink in progress */
const inProgress = new WeakMap();
/** @type {(body: Body, make: () => Line) => Line} */
const lines = recently(MAX_LINES);
/** @type {(body: Body, make: () => InkPoint[]) => InkPoint[]} */
const decoded = recently(MAX_DECODED);

/** A body's line, which costs less than its points.
 * @param {Body} body */
export function lineOf(body) {
  const ink = inProgress.get(body);
  return ink ? lineOfInk(ink) : lines(body, () => unpacked(body));
}

/** @param {Body} body */
export function pointsOf(body) {
  return inProgress.get(body) ?? decoded(body, () => {
    const { x, y, steps, pressures } = lineOf(body);
    return pointsOfSteps(x, y, steps, pressures);
  });
}

/** @param {InkPoint[]} ink @returns {Line} */
function lineOfInk(ink) {
  const pressures = ink[0]?.pressure === undefined ? null : ink.map(({ pressure = 0 }) => pressure);
  return { x: 0, y: 0, unit: 1, steps: ink.flatMap(({ x, y }) => [x, y]), pressures };
}

/** @param {Body} body @returns {Line} */
function unpacked({ x, y, points }) {
  if (points === undefined) return NO_LINE;
  try {
    const { steps, pressures } = unpackSteps(points);
    return { x, y, unit: 1 / STEPS_PER_UNIT, steps, pressures };
  } catch (error) {
    if (error instanceof PointsError) return NO_LINE;
    throw error;
  }
}

/**
 * The body of a stroke in progress, which is only painted: its points are never encoded.
 * @param {Omit<Body, "x"|"y">} style
 * @param {InkPoint[]} points at least one
 * @returns {Body}
 */
export function bodyOfInk(style, points) {
  const body = { ...style, x: points[0].x, y: points[0].y };
  inProgress.set(body, points);
  return body;
}

/** The box of a body's points; null without points.
 * @type {(body: Body) => Box | null} */
const box = cached((body) => {
  const ink = inProgress.get(body);
  if (ink) return boxAround(ink, 0);
  const { x, y, steps } = lineOf(body);
  return boxOfSteps(x, y, steps);
});

/** @param {Body} body */
export function hasPoints(body) {
  return inProgress.has(body) || box(body) !== null;
}

/** @param {Body} body @returns {Box} */
export function boxOfPoints(body) {
  return box(body) ?? NO_BOX;
}

/**
 * @param {Body} body
 * @param {BoxMap} map
 * @returns {Fields}
 */
export function mappedPoints(body, map) {
  if (!hasPoints(body)) return {};
  return packPoints(pointsOf(body).map((point) => ({ ...point, ...mappedPoint(point, map) })));
}

/**
 * @param {Body} _
 * @param {number} width of its line
 */
export function reachOfLine(_, width) {
  return Math.max(MIN_REACH, width * REACH);
}
