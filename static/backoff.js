// @ts-check
/**
 * How long to wait before the next attempt: longer each time, and never the same for all.
 *
 * It must never wait itself.
 */

/** Milliseconds. The first attempts of all pages of a server that died are spread up to FIRST. */
const LEAST = 100;
const FIRST = 1_000;
const MOST = 10_000;

/**
 * @param {number} attempt how many have failed in a row, from 1
 * @param {() => number} [random]
 */
export function waitBefore(attempt, random = Math.random) {
  const longest = Math.min(MOST, FIRST * 2 ** (attempt - 1));
  return LEAST + random() * (longest - LEAST);
}
