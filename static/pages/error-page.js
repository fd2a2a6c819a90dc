// @ts-check
/**
 * The page about a wrong address or a server that does not answer: says it in the person's language.
 *
 * It must never be needed: the page says the same in English without it.
 */

import { loadChosenLanguage } from "../ui/chosen-language.js";
import { localisePage } from "../ui/localise.js";

await loadChosenLanguage();
// Only now: they are in the language that is chosen by then.
const { t } = await import("../strings/later.js");
localisePage(t);
