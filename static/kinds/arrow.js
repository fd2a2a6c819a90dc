// @ts-check
/**
 * The arrow: a line with a head at its end.
 *
 * It must never be all head: a short arrow has a thinner line.
 */

import { distance } from "../model/geometry.js";
import { quantised } from "../model/points.js";
import { endsOf, segmentKind, snapped } from "./segment.js";
import { coordinates } from "./stroke-path.js";

/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */

/** Length of the head in line widths, and the minimum in units. */
const HEAD_WIDTHS = 4;
const MIN_HEAD = 10;
/** Half the angle of the head, in radians. */
const HEAD_ANGLE = 0.46;
/** Length in line widths below which the line is thinner, so that the head is no blob. */
const LENGTH_WIDTHS = 6;

/**
 * The line width of an arrow of some length.
 * @param {number} chosen
 * @param {number} length
 */
export function arrowWidth(chosen, length) {
  return Math.min(chosen, Math.max(1, quantised(length / LENGTH_WIDTHS)));
}

/**
 * The two ends of the head behind the tip.
 * @param {PlanePoint} from
 * @param {PlanePoint} tip
 * @param {number} width
 * @returns {[PlanePoint, PlanePoint]}
 */
function head(from, tip, width) {
  const length = Math.min(Math.max(width * HEAD_WIDTHS, MIN_HEAD), Math.max(distance(from, tip), width));
  const angle = Math.atan2(tip.y - from.y, tip.x - from.x);
  const end = (/** @type {number} */ turn) => ({
    x: tip.x - length * Math.cos(angle + turn),
    y: tip.y - length * Math.sin(angle + turn),
  });
  return [end(HEAD_ANGLE), end(-HEAD_ANGLE)];
}

export const arrow = segmentKind({
  id: "arrow",
  binds: true,
  outline(body) {
    const [a, b] = endsOf(body);
    const [left, right] = head(a, b, body.width ?? 1);
    return { data: `M${coordinates(a)}L${coordinates(b)}M${coordinates(left)}L${coordinates(b)}L${coordinates(right)}`, filled: false };
  },
  fromDrag(from, to, straight, width) {
    const end = straight ? snapped(from, to) : to;
    return { points: [from, end], width: arrowWidth(width, distance(from, end)) };
  },
});
