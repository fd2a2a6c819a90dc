// @ts-check
/**
 * Loads the styles of something that opens later.
 *
 * It must never keep that from opening: without its styles it still works.
 */

/** @type {Map<string, Promise<void>>} */
const loading = new Map();

/**
 * @param {string} name of a file in the folder of styles
 * @returns {Promise<void>} once it applies, or cannot be loaded
 */
export function stylesheet(name) {
  const known = loading.get(name);
  if (known) return known;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(`../css/${name}`, import.meta.url).href;
  /** @type {Promise<void>} */
  const loaded = new Promise((resolve) => {
    for (const type of ["load", "error"]) link.addEventListener(type, () => resolve());
  });
  loading.set(name, loaded);
  document.head.append(link);
  return loaded;
}
