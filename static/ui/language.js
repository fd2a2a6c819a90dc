// @ts-check
/**
 * The choice of the language: the browser's, or another one that a person has chosen.
 *
 * It must never name a language in another one: whoever looks for theirs may not read the current one.
 */

import { loadStored, saveStored } from "../net/local-storage.js";
import { LANGUAGES, language, loadLanguage, t } from "../strings/strings.js";
import { element } from "./dom.js";
import { icon } from "./icons.js";
import { openSheet } from "./sheet.js";

/** The names of the languages in themselves.
 * @type {Record<string, string>} */
const NAMES = { en: "English", de: "Deutsch", fr: "Français", es: "Español", pt: "Português", zh: "中文", ar: "العربية" };

/** Loads the texts of the language that was chosen, or that the browser prefers. */
export function loadChosenLanguage() {
  const chosen = loadStored("language", () => "", (tag) => LANGUAGES.includes(tag) || tag === "");
  return loadLanguage(chosen ? [chosen, ...navigator.languages] : navigator.languages);
}

/** Opens the sheet of languages. A choice loads the page again. */
export function openLanguageSheet() {
  const list = element("div", "language-list", ...LANGUAGES.map((tag) => {
    const made = /** @type {HTMLButtonElement} */ (element("button", "", NAMES[tag]));
    made.type = "button";
    made.lang = tag;
    made.dir = "auto";
    if (tag === language()) {
      made.setAttribute("aria-current", "true");
      made.autofocus = true;
      made.append(icon("check"));
    }
    made.addEventListener("click", () => {
      dialog.close();
      if (tag === language()) return;
      saveStored("language", tag);
      location.reload();
    });
    return made;
  }));
  const dialog = openSheet("language-sheet", t("language.title"), list);
}
