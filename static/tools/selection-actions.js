// @ts-check
/**
 * What commands do with the selected strokes. Each is one step of the history.
 *
 * It must never change a locked stroke, except to unlock it, or to erase the whole drawing.
 */

import { kindOf } from "../kinds/kinds.js";
import { aligned, boxOfAll, distributed } from "../model/arrange.js";
import { clipOf, plainTextOf } from "../model/clip.js";
import { copies } from "../model/copies.js";
import { drawing, editing, erasing, withFields } from "../model/edits.js";
import { centreOf, overlap } from "../model/geometry.js";
import { grouped } from "../model/grouped.js";
import { randomId } from "../model/ids.js";
import { ordering } from "../model/order.js";
import { Followers, letGo } from "./arrows.js";
import { Transform, moving, resizing } from "./transform.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Fields} Fields */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {import("../model/edits.js").Edit} Edit */
/** @typedef {import("../model/clip.js").Clipped} Clipped */
/** @typedef {import("../kinds/kind.js").StyleField} StyleField */

/** Units between a stroke and its duplicate. */
const OFFSET = 16;
/** Units that an arrow key moves by, and with Shift. */
const NUDGE = 1;
const FAR_NUDGE = 10;

export class SelectionActions {
  #on;

  /**
   * @param {object} on
   * @param {import("../model/scene.js").Scene} on.scene
   * @param {import("../model/selection.js").Selection} on.selection
   * @param {(edits: Edit[]) => void} on.commit
   * @param {(n: number) => number} on.positionOf the position that an unanswered op will have
   * @param {() => number} on.nextOp the number of the next op
   * @param {import("./tool.js").ToolContext["style"]} on.style
   */
  constructor(on) {
    this.#on = on;
  }

