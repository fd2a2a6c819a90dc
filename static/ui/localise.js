// @ts-check
/**
 * Fills the texts of a page in the person's language: `data-t` names an element's text, and
 * `data-t-<attribute>` that of an attribute. The HTML holds the English ones.
 *
 * It must never touch an element with children: its text would replace them.
 */

import { language, t } from "../strings/strings.js";

const ATTRIBUTES = ["title", "aria-label", "placeholder"];
const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];

/** @param {(id: any) => string} [textOf] */
export function localisePage(textOf = t) {
  const root = document.documentElement;
  root.lang = language();
  root.dir = RIGHT_TO_LEFT.includes(language().split("-")[0]) ? "rtl" : "ltr";
  for (const each of document.querySelectorAll("[data-t]")) each.textContent = textOf(each.getAttribute("data-t"));
  for (const attribute of ATTRIBUTES) {
    const name = `data-t-${attribute}`;
    for (const each of document.querySelectorAll(`[${name}]`)) each.setAttribute(attribute, textOf(each.getAttribute(name)));
  }
}
