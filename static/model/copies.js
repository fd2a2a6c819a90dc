// @ts-check
/**
 * Copies of strokes with new ids: what belongs together in the originals belongs together in the copies.
 *
 * It must never keep an id of an original: a copy must not change with it.
 */

import { drawing, withFields } from "./edits.js";
import { randomId } from "./ids.js";

/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").Fields} Fields */
/** @typedef {import("./edits.js").Edit} Edit */
/** @typedef {{id: string, body: Body}} Copied */

/**
 * @param {readonly Copied[]} strokes
 * @param {() => string} [newId]
 * @returns {Copied[]} in the same order
 */
export function copiesOf(strokes, newId = randomId) {
  const ids = new Map(strokes.map(({ id }) => [id, newId()]));
  /** @type {Map<string, string>} */
  const groups = new Map();
  const groupOf = (/** @type {string} */ group) => {
    const renewed = groups.get(group) ?? newId();
    groups.set(group, renewed);
    return renewed;
  };
  return strokes.map(({ id, body }) => {
    const copy = { ...body };
    if (body.group !== undefined) copy.group = groupOf(body.group);
    for (const end of /** @type {const} */ (["start", "end"])) {
      const bound = body[end];
      if (!bound) continue;
      // Something that is not copied too cannot hold an end of the copy.
      const stroke = ids.get(bound.stroke);
      if (stroke) copy[end] = { ...bound, stroke };
      else delete copy[end];
    }
    return { id: ids.get(id) ?? newId(), body: copy };
  });
}

/**
 * The edits that draw copies, which are not locked.
 * @param {readonly Copied[]} strokes
 * @param {(body: Body) => Fields} placed what else differs in the copy of a body
 * @returns {{edits: Edit[], ids: string[]}}
 */
export function copies(strokes, placed) {
  const copied = copiesOf(strokes);
  const edits = copied.map(({ id, body }) => drawing(id, withFields(body, { ...placed(body), locked: null })));
  return { edits, ids: copied.map(({ id }) => id) };
}
