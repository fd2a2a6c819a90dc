// @ts-check
/**
 * Kinds with two ends, a line and an arrow: their handles are the ends.
 *
 * It must never keep a rotation when an end is dragged: the new ends say it all.
 */

import { packPoints, quantised } from "../model/points.js";
import { boxOfPoints, hasPoints, mappedPoints, pointsOf, reachOfLine } from "./body-points.js";
import { makeKind, turned } from "./kind.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("./kind.js").Kind} Kind */

/** Straight lines snap to multiples of this angle, in radians. */
const SNAP = Math.PI / 12;

/**
 * Both ends, in the upright frame.
 * @param {Body} body
 * @returns {[InkPoint, InkPoint]}
 */
export function endsOf(body) {
  const [a, b = a] = pointsOf(body);
  return [a, b];
}

/**
 * The end of a line from `from` near `to`, at a multiple of the snap angle.
 * @param {PlanePoint} from
 * @param {PlanePoint} to
 * @returns {PlanePoint}
 */
function snapped(from, to) {
  const angle = Math.round(Math.atan2(to.y - from.y, to.x - from.x) / SNAP) * SNAP;
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  return { x: quantised(from.x + length * Math.cos(angle)), y: quantised(from.y + length * Math.sin(angle)) };
}

/**
 * @param {Partial<Kind> & Pick<Kind, "id" | "outline">} parts
 * @returns {Kind}
 */
export function segmentKind(parts) {
  return makeKind({
    isValid: hasPoints,
    frame: boxOfPoints,
    reach: reachOfLine,
    polyline: pointsOf,
    mapped: mappedPoints,
    fromDrag: (from, to, straight) => [from, straight ? snapped(from, to) : to],
    handles: (body) => {
      const [start, end] = endsInPlane(body);
      return [{ id: "start", at: start }, { id: "end", at: end }];
    },
    handleMoved(body, handle, to, straight) {
      const [start, end] = endsInPlane(body);
      const isStart = handle === "start";
      const moved = straight ? snapped(isStart ? end : start, to) : to;
      const ends = isStart ? [moved, end] : [start, moved];
      return { ...packPoints(ends), ...(body.rotation ? { rotation: null } : {}) };
    },
    ...parts,
  });
}

/** @param {Body} body
 * @returns {PlanePoint[]} */
function endsInPlane(body) {
  return endsOf(body).map((end) => turned(body, boxOfPoints(body), end));
}
