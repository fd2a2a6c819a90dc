// @ts-check
/**
 * Memories of what was computed of bodies: small values for as long as the body lives, large ones only of
 * bodies used recently, because large drawings would fill the browser's memory.
 *
 * It must never hold more large values than twice their limit.
 */

/** @typedef {import("../model/types.js").Body} Body */

/**
 * Remembers values of bodies, by their identity.
 * @template T
 * @param {number} limit
 * @returns {(body: Body, make: () => T) => T}
 */
export function recently(limit) {
  /** @type {Map<Body, T>} */
  let young = new Map();
  /** @type {Map<Body, T>} used before the young ones */
  let old = new Map();
  return (body, make) => {
    let value = young.get(body);
    if (value !== undefined) return value;
    value = old.get(body) ?? make();
    if (young.size >= limit) [old, young] = [young, new Map()];
    young.set(body, value);
    return value;
  };
}

/** @type {WeakMap<Body, unknown[]>} all that is remembered of a body: one entry, because weak ones are dear */
const memories = new WeakMap();
let kept = 0;

/**
 * Remembers a value for as long as its body lives.
 * @template {{} | null} T
 * @param {(body: Body) => T} compute
 * @returns {(body: Body) => T}
 */
export function cached(compute) {
  const place = kept++;
  return (body) => {
    let values = memories.get(body);
    if (!values) memories.set(body, (values = []));
    const value = /** @type {T | undefined} */ (values[place]);
    return value === undefined ? /** @type {T} */ (values[place] = compute(body)) : value;
  };
}
