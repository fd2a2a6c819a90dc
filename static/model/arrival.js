// @ts-check
/**
 * The rule of ordered delivery, the same as in the server: whether an update is stale, the next one, or
 * comes after a gap.
 *
 * It must never keep state.
 */

/**
 * Classifies an update of the positions after `from` up to `to`.
 * @param {number} head the last position held
 * @param {number} from
 * @param {number} to
 * @returns {"stale"|"next"|"gap"} stale: drop it; next: apply what is new in it; gap: get the missing changes first
 */
export function arrival(head, from, to) {
  if (to <= head) return "stale";
  return from <= head ? "next" : "gap";
}
