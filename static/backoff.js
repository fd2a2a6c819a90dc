// @ts-check
/**
 * How long to wait before the next attempt: longer each time, and never the same for all.
 *
 * It must never wait itself.
 */

/** Milliseconds. */
const LEAST = 300;
const MOST = 10_000;

/**
 * @param {number} attempt how many have failed in a row, from 1
 * @param {() => number} [random]
 */
export function waitBefore(attempt, random = Math.random) {
  const whole = Math.min(MOST, LEAST * 2 ** (attempt - 1));
  return Math.max(LEAST, whole * (0.5 + random() / 2));
}
