// @ts-check
/**
 * Copies of strokes: new ids, groups of their own, and bindings among the copies only.
 *
 * It must never refer to a stroke that is not copied with it.
 */

import { drawing, withFields } from "./edits.js";
import { randomId } from "./ids.js";

/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").Fields} Fields */
/** @typedef {import("./edits.js").Edit} Edit */

/**
 * @param {readonly {id: string, body: Body}[]} strokes
 * @param {(body: Body) => Fields} placed what else differs in the copy of a body
 * @returns {{edits: Edit[], ids: string[]}}
 */
export function copies(strokes, placed) {
  const ids = new Map(strokes.map(({ id }) => [id, randomId()]));
  /** @type {Map<string, string>} */
  const groups = new Map();
  const edits = strokes.map(({ id, body }) => {
    /** @type {Fields} */
    const fields = { ...placed(body), locked: null };
    if (body.group !== undefined) {
      const group = groups.get(body.group) ?? randomId();
      groups.set(body.group, group);
      fields.group = group;
    }
    for (const end of /** @type {const} */ (["start", "end"])) {
      const binding = body[end];
      if (!binding) continue;
      const copied = ids.get(binding.stroke);
      fields[end] = copied ? { ...binding, stroke: copied } : null;
    }
    return drawing(ids.get(id) ?? randomId(), withFields(body, fields));
  });
  return { edits, ids: [...ids.values()] };
}
