// @ts-check
/**
 * Changes of the painting order: which strokes get which z, so that chosen ones come to the front or the
 * back, or one step nearer to it.
 *
 * It must never use the z of a stroke that is not confirmed: it is far above all others, for a while only.
 */

import { reordering } from "./edits.js";
import { Z_OF_PENDING } from "./replica.js";

/** @typedef {import("./types.js").Stroke} Stroke */
/** @typedef {import("./edits.js").Edit} Edit */
/** @typedef {"front"|"back"|"forward"|"backward"} Direction */
/** @typedef {{id: string, z: number}} Place */

/**
 * The edits that move chosen strokes in the painting order; they keep their order among themselves.
 * @param {readonly Stroke[]} ordered all strokes in painting order
 * @param {ReadonlySet<string>} chosen
 * @param {Direction} direction
 * @param {(n: number) => number} positionOf the position that an unanswered op will have, by its number
 * @param {number} next the number of the next op
 * @param {(a: Stroke, b: Stroke) => boolean} [overlap] a step passes the next stroke that this holds for
 * @returns {Edit[]}
 */
export function ordering(ordered, chosen, direction, positionOf, next, overlap = () => true) {
  const places = settled(ordered, positionOf);
  const mine = places.filter(({ id }) => chosen.has(id));
  const others = places.filter(({ id }) => !chosen.has(id));
  if (mine.length === 0 || others.length === 0) return [];
  if (direction === "front") {
    if (places.slice(-mine.length).every(({ id }) => chosen.has(id))) return [];
    const top = Math.max(positionOf(next) - 1, others[others.length - 1].z);
    return mine.flatMap(({ id, z }, i) => reordering(id, z, top + 1 + i));
  }
  if (direction === "back") {
    if (places.slice(0, mine.length).every(({ id }) => chosen.has(id))) return [];
    const bottom = others[0].z - mine.length;
    return mine.flatMap(({ id, z }, i) => reordering(id, z, bottom + i));
  }
  return stepped(ordered, places, chosen, direction === "forward" ? 1 : -1, overlap);
}

/**
 * The places of strokes in painting order, with those of unconfirmed strokes as they will be.
 * @param {readonly Stroke[]} ordered
 * @param {(n: number) => number} positionOf
 * @returns {Place[]}
 */
function settled(ordered, positionOf) {
  return ordered.map(({ id, z }) => ({ id, z: z < Z_OF_PENDING ? z : positionOf(z - Z_OF_PENDING) }));
}

/**
 * @param {readonly Stroke[]} ordered
 * @param {Place[]} places of them
 * @param {ReadonlySet<string>} chosen
 * @param {1 | -1} step
 * @param {(a: Stroke, b: Stroke) => boolean} overlap
 */
function stepped(ordered, places, chosen, step, overlap) {
  const isChosen = ordered.map(({ id }) => chosen.has(id));
  const mine = ordered.filter((_, i) => isChosen[i]);
  const outermost = step > 0 ? isChosen.lastIndexOf(true) : isChosen.indexOf(true);
  const beyond = (/** @type {boolean} */ touching) => {
    for (let i = outermost + step; i >= 0 && i < ordered.length; i += step) {
      if (!touching || mine.some((one) => overlap(one, ordered[i]))) return i;
    }
    return -1;
  };
  // Past the next stroke that it touches; if there is none, past the next one.
  const target = [beyond(true), beyond(false)].find((i) => i >= 0);
  const innermost = step > 0 ? isChosen.indexOf(true) : isChosen.lastIndexOf(true);
  if (target === undefined) return [];
  const [from, to] = [Math.min(innermost, target), Math.max(innermost, target)];
  const slice = places.slice(from, to + 1);
  const beyondSlice = places.slice(to + 1);
  const moved = slice.filter(({ id }) => chosen.has(id));
  const rest = slice.filter(({ id }) => !chosen.has(id));
  const after = step > 0 ? [...rest, ...moved] : [...moved, ...rest];
  return renumbered(places.slice(from), [...after, ...beyondSlice], places[from - 1]?.z ?? -Infinity);
}

/**
 * Gives places in a new order the numbers of the old one. Where those are equal, ids decide, so that later
 * ones are raised until they rise.
 * @param {Place[]} before
 * @param {Place[]} after
 * @param {number} last the number before the first place
 */
function renumbered(before, after, last) {
  return after.flatMap(({ id, z }, i) => {
    last = Math.max(before[i].z, last + 1);
    return reordering(id, z, last);
  });
}
