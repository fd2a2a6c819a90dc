// @ts-check
/**
 * The sheet in which a person chooses the language.
 *
 * It must never name a language in another one: whoever looks for theirs may not read the current one.
 */

import { saveStored } from "../net/local-storage.js";
import { LANGUAGES, language, t } from "../strings/strings.js";
import { element } from "./dom.js";
import { icon } from "./icons.js";
import { openSheet } from "./sheet.js";
import { stylesheet } from "./stylesheet.js";

/** The names of the languages in themselves.
 * @type {Record<string, string>} */
const NAMES = { en: "English", de: "Deutsch", fr: "Français", es: "Español", pt: "Português", zh: "中文", ar: "العربية" };

/** Opens the sheet of languages. A choice loads the page again. */
export async function openLanguageSheet() {
  await stylesheet("language.css");
  const list = element("div", "language-list", ...LANGUAGES.map((tag) => {
    const made = /** @type {HTMLButtonElement} */ (element("button", "", element("bdi", "", NAMES[tag])));
    made.type = "button";
    made.lang = tag;
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
