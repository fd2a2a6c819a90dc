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

class Returned {
  /** @param {Body} body */
  constructor(body) {
    return body;
  }
}

/**
 * What is remembered of a body, in a private field that is added to it: nobody else sees it, no copy has it, and
 * it is found twice as fast as in a weak map.
 */
class Memory extends Returned {
  /** @type {unknown[]} */
  #values = [];

  /** @param {Body} body */
  static of(body) {
    if (!(#values in body)) new Memory(body);
    return /** @type {Memory} */ (/** @type {unknown} */ (body)).#values;
  }
}

let count = 0;

/**
 * Remembers a value for as long as its body lives.
 * @template {{} | null} T
 * @param {(body: Body) => T} compute
 * @returns {(body: Body) => T}
 */
export function cached(compute) {
  const place = count++;
  return (body) => {
    const values = Memory.of(body);
    const value = /** @type {T | undefined} */ (values[place]);
    return value === undefined ? /** @type {T} */ (values[place] = compute(body)) : value;
  };
}
