// @ts-check
/**
 * Who is on a drawing, on its card in the list: some names, and the number of the others; the number alone
 * where the server knows no names.
 *
 * It must never change the size of the card: people come and go while somebody points at it.
 */

import { language, t } from "../strings/strings.js";
import { element } from "./dom.js";

/** Maximum of names, and how many of them are left where there are more people. */
const MAX_NAMES = 3;
const NAMES_OF_MORE = 2;
/** Characters of a name that is not cut off while there are longer ones. */
const SHORT = 6;
/** A text whose first letter is of a script that is read from right to left. */
const FROM_RIGHT = /^\P{L}*[\u0590-\u08ff]/u;

export class PeopleHere {
  /** For the eyes, on the card's picture. */
  sign = element("span", "here");
  /** The same for screen readers: what is on a link's picture is no part of its name. */
  words = element("span", "unseen");
  /** What is shown. */
  #shown = "";

  constructor() {
    this.sign.setAttribute("aria-hidden", "true");
  }

  /** @param {Pick<import("../model/types.js").DrawingInfo, "people" | "present">} drawing */
  show({ people, present }) {
    const shown = JSON.stringify([people, present]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const { sentence, parts } = present ? named(present) : counted(people);
    this.sign.hidden = this.words.hidden = people === 0 && !present;
    // Names are cut off where there is no room.
    this.sign.title = this.words.textContent = sentence;
    this.sign.replaceChildren(...parts);
  }
}

/** @param {number} count */
function counted(count) {
  const sentence = t("list.here", { count });
  return { sentence, parts: [part("span", "", sentence)] };
}

/** @param {{count: number, names: string[]}} present */
function named({ count, names }) {
  const shown = names.slice(0, count > MAX_NAMES ? NAMES_OF_MORE : MAX_NAMES);
  const more = count - shown.length;
  const format = new Intl.ListFormat(language());
  // Between the first two of three is what is between all but the last.
  const between = format.formatToParts([..."abc"])[1].value;
  const list = more > 0 ? `${shown.join(between)} ${t("people.more", { count: more })}` : format.format(shown);
  const parts = shown.flatMap((name, at) => [...(at > 0 ? [part("span", "between", between)] : []), part("bdi", [...name].length > SHORT ? "" : "short", name)]);
  if (more > 0) parts.push(part("span", "more", `+${more}`));
  return { sentence: t("list.hereNamed", { names: list }), parts };
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {string} text is shown by a style, and so is no text of the link
 */
function part(tag, className, text) {
  const made = element(tag, className);
  made.dataset.text = text;
  // The browser finds it out of text only; the end is cut off.
  if (tag === "bdi") made.dir = FROM_RIGHT.test(text) ? "rtl" : "ltr";
  return made;
}
