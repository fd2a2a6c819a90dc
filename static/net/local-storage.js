// @ts-check
/**
 * JSON values in the browser's localStorage or a tab's sessionStorage.
 *
 * It must never throw: a missing or invalid value is replaced, and a failed write ignored.
 */

/** @typedef {"localStorage" | "sessionStorage"} Where for the browser, or for this tab */

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
    // Not JSON, or no storage.
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
    // Without storage the caller's value lasts as long as the page.
  }
}
