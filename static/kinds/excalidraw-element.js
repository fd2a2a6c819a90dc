// @ts-check
/**
 * The elements of Excalidraw's files, and what the kinds need to read them.
 *
 * It must never trust a field: files come from anywhere.
 */

import { boxAround, centreOf, rotatedPoint } from "../model/geometry.js";
import { MAX_POINTS, packPoints } from "../model/points.js";
import { upright } from "./kind.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {Pick<Body, "fill"|"dash"|"opacity"|"rotation"|"locked"> & {colour: string, width: number}} ElementStyle The fields that all kinds have in common. */
/**
 * An element as it should be.
 * @typedef {object} Element
 * @property {string} id
 * @property {string} type
 * @property {number} x
 * @property {number} y
 * @property {number} [width]
 * @property {number} [height]
 * @property {number} [angle]
 * @property {string} [strokeColor]
 * @property {string} [backgroundColor]
 * @property {number} [strokeWidth]
 * @property {string} [strokeStyle]
 * @property {number} [opacity] 0 to 100
 * @property {boolean} [locked]
 * @property {string[]} [groupIds] the innermost first
 * @property {object | null} [roundness]
 * @property {[number, number][]} [points] relative to x and y
 * @property {number[]} [pressures] 0 to 1
 * @property {boolean} [simulatePressure]
 * @property {string | null} [startArrowhead]
 * @property {string | null} [endArrowhead]
 * @property {{elementId: string} | null} [startBinding]
 * @property {{elementId: string} | null} [endBinding]
 * @property {string} [text] with the line breaks of its container
 * @property {number} [fontSize]
 * @property {number} [lineHeight] in font sizes
 * @property {string} [textAlign]
 * @property {string | null} [containerId]
 * @property {string | null} [fileId]
 */

/** Points between two of a rounded line. */
const CURVE_STEPS = 8;

/**
 * The body of a kind that fills a box.
 * @param {string} kind
 * @param {Element} element
 * @param {ElementStyle} style
 * @returns {Body[]}
 */
export function boxBody(kind, { x, y, width, height }, style) {
  if (!isSize(width) || !isSize(height)) return [];
  return [{ kind, ...style, ...packPoints([{ x, y }, { x: x + width, y: y + height }]) }];
}

/** @param {unknown} value
 * @returns {value is number} */
export function isSize(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** @param {unknown} value
 * @returns {value is [number, number][]} */
export function arePairs(value) {
  return Array.isArray(value) && value.every((pair) => isSize(pair?.[0]) && isSize(pair?.[1]));
}

/**
 * The points of a line, turned as it is, so that its stroke needs no rotation.
 * @param {Element} element
 * @param {number} [rotation]
 * @returns {PlanePoint[]} none if it is not valid
 */
export function linePoints({ x, y, points }, rotation = 0) {
  if (!arePairs(points) || points.length < 2 || points.length > MAX_POINTS) return [];
  const upright = points.map(([dx, dy]) => ({ x: x + dx, y: y + dy }));
  if (rotation === 0) return upright;
  const centre = centreOf(boxAround(upright, 0));
  return upright.map((point) => rotatedPoint(point, rotation, centre));
}

/**
 * The ink of a line of several points: a rounded one is a curve through them; the corners of others are
 * sharp, because a doubled point is passed exactly.
 * @param {PlanePoint[]} points
 * @param {boolean} isRound
 * @returns {PlanePoint[]}
 */
export function inkOfLine(points, isRound) {
  if (!isRound) return points.flatMap((point, i) => (i === 0 || i === points.length - 1 ? [point] : [point, point]));
  const steps = Math.max(1, Math.min(CURVE_STEPS, Math.floor((MAX_POINTS - 1) / points.length)));
  const curve = [points[0]];
  for (let i = 0; i + 1 < points.length; i += 1) {
    const [before, a, b, after] = [points[Math.max(0, i - 1)], points[i], points[i + 1], points[Math.min(points.length - 1, i + 2)]];
    for (let step = 1; step <= steps; step += 1) curve.push(between(before, a, b, after, step / steps));
  }
  return curve;
}

/**
 * A point of the Catmull-Rom curve from `a` to `b`.
 * @param {PlanePoint} before
 * @param {PlanePoint} a
 * @param {PlanePoint} b
 * @param {PlanePoint} after
 * @param {number} t 0 to 1
 * @returns {PlanePoint}
 */
function between(before, a, b, after, t) {
  const at = (/** @type {"x" | "y"} */ axis) =>
    a[axis] + (t / 2) * (b[axis] - before[axis]
      + t * (2 * before[axis] - 5 * a[axis] + 4 * b[axis] - after[axis] + t * (3 * (a[axis] - b[axis]) + after[axis] - before[axis])));
  return { x: at("x"), y: at("y") };
}

/**
 * Where a point is within the frame of a body, in fractions.
 * @param {Body} body
 * @param {Box} frame
 * @param {PlanePoint} point
 * @returns {[number, number]}
 */
export function pointOfFrame(body, frame, point) {
  const { x, y } = upright(body, frame, point);
  const fraction = (/** @type {number} */ at, /** @type {number} */ from, /** @type {number} */ to) =>
    Math.round(Math.min(1, Math.max(0, to > from ? (at - from) / (to - from) : 0.5)) * 1000) / 1000;
  return [fraction(x, frame.left, frame.right), fraction(y, frame.top, frame.bottom)];
}
