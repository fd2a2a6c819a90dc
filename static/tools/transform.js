// @ts-check
/**
 * A gesture that changes the selected strokes: moves, resizes or rotates them, and makes edits of it.
 *
 * It must never change a stroke before the gesture has ended.
 */

import { kindOf } from "../kinds/kinds.js";
import { editing, withFields } from "../model/edits.js";
import { boxMap, centreOf, rotatedPoint } from "../model/geometry.js";
import { quantised } from "../model/points.js";
import { Followers, letGo } from "./arrows.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").Fields} Fields */
/** @typedef {import("../model/types.js").Matrix} Matrix */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {import("../model/edits.js").Edit} Edit */
/** @typedef {import("../canvas/canvas.js").Overlay} Overlay */

/**
 * A change of all strokes of a gesture: each stroke's fields, and, where that looks the same or there are
 * too many, the matrix that shows it. Arrows lose the bindings to what does not move with them, unless the
 * step keeps them.
 * @typedef {{fieldsOf: (body: Body) => Fields, matrix?: Matrix, keepsBindings?: boolean}} Step
 */

/** More strokes than this are shown by a matrix, though that also scales the thickness of lines. */
const MANY = 200;
/** More ids than this do not fit into a preview. */
const MAX_IDS = 100;

/** @param {number} dx
 * @param {number} dy
 * @returns {Step} */
export function moving(dx, dy) {
  return { fieldsOf: (body) => kindOf(body).moved(body, dx, dy), matrix: [1, 0, 0, 1, dx, dy] };
}

/** @param {number} angle
 * @param {PlanePoint} about
 * @returns {Step} */
export function rotating(angle, about) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const { x, y } = rotatedPoint({ x: 0, y: 0 }, angle, about);
  return { fieldsOf: (body) => kindOf(body).rotated(body, angle, about), matrix: [cos, sin, -sin, cos, x, y] };
}

/**
 * @param {Box} from
 * @param {Box} to
 * @param {number} count of strokes
 * @returns {Step}
 */
export function resizing(from, to, count) {
  const map = boxMap(from, to);
  const step = { fieldsOf: (/** @type {Body} */ body) => kindOf(body).resized(body, map) };
  if (count <= MANY) return step;
  return { ...step, matrix: [map.scaleX, 0, 0, map.scaleY, map.x - map.left * map.scaleX, map.y - map.top * map.scaleY] };
}

export class Transform {
  #strokes;
  #bodies;
  #ids;
  #followers;
  /** @type {Step | null} */
  #step = null;

  /**
   * @param {import("../model/scene.js").Scene} scene
   * @param {readonly Stroke[]} strokes
   */
  constructor(scene, strokes) {
    this.#strokes = strokes;
    this.#bodies = strokes.map(({ body }) => body);
    this.#ids = new Set(strokes.map(({ id }) => id));
    this.#followers = new Followers(scene, this.#ids);
  }

  /** Everything that the gesture changes, which is shown elsewhere meanwhile. */
  get strokes() {
    return [...this.#strokes, ...this.#followers.strokes];
  }

  /** @param {Step} step in place of the one before */
  show(step) {
    this.#step = step;
  }

  /** The edits of the shown step.
   * @returns {Edit[]} */
  edits() {
    const { changed, follow } = this.#changes();
    return [...changed, ...follow].flatMap(({ stroke, fields }) => editing(stroke, fields));
  }

  /** @returns {Overlay} */
  overlay() {
    const step = this.#step;
    if (!step) return { bodies: this.#bodies };
    if (step.matrix && this.#followers.strokes.length === 0) return { carried: { bodies: this.#bodies, matrix: step.matrix } };
    const { changed, follow } = this.#changes();
    const followed = follow.map(({ stroke, fields }) => withFields(stroke.body, fields));
    if (step.matrix) return { carried: { bodies: this.#bodies, matrix: step.matrix }, bodies: followed };
    return { bodies: [...changed.map(({ stroke, fields }) => withFields(stroke.body, fields)), ...followed] };
  }

  /**
   * The shown step for others.
   * @returns {Omit<import("../model/types.js").Preview, "n"> | null}
   */
  preview() {
    const step = this.#step;
    if (!step) return null;
    if (this.#strokes.length > MAX_IDS) return { box: boxOfStep(this.#bodies, step) };
    const { follow, changed } = this.#changes();
    const set = Object.fromEntries(follow.map(({ stroke, fields }) => [stroke.id, fields]));
    if (step.matrix) return { ids: [...this.#ids], matrix: step.matrix, set };
    return { set: { ...set, ...Object.fromEntries(changed.map(({ stroke, fields }) => [stroke.id, fields])) } };
  }

  #changes() {
    const step = this.#step;
    if (!step) return { changed: [], follow: [] };
    // Thousands of strokes need no bodies of their own unless arrows follow them.
    const changed = this.#strokes.map((stroke) => ({ stroke, fields: { ...step.fieldsOf(stroke.body), ...(step.keepsBindings ? {} : letGo(stroke.body, this.#ids)) } }));
    if (this.#followers.strokes.length === 0) return { changed, follow: [] };
    const bodies = new Map(changed.map(({ stroke, fields }) => [stroke.id, withFields(stroke.body, fields)]));
    return { changed, follow: this.#followers.follow((id) => bodies.get(id)) };
  }
}

/**
 * The box around strokes after a step.
 * @param {readonly Body[]} bodies
 * @param {Step} step
 * @returns {[number, number, number, number]}
 */
function boxOfStep(bodies, { matrix = [1, 0, 0, 1, 0, 0] }) {
  const [a, b, c, d, e, f] = matrix;
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const body of bodies) {
    const { left, top, right, bottom } = kindOf(body).bounds(body);
    if (left > right) continue;
    for (const [x, y] of [[left, top], [right, top], [right, bottom], [left, bottom]]) {
      box.left = Math.min(box.left, a * x + c * y + e);
      box.right = Math.max(box.right, a * x + c * y + e);
      box.top = Math.min(box.top, b * x + d * y + f);
      box.bottom = Math.max(box.bottom, b * x + d * y + f);
    }
  }
  const { left, top, right, bottom } = box;
  return left > right ? [0, 0, 0, 0] : [quantised(left), quantised(top), quantised(right), quantised(bottom)];
}

/**
 * A box whose corner is dragged. It keeps its proportions, which Shift lets go; with Alt its centre stays.
 * @param {Box} box
 * @param {string} corner
 * @param {import("./tool.js").Press} press
 * @returns {Box}
 */
export function resizedBox(box, corner, { point, shift, alt }) {
  const [west, north] = [corner.includes("w"), corner.includes("n")];
  const centre = centreOf(box);
  const fixed = alt ? centre : { x: west ? box.right : box.left, y: north ? box.bottom : box.top };
  const moved = { x: west ? box.left : box.right, y: north ? box.top : box.bottom };
  const scale = (/** @type {"x"|"y"} */ axis) => (moved[axis] === fixed[axis] ? 1 : (point[axis] - fixed[axis]) / (moved[axis] - fixed[axis]));
  let [scaleX, scaleY] = [scale("x"), scale("y")];
  if (!shift) scaleX = scaleY = Math.max(0.01, Math.abs(scaleX) > Math.abs(scaleY) ? scaleX : scaleY);
  const at = (/** @type {PlanePoint} */ { x, y }) => ({ x: fixed.x + (x - fixed.x) * scaleX, y: fixed.y + (y - fixed.y) * scaleY });
  const [a, b] = [at({ x: box.left, y: box.top }), at({ x: box.right, y: box.bottom })];
  return { left: a.x, top: a.y, right: b.x, bottom: b.y };
}
