// @ts-check
/**
 * Texts by their names, in the language of the person.
 *
 * It must never fail for a missing translation: English stands in for it.
 */

import ENGLISH from "./en.js";

/** @typedef {keyof typeof ENGLISH} StringId */
/** @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Text */
/** @typedef {Record<string, string | number>} Params */

/** The languages that there is a module for, by their tags: `./<tag>.js` exports a table like the English one. */
export const LANGUAGES = ["en", "de", "fr", "es", "pt", "zh", "ar"];
export const FALLBACK = "en";

/** @type {Record<string, Text>} */
let texts = ENGLISH;
let plurals = new Intl.PluralRules(FALLBACK);
let tag = FALLBACK;

/** The tag of the language in use. */
export function language() {
  return tag;
}

/**
 * The first preferred language that there are texts for, also of another region.
 * @param {readonly string[]} preferred tags, the best one first
 */
export function chosenLanguage(preferred) {
  for (const wanted of preferred) {
    const parts = wanted.toLowerCase().split("-");
    for (let length = parts.length; length > 0; length -= 1) {
      const found = LANGUAGES.find((one) => one.toLowerCase() === parts.slice(0, length).join("-"));
      if (found) return found;
    }
  }
  return FALLBACK;
}

/**
 * Loads the texts of the best language, before anything is shown.
 * @param {readonly string[]} preferred
 */
export async function loadLanguage(preferred) {
  const chosen = chosenLanguage(preferred);
  try {
    texts = chosen === FALLBACK ? ENGLISH : { ...ENGLISH, ...(await import(`./${chosen}.js`)).default };
    plurals = new Intl.PluralRules(chosen);
    tag = chosen;
  } catch {
    // English stays: a page in another language is better than none.
  }
}

/**
 * @param {StringId} id
 * @param {Params} [params] `count` also chooses the plural form
 * @returns {string}
 */
export function t(id, params = {}) {
  return textIn(texts, id, params);
}

/**
 * A text of a table in the language in use, with its parameters.
 * @param {Record<string, Text>} table
 * @param {string} id
 * @param {Params} params
 * @returns {string}
 */
export function textIn(table, id, params) {
  const text = table[id];
  const form = typeof text === "string" ? text : text[plurals.select(Number(params.count))] ?? text.other ?? "";
  return form.replace(/\{(\w+)\}/g, (whole, name) => String(params[name] ?? whole));
}
