// @ts-check
/**
 * What others are editing at this moment: their strokes while they are dragged, and their texts while they
 * are typed.
 *
 * It must never outlive the edit: a preview ends when its strokes change, when it is cancelled, and when no
 * new one has arrived for some seconds.
 */

import { isBody } from "../model/body.js";
import { withFields } from "../model/edits.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").Matrix} Matrix */
/** @typedef {import("../model/types.js").Preview} Preview */
/** @typedef {import("../model/types.js").PreviewUpdate} PreviewUpdate */
/** @typedef {{edit: Preview, receivedAt: number, ended: Set<string>, bodies: Map<string, {of: Body | null, body: Body | null}>}} Held `ended`: strokes that have changed since; `bodies` as they will be, null if they are none */
/** @typedef {{writer: string, bodies: Body[], carried: {bodies: Body[], matrix: Matrix} | null, box: Box | null}} ShownPreview */

/** Milliseconds without a new preview after which one ends. A text may rest while its writer thinks. */
const EXPIRE_AFTER = 8_000;

export class RemotePreviews {
  /** @type {Map<string, Held>} by writer */
  #held = new Map();
  #strokeOf;

  /** @param {(id: string) => Stroke | null} strokeOf */
  constructor(strokeOf) {
    this.#strokeOf = strokeOf;
  }

  get isEmpty() {
    return this.#held.size === 0;
  }

  /**
   * @param {PreviewUpdate} update
   * @param {number} now
   */
  receive({ writer, edit }, now) {
    if (edit === null || typeof edit !== "object") this.#held.delete(writer);
    else this.#held.set(writer, { edit, receivedAt: now, ended: new Set(), bodies: new Map() });
  }

  /** A stroke has changed: it looks as it should without a preview.
   * @param {string} stroke */
  strokeChanged(stroke) {
    for (const { ended } of this.#held.values()) ended.add(stroke);
  }

  /** Ends those that are too old. Returns the time of the next end, or Infinity.
   * @param {number} now */
  expire(now) {
    let next = Infinity;
    for (const [writer, { receivedAt }] of this.#held) {
      if (now - receivedAt > EXPIRE_AFTER) this.#held.delete(writer);
      else next = Math.min(next, receivedAt + EXPIRE_AFTER);
    }
    return next;
  }

  /** The strokes that previews stand in for.
   * @returns {Set<string>} */
  hidden() {
    const hidden = new Set();
    for (const [writer, held] of this.#held) {
      for (const id of [...idsOf(held.edit), ...Object.keys(held.edit.set ?? {})]) if (this.#edited(writer, held, id)) hidden.add(id);
    }
    return hidden;
  }

  /** @returns {ShownPreview[]} */
  shown() {
    return [...this.#held].map(([writer, held]) => {
      const { edit, ended } = held;
      const edited = Object.entries(edit.set ?? {}).flatMap(([id, fields]) => {
        const stroke = this.#edited(writer, held, id);
        return stroke ? bodyOf(held, id, stroke.body, fields) ?? [] : [];
      });
      const drawn = Object.entries(edit.draw ?? {}).flatMap(([id, body]) => (this.#strokeOf(id) || ended.has(id) ? [] : bodyOf(held, id, null, body) ?? []));
      const moved = idsOf(edit).flatMap((id) => this.#edited(writer, held, id)?.body ?? []);
      const carried = isMatrix(edit.matrix) && moved.length > 0 ? { bodies: moved, matrix: edit.matrix } : null;
      return { writer, bodies: [...edited, ...drawn], carried, box: ended.size === 0 ? boxOf(edit) : null };
    });
  }

  /**
   * The stroke, unless its edit has ended. A preview may arrive later than the op that ends its edit.
   * @param {string} writer
   * @param {Held} held
   * @param {string} id
   */
  #edited(writer, { edit, ended }, id) {
    const stroke = ended.has(id) ? null : this.#strokeOf(id);
    return stroke && (stroke.last.writer !== writer || stroke.last.n < edit.n) ? stroke : null;
  }
}

/**
 * A stroke as it will be, the same object each time. Others may send anything.
 * @param {Held} held
 * @param {string} id
 * @param {Body | null} of as it is
 * @param {import("../model/types.js").Fields} fields
 */
function bodyOf({ bodies }, id, of, fields) {
  let known = bodies.get(id);
  if (!known || known.of !== of) {
    const body = withFields(/** @type {Body} */ (of ?? {}), fields);
    known = { of, body: isBody(body) ? body : null };
    bodies.set(id, known);
  }
  return known.body;
}

/** @param {Preview} edit
 * @returns {string[]} */
function idsOf({ ids }) {
  return Array.isArray(ids) ? ids : [];
}

/** @param {unknown} matrix
 * @returns {matrix is Matrix} */
function isMatrix(matrix) {
  return Array.isArray(matrix) && matrix.length === 6 && matrix.every(Number.isFinite);
}

/** @param {Preview} edit
 * @returns {Box | null} */
function boxOf({ box }) {
  if (!Array.isArray(box) || box.length !== 4 || !box.every(Number.isFinite)) return null;
  const [left, top, right, bottom] = box;
  return { left, top, right, bottom };
}
