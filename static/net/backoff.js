// @ts-check
/**
 * The wait before the next attempt: exponential backoff with jitter.
 *
 * It must never start a timer.
 */

/** Milliseconds. When a server fails, its clients' first attempts are spread between LEAST and FIRST. */
const LEAST = 100;
const FIRST = 1_000;
const MOST = 10_000;

/**
 * @param {number} attempt consecutive failures, from 1
 * @param {() => number} [random]
 */
export function waitBefore(attempt, random = Math.random) {
  const longest = Math.min(MOST, FIRST * 2 ** (attempt - 1));
  return LEAST + random() * (longest - LEAST);
}
