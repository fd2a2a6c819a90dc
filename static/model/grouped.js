// @ts-check
/**
 * Grouping by a key: `Map.groupBy`, which browsers of 2023 lack.
 *
 * It must never change the order within a group.
 */

/**
 * @template T, K
 * @param {readonly T[]} all
 * @param {(one: T) => K} keyOf
 * @returns {Map<K, T[]>}
 */
export function grouped(all, keyOf) {
  /** @type {Map<K, T[]>} */
  const groups = new Map();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return groups;
}
