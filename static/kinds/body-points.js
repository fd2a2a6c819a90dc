// @ts-check
/**
 * The points of bodies, decoded once, and transformations of them.
 *
 * It must never throw for points that cannot be decoded: such a body has none.
 */

import { boxAround, mappedPoint } from "../model/geometry.js";
import { PointsError, packPoints, packedBox, unpackPoints } from "../model/points.js";
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

/** Points of bodies that are decoded at a time. */
const MAX_DECODED = 5_000;

/** @type {WeakMap<Body, InkPoint[]>} of ink in progress */
const inProgress = new WeakMap();
/** @type {(body: Body, make: () => InkPoint[]) => InkPoint[]} */
const decoded = recently(MAX_DECODED);

/** @param {Body} body */
export function pointsOf(body) {
  return inProgress.get(body) ?? decoded(body, () => unpacked(body));
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

/** @param {Body} body */
function unpacked({ x, y, points }) {
  return unlessInvalid(() => unpackPoints({ x, y, points })) ?? [];
}

/**
 * @template T
 * @param {() => T} decode
 * @returns {T | null}
 */
function unlessInvalid(decode) {
  try {
    return decode();
  } catch (error) {
    if (error instanceof PointsError) return null;
    throw error;
  }
}

/** The box of a body's points, which are not kept: a large drawing has too many. Null without points.
 * @type {(body: Body) => Box | null} */
const box = cached(new WeakMap(), (body) => {
  const ink = inProgress.get(body);
  return ink ? boxAround(ink, 0) : unlessInvalid(() => packedBox(body));
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

/** @param {Body} body */
export function reachOfLine({ width = 0 }) {
  return Math.max(MIN_REACH, width * REACH);
}
