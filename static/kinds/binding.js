// @ts-check
/**
 * Ends of arrows bound to strokes: where such an end is, and what follows when the bound stroke moves.
 *
 * It must never move an end whose stroke is gone: it stays where it is.
 */

import { distance, rotatedPoint, centreOf } from "../model/geometry.js";
import { packPoints, quantised } from "../model/points.js";
import { pointsOf } from "./body-points.js";
import { turned, upright } from "./kind.js";
import { kindOf } from "./kinds.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Binding} Binding */
/** @typedef {import("../model/types.js").Fields} Fields */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {(id: string) => Body | null} BodyOf */

/** Between an arrow's tip and the line that it points to, in units, beyond half of both lines' widths. */
const GAP = 4;
/** Steps of the fractions that are stored. */
const FRACTION_STEPS = 1_000;

/**
 * The topmost stroke at a point that an arrow's end can be bound to: inside it, or near its edge.
 * @param {import("../model/scene.js").Scene} scene
 * @param {PlanePoint} point
 * @param {number} tolerance
 * @returns {Stroke | null}
 */
export function bindableAt(scene, point, tolerance) {
  const box = { left: point.x - tolerance, top: point.y - tolerance, right: point.x + tolerance, bottom: point.y + tolerance };
  const found = scene.inBox(box).findLast(({ body }) => {
    const kind = kindOf(body);
    if (!kind.bindable || body.locked) return false;
    const { x, y } = upright(body, kind.frame(body), point);
    const { left, top, right, bottom } = kind.frame(body);
    return x >= left - tolerance && x <= right + tolerance && y >= top - tolerance && y <= bottom + tolerance;
  });
  return found ?? null;
}

/**
 * The binding of an end at a point.
 * @param {Stroke} stroke
 * @param {PlanePoint} point
 * @returns {Binding}
 */
export function bindingTo({ id, body }, point) {
  const frame = kindOf(body).frame(body);
  const { x, y } = upright(body, frame, point);
  const fraction = (/** @type {number} */ at, /** @type {number} */ from, /** @type {number} */ to) => {
    const part = to === from ? 0.5 : Math.min(1, Math.max(0, (at - from) / (to - from)));
    return Math.round(part * FRACTION_STEPS) / FRACTION_STEPS;
  };
  return { stroke: id, at: [fraction(x, frame.left, frame.right), fraction(y, frame.top, frame.bottom)] };
}

/**
 * @param {Body} body
 * @param {Binding} binding
 */
function anchorOf(body, { at: [across, down] }) {
  const frame = kindOf(body).frame(body);
  const point = { x: frame.left + (frame.right - frame.left) * across, y: frame.top + (frame.bottom - frame.top) * down };
  return turned(body, frame, point);
}

/**
 * The fields of an arrow whose bound ends are where they belong.
 * @param {Body} arrow
 * @param {BodyOf} bodyOf
 * @returns {Fields} empty if nothing is bound
 */
export function boundFields(arrow, bodyOf) {
  const [first, second] = endsInPlane(arrow);
  const starts = boundBody(arrow.start, bodyOf);
  const ends = boundBody(arrow.end, bodyOf);
  if (!starts && !ends) return {};
  const from = starts && arrow.start ? anchorOf(starts, arrow.start) : first;
  const to = ends && arrow.end ? anchorOf(ends, arrow.end) : second;
  const gap = GAP + (arrow.width ?? 0) / 2;
  const start = starts ? outside(starts, from, to, gap) : from;
  const end = ends ? outside(ends, to, from, gap) : to;
  // Where both are inside each other, the way out of one may lie beyond the other.
  const crossed = (end.x - start.x) * (to.x - from.x) + (end.y - start.y) * (to.y - from.y) <= 0;
  const packed = crossed ? packPoints([from, to]) : packPoints([start, end]);
  return { ...packed, ...(arrow.rotation ? { rotation: null } : {}) };
}

/** @param {Body} arrow
 * @returns {PlanePoint[]} */
function endsInPlane(arrow) {
  const [a, b = a] = pointsOf(arrow);
  const centre = centreOf(kindOf(arrow).frame(arrow));
  return [a, b].map((end) => (arrow.rotation ? rotatedPoint(end, arrow.rotation, centre) : end));
}

/**
 * @param {Binding | undefined} binding
 * @param {BodyOf} bodyOf
 */
function boundBody(binding, bodyOf) {
  const body = isBinding(binding) ? bodyOf(binding.stroke) : null;
  return body && kindOf(body).bindable ? body : null;
}

/** Others may have written anything. @param {any} value
 * @returns {value is Binding} */
export function isBinding(value) {
  return typeof value?.stroke === "string" && Array.isArray(value.at) && value.at.length === 2 && value.at.every(Number.isFinite);
}

/**
 * Where a line from an anchor in a body towards a point leaves the body's edge, and a little beyond.
 * @param {Body} body
 * @param {PlanePoint} anchor
 * @param {PlanePoint} towards
 * @param {number} gap
 * @returns {PlanePoint}
 */
function outside(body, anchor, towards, gap) {
  const edge = kindOf(body).edge(body);
  const whole = distance(anchor, towards);
  if (whole === 0) return anchor;
  let farthest = 0;
  for (let i = 1; i < edge.length; i += 1) farthest = Math.max(farthest, crossing(anchor, towards, edge[i - 1], edge[i]));
  const space = gap + (kindOf(body).styles.includes("dash") ? (body.width ?? 0) / 2 : 0);
  const along = Math.min(1, farthest + space / whole);
  return { x: quantised(anchor.x + (towards.x - anchor.x) * along), y: quantised(anchor.y + (towards.y - anchor.y) * along) };
}

/**
 * How far along a–b it crosses c–d, from 0 to 1; 0 if it does not.
 * @param {PlanePoint} a
 * @param {PlanePoint} b
 * @param {PlanePoint} c
 * @param {PlanePoint} d
 */
function crossing(a, b, c, d) {
  const [rx, ry, sx, sy] = [b.x - a.x, b.y - a.y, d.x - c.x, d.y - c.y];
  const across = rx * sy - ry * sx;
  if (across === 0) return 0;
  const along = ((c.x - a.x) * sy - (c.y - a.y) * sx) / across;
  const other = ((c.x - a.x) * ry - (c.y - a.y) * rx) / across;
  return along >= 0 && along <= 1 && other >= 0 && other <= 1 ? along : 0;
}

/**
 * The arrows with an end bound to one of some strokes, which are not among those strokes.
 * @param {readonly Stroke[]} all
 * @param {ReadonlySet<string>} moved
 * @returns {Stroke[]}
 */
export function followersOf(all, moved) {
  const isBound = (/** @type {unknown} */ end) => isBinding(end) && moved.has(end.stroke);
  return all.filter(({ id, body }) => kindOf(body).binds && !moved.has(id) && !body.locked && (isBound(body.start) || isBound(body.end)));
}
