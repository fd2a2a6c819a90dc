// @ts-check
/**
 * What the browser remembers from one page to the next, or a tab from one load to the next.
 *
 * It must never fail: where nothing may be stored, or nonsense is, it is made anew.
 */

/** @typedef {"localStorage" | "sessionStorage"} Where for good, or for this tab */

/**
 * @template T
 * @param {string} name
 * @param {() => T} make
 * @param {(value: T) => boolean} isValid
 * @param {Where} [where]
 * @returns {T}
 */
export function loadStored(name, make, isValid, where = "localStorage") {
  try {
    const value = JSON.parse(globalThis[where].getItem(name) ?? "null");
    if (value !== null && isValid(value)) return value;
  } catch {
    // Not JSON, or no storage: made anew below.
  }
  const made = make();
  saveStored(name, made, where);
  return made;
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {Where} [where]
 */
export function saveStored(name, value, where = "localStorage") {
  try {
    globalThis[where].setItem(name, JSON.stringify(value));
  } catch {
    // It is remembered as long as the page lives.
  }
}
