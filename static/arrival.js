// @ts-check
/**
 * How something numbered stands to what is already held: the whole of reliable delivery,
 * the same rule as in the server.
 *
 * It must never keep state.
 */

/**
 * Judges what covers the positions after `from` up to `to`, against the last position held.
 * @param {number} held
 * @param {number} from
 * @param {number} to
 * @returns {"stale"|"next"|"gap"} stale: drop it; next: take what is new of it; gap: get what is missing first
 */
export function arrival(held, from, to) {
  if (to <= held) return "stale";
  return from <= held ? "next" : "gap";
}
