// @ts-check
/**
 * The language of the page: the browser's, or another one that a person has chosen.
 *
 * It must never be the chosen one alone: what it lacks is said in another one of the browser's.
 */

import { loadStored } from "../net/local-storage.js";
import { LANGUAGES, loadLanguage } from "../strings/strings.js";

/** Loads the texts of the language that was chosen, or that the browser prefers. */
export function loadChosenLanguage() {
  const chosen = loadStored("language", () => "", (tag) => LANGUAGES.includes(tag) || tag === "");
  return loadLanguage(chosen ? [chosen, ...navigator.languages] : navigator.languages);
}
