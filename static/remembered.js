// @ts-check
/**
 * What the browser remembers from one page to the next.
 *
 * It must never fail: where nothing may be stored, or nonsense is, it is made anew.
 */

/**
 * @template T
 * @param {string} name
 * @param {() => T} make
 * @param {(value: T) => boolean} isGood
 * @returns {T}
 */
export function kept(name, make, isGood) {
  try {
    const value = JSON.parse(localStorage.getItem(name) ?? "null");
    if (value !== null && isGood(value)) return value;
  } catch {
    // Not JSON, or no storage: made anew below.
  }
  const made = make();
  remember(name, made);
  return made;
}

/**
 * @param {string} name
 * @param {unknown} value
 */
export function remember(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // It is remembered as long as the page lives.
  }
}
