// @ts-check
/**
 * The texts of what opens later, which are loaded with the first module that shows one of them.
 *
 * It must never be imported by a module of a page's first load: the texts would come with it.
 */

import ENGLISH from "./later/en.js";
import { FALLBACK, language, t as first, textIn } from "./strings.js";

export { language };

/** @typedef {keyof typeof ENGLISH} LaterId */
/** @typedef {import("./strings.js").StringId} StringId */
/** @typedef {import("./strings.js").Params} Params */

/** @type {Record<string, import("./strings.js").Text>} */
const texts = { ...ENGLISH, ...(await translated(language())) };

/** @param {string} tag */
async function translated(tag) {
  try {
    return tag === FALLBACK ? {} : (await import(`./later/${tag}.js`)).default;
  } catch {
    // A sheet in English is better than none.
    return {};
  }
}

/**
 * @param {LaterId | StringId} id
 * @param {Params} [params] `count` also chooses the plural form
 * @returns {string}
 */
export function t(id, params = {}) {
  return id in texts ? textIn(texts, id, params) : first(/** @type {StringId} */ (id), params);
}
