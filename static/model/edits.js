// @ts-check
/**
 * Edits: what one act does to one stroke, with what its undo needs. Many edits make one step of the history.
 *
 * It must never apply one: the history sends the ops.
 */

/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").Fields} Fields */
/** @typedef {import("./types.js").Stroke} Stroke */
/**
 * An edit of one stroke. Drawn and erased strokes include the body, since a tombstone has none; an edit
 * includes the changed fields before and after, where null means that there is no such field.
 * @typedef {{op: "draw", stroke: string, body: Body}
 *   | {op: "erase", stroke: string, body: Body}
 *   | {op: "edit", stroke: string, before: Fields, after: Fields, z?: {before: number, after: number}}} Edit `z`: the painting order
 */

/**
 * @param {string} stroke a new id
 * @param {Body} body
 * @returns {Edit}
 */
export function drawing(stroke, body) {
  return { op: "draw", stroke, body };
}

/** @param {Stroke} stroke
 * @returns {Edit} */
export function erasing({ id, body }) {
  return { op: "erase", stroke: id, body };
}

/**
 * Sets fields of a stroke; null removes one.
 * @param {Stroke} stroke
 * @param {Fields} fields
 * @returns {Edit[]} none if nothing changes
 */
export function editing({ id, body }, fields) {
  /** @type {Record<string, unknown>} */
  const old = body;
  const changed = Object.entries(fields).filter(([field, value]) => value !== undefined && !same(value, old[field]));
  if (changed.length === 0) return [];
  const before = Object.fromEntries(changed.map(([field]) => [field, old[field] ?? null]));
  return [{ op: "edit", stroke: id, before, after: Object.fromEntries(changed) }];
}

/**
 * Moves a stroke to another place in the painting order.
 * @param {string} stroke
 * @param {number} before
 * @param {number} after
 * @returns {Edit[]} none if nothing changes
 */
export function reordering(stroke, before, after) {
  return before === after ? [] : [{ op: "edit", stroke, before: {}, after: {}, z: { before, after } }];
}

/**
 * A body after an edit of some fields.
 * @param {Body} body
 * @param {Fields} fields null removes one
 */
export function withFields(body, fields) {
  const changed = { ...body, ...fields };
  return /** @type {Body} */ (Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== null)));
}

/**
 * @param {unknown} a
 * @param {unknown} b
 */
function same(a, b) {
  return (a ?? null) === (b ?? null) || JSON.stringify(a) === JSON.stringify(b);
}