  get #strokes() {
    return this.#on.selection.free;
  }

  /** How many strokes are selected. */
  get count() {
    return this.#on.selection.strokes.length;
  }

  /** How many of them may be changed. */
  get freeCount() {
    return this.#strokes.length;
  }

  get isLocked() {
    return this.#on.selection.strokes.some(({ body }) => body.locked);
  }

  get isGrouped() {
    return this.#strokes.some(({ body }) => body.group !== undefined);
  }

  /** Whether there is anything in the drawing. */
  get isDrawn() {
    return this.#on.scene.size > 0;
  }

  selectAll() {
    this.#on.selection.set(this.#on.scene.ordered().flatMap(({ id, body }) => (body.locked ? [] : [id])));
  }

  clear() {
    this.#on.selection.clear();
  }

  erase() {
    this.#commit(this.#strokes.map(erasing));
  }

  /** Erases everything, also what is locked. */
  eraseAll() {
    this.#commit(this.#on.scene.ordered().map(erasing));
  }

  duplicate() {
    this.#add(this.#strokes, OFFSET, OFFSET);
  }

  group() {
    const group = randomId();
    this.#commit(this.#strokes.flatMap((stroke) => editing(stroke, { group })));
  }

  ungroup() {
    this.#commit(this.#strokes.flatMap((stroke) => editing(stroke, { group: null })));
  }

  /** Locks the strokes, or unlocks them if one is locked. */
  toggleLock() {
    const locked = this.isLocked ? null : true;
    this.#commit(this.#on.selection.strokes.flatMap((stroke) => editing(stroke, { locked })));
  }

  /** @param {import("../model/order.js").Direction} direction */
  order(direction) {
    const { scene, positionOf, nextOp } = this.#on;
    const ids = new Set(this.#strokes.map(({ id }) => id));
    const touch = (/** @type {Stroke} */ a, /** @type {Stroke} */ b) => overlap(kindOf(a.body).bounds(a.body), kindOf(b.body).bounds(b.body));
    this.#commit(ordering(scene.ordered(), ids, direction, positionOf, nextOp(), touch));
  }

  /** The box around the selected strokes, if there are any. */
  get bounds() {
    return boxOfAll(this.#strokes.map(({ body }) => kindOf(body).bounds(body)));
  }

  /** @param {import("../model/arrange.js").Side} side */
  align(side) {
    this.#arrange((boxes) => aligned(boxes, side));
  }

  /** @param {import("../model/arrange.js").Axis} axis */
  distribute(axis) {
    this.#arrange((boxes) => distributed(boxes, axis));
  }

  /**
   * Mirrors the strokes about the middle of all of them.
   * @param {import("../model/arrange.js").Axis} axis
   */
  flip(axis) {
    const box = this.bounds;
    if (!box) return;
    const { left, top, right, bottom } = box;
    const to = axis === "x" ? { left: right, top, right: left, bottom } : { left, top: bottom, right, bottom: top };
    this.#transform(resizing(box, to, this.#strokes.length));
  }

  /**
   * @param {number} x -1, 0 or 1
   * @param {number} y
   * @param {boolean} far
   */
  nudge(x, y, far) {
    const step = far ? FAR_NUDGE : NUDGE;
    this.#transform(moving(x * step, y * step));
  }

  /**
   * Sets fields of style of those strokes whose kind has them.
   * @param {(body: Body, has: (field: StyleField) => boolean) => Fields} fieldsOf
   */
  restyle(fieldsOf) {
    this.#commit(this.#strokes.flatMap((stroke) => {
      const { styles } = kindOf(stroke.body);
      return editing(stroke, fieldsOf(stroke.body, (field) => styles.includes(field)));
    }));
  }

  /** The selected strokes as texts for the clipboard. */
  clip() {
    const { strokes } = this.#on.selection;
    return { strokes: clipOf(strokes), text: plainTextOf(strokes) };
  }

  /**
   * Adds copied strokes, with their middle at a point.
   * @param {Clipped[]} clipped
   * @param {PlanePoint} at
   */
  paste(clipped, at) {
    const box = boxOfAll(clipped.map(({ body }) => kindOf(body).bounds(body)).filter(({ left, right }) => left <= right));
    if (!box) return;
    const centre = centreOf(box);
    this.#add(clipped, at.x - centre.x, at.y - centre.y);
  }

  /**
   * @param {string} text
   * @param {PlanePoint} at its middle
   */
  pasteText(text, at) {
    const stroke = randomId();
    const body = { kind: "text", ...at, ...this.#on.style("text"), text };
    const centre = centreOf(kindOf(body).frame(body));
    const placed = withFields(body, kindOf(body).moved(body, at.x - centre.x, at.y - centre.y));
    this.#on.commit([drawing(stroke, placed)]);
    this.#on.selection.set([stroke]);
  }

  /**
   * @param {readonly Clipped[]} strokes
   * @param {number} dx
   * @param {number} dy
   */
  #add(strokes, dx, dy) {
    if (strokes.length === 0) return;
    const { edits, ids } = copies(strokes, (body) => kindOf(body).moved(body, dx, dy));
    this.#on.commit(edits);
    this.#on.selection.set(ids);
  }

  /** @param {import("./transform.js").Step} step */
  #transform(step) {
    const transform = new Transform(this.#on.scene, this.#strokes);
    transform.show(step);
    this.#commit(transform.edits());
  }

  /**
   * Moves each stroke, or each group as a whole.
   * @param {(boxes: import("../model/types.js").Box[]) => import("../model/arrange.js").Move[]} arranged
   */
  #arrange(arranged) {
    const units = grouped(this.#strokes, ({ id, body }) => body.group ?? id);
    const parts = [...units.values()];
    const boxes = parts.flatMap((part) => boxOfAll(part.map(({ body }) => kindOf(body).bounds(body))) ?? []);
    const moves = arranged(boxes);
    const ids = new Set(this.#strokes.map(({ id }) => id));
    const changes = parts.flatMap((part, i) => part.map((stroke) => {
      const moved = kindOf(stroke.body).moved(stroke.body, moves[i].dx, moves[i].dy);
      return { stroke, fields: { ...moved, ...letGo(stroke.body, ids) } };
    }));
    const bodies = new Map(changes.map(({ stroke, fields }) => [stroke.id, withFields(stroke.body, fields)]));
    const follow = new Followers(this.#on.scene, ids).follow((id) => bodies.get(id));
    this.#commit([...changes, ...follow].flatMap(({ stroke, fields }) => editing(stroke, fields)));
  }

  /** @param {Edit[]} edits */
  #commit(edits) {
    if (edits.length > 0) this.#on.commit(edits);
  }
}
