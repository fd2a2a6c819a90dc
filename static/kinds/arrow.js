// @ts-check
/**
 * The arrow: a line with a head at its end.
 *
 * It must never be all head: a short arrow is painted with a thinner line and a smaller head.
 */

import { distance } from "../model/geometry.js";
import { packPoints, quantised } from "../model/points.js";
import { inkOfLine, linePoints } from "./excalidraw-element.js";
import { cached } from "./recent.js";
import { endsOf, segmentKind } from "./segment.js";
import { coordinates } from "./stroke-path.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("./excalidraw-element.js").Element} Element */
/** @typedef {import("./excalidraw-element.js").ElementStyle} ElementStyle */

/** Length of the head in line widths, and the minimum in units. */
const HEAD_WIDTHS = 4;
const MIN_HEAD = 10;
/** Half the angle of the head, in radians. */
const HEAD_ANGLE = 0.46;
/** Length in line widths below which the line is thinner, so that the head is no blob. */
const LENGTH_WIDTHS = 6;
/** Most of an arrow's length that its head takes. */
const HEAD_PART = HEAD_WIDTHS / LENGTH_WIDTHS;

/**
 * The line width that an arrow of some length is painted with: it is as wide as chosen again once it is longer.
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
  const length = Math.min(Math.max(width * HEAD_WIDTHS, MIN_HEAD), Math.max(distance(from, tip) * HEAD_PART, width));
  const angle = Math.atan2(tip.y - from.y, tip.x - from.x);
  const end = (/** @type {number} */ turn) => ({
    x: tip.x - length * Math.cos(angle + turn),
    y: tip.y - length * Math.sin(angle + turn),
  });
  return [end(HEAD_ANGLE), end(-HEAD_ANGLE)];
}

/**
 * An arrow of Excalidraw: one of several parts is a line that ends in an arrow.
 * @param {Element} element
 * @param {ElementStyle} style
 * @returns {Body[]}
 */
function arrowBodies(element, { rotation, fill: _, ...style }) {
  const points = linePoints(element, rotation);
  if (points.length === 0) return [];
  const path = points.length === 2 ? points : inkOfLine(points, Boolean(element.roundness));
  const pointsTo = (/** @type {PlanePoint[]} */ line) => ({ kind: "arrow", ...style, ...packPoints([tailOf(line, style.width), line[line.length - 1]]) });
  const heads = [
    ...(element.startArrowhead ? [pointsTo([...path].reverse())] : []),
    ...(element.endArrowhead ? [pointsTo(path)] : []),
  ];
  if (path.length === 2 && heads.length > 0) return heads;
  return [{ kind: path.length === 2 ? "line" : "polyline", ...style, ...packPoints(path) }, ...heads];
}

/**
 * The last point of a line that is far enough from its tip for a head of full size.
 * @param {PlanePoint[]} line
 * @param {number} width
 */
function tailOf(line, width) {
  const tip = line[line.length - 1];
  const least = Math.max(width * HEAD_WIDTHS, MIN_HEAD) / HEAD_PART;
  return line.findLast((point) => distance(point, tip) >= least) ?? line[0];
}

export const arrow = segmentKind({
  id: "arrow",
  binds: true,
  fromExcalidraw: (element, style) => (element.type === "arrow" ? arrowBodies(element, style) : null),
  outline(body) {
    const [a, b] = endsOf(body);
    const [left, right] = head(a, b, arrow.lineWidth(body));
    return { data: `M${coordinates(a)}L${coordinates(b)}M${coordinates(left)}L${coordinates(b)}L${coordinates(right)}`, filled: false };
  },
  lineWidth: cached((body) => arrowWidth(body.width ?? 1, distance(...endsOf(body)))),
});
