// @ts-check
/**
 * The registry of the kinds of strokes: nothing else chooses by the name of a kind.
 *
 * It must never fail for an unknown kind: a placeholder stands in for it.
 */

import { withFields } from "../model/edits.js";
import { arrow } from "./arrow.js";
import { bodyOfInk } from "./body-points.js";
import { diamond } from "./diamond.js";
import { ellipse } from "./ellipse.js";
import { image } from "./image.js";
import { laser } from "./laser.js";
import { line } from "./line.js";
import { marker } from "./marker.js";
import { note } from "./note.js";
import { pen } from "./pen.js";
import { placeholder } from "./placeholder.js";
import { polyline } from "./polyline.js";
import { rectangle } from "./rectangle.js";
import { text } from "./text.js";

/** @typedef {import("./kind.js").Kind} Kind */
/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */

/** @type {ReadonlyMap<string, Kind>} */
export const KINDS = new Map([pen, marker, line, arrow, rectangle, ellipse, diamond, polyline, text, note, image, laser].map((kind) => [kind.id, kind]));

/** @param {{kind: string}} body
 * @returns {Kind} */
export function kindOf({ kind }) {
  return KINDS.get(kind) ?? placeholder;
}

/**
 * The body of a stroke in progress, which is only painted.
 * @param {{kind: string} & Partial<Body>} style
 * @param {import("../model/types.js").InkPoint[]} points at least one
 * @returns {Body}
 */
export function bodyInProgress(style, points) {
  const { fromPoints } = kindOf(style);
  return fromPoints ? withFields({ ...style, ...pointOf(points[0]) }, fromPoints(points)) : bodyOfInk(style, points);
}

/** @param {import("../model/types.js").PlanePoint} point */
function pointOf({ x, y }) {
  return { x, y };
}

/** The box of everything that a stroke paints.
 * @param {Body} body */
export function boundsOf(body) {
  return kindOf(body).bounds(body);
}

/**
 * Whether a circle at `from`, or dragged from there to `to`, touches a stroke.
 * @param {Body} body
 * @param {PlanePoint} from
 * @param {number} tolerance
 * @param {PlanePoint} [to]
 */
export function hits(body, from, tolerance, to) {
  return kindOf(body).hit(body, from, tolerance, to);
}

/**
 * @param {CanvasRenderingContext2D} context in units of the plane
 * @param {Body} body
 * @param {import("./kind.js").Look} look
 */
export function paint(context, body, look) {
  kindOf(body).paint(context, body, look);
}
