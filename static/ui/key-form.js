// @ts-check
/**
 * The form that makes a link: what it lets its holder do, for whom it is, and until when.
 *
 * It must never make a link that has expired already.
 */

import { t } from "../strings/later.js";
import { element } from "./dom.js";
import { LEVELS } from "./key-row.js";

/** @typedef {import("../strings/later.js").LaterId} LaterId */
/** @typedef {import("../model/types.js").Level} Level */

/** Maximum of characters of a name, which is the server's. */
const MAX_NAME = 60;
const DAY = 86_400_000;
/** Days until it expires; none is never.
 * @type {[string, LaterId, number | null][]} */
const TERMS = [["never", "keys.never", null], ["1", "keys.day", 1], ["7", "keys.week", 7], ["30", "keys.month", 30]];
const DATE = "date";

export class KeyForm {
  /** @type {Level} */
  #level = "draw";
  #about = element("p", "about");
  #name = document.createElement("input");
  #term = document.createElement("select");
  #date = document.createElement("input");
  #first;

  /** @param {(key: {access: Level, name: string, expires?: string}) => void} create */
  constructor(create) {
    const levels = element("fieldset", "segments", element("legend", "unseen", t("keys.level")));
    const inputs = /** @type {Level[]} */ (["view", "draw", "own"]).map((level) => this.#choice(levels, level));
    this.#first = inputs[1];
    this.#first.autofocus = true;
    Object.assign(this.#name, { maxLength: MAX_NAME, autocomplete: "off", placeholder: t("keys.nameExample") });
    for (const [value, label] of TERMS) this.#term.append(new Option(t(label), value));
    this.#term.append(new Option(t("keys.date"), DATE));
    Object.assign(this.#date, { type: "date", hidden: true, min: dayOf(new Date(Date.now() + DAY)) });
    this.#date.setAttribute("aria-label", t("keys.dateLabel"));
    this.#term.addEventListener("change", () => {
      this.#date.hidden = this.#term.value !== DATE;
      // A hidden field that must be filled could not be complained about.
      this.#date.required = !this.#date.hidden;
      if (!this.#date.hidden) this.#date.focus();
    });
    const made = element("button", "primary", t("keys.create"));
    const form = /** @type {HTMLFormElement} */ (element(
      "form",
      "key-form",
      levels,
      this.#about,
      element("label", "field", element("span", "", t("keys.name")), this.#name),
      element("div", "field", element("label", "", element("span", "", t("keys.expires")), this.#term), this.#date),
      made,
    ));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const expires = this.#expires;
      create({ access: this.#level, name: this.#name.value.trim(), ...(expires ? { expires } : {}) });
      this.#name.value = "";
    });
    this.element = form;
    this.#show();
  }

  focus() {
    this.#first.focus();
  }

  /**
   * @param {HTMLElement} set
   * @param {Level} level
   */
  #choice(set, level) {
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name: "key-level", value: level, checked: level === this.#level });
    input.addEventListener("change", () => {
      this.#level = level;
      this.#show();
    });
    set.append(element("label", "", input, element("span", "", t(LEVELS[level].name))));
    return input;
  }

  #show() {
    this.#about.textContent = t(LEVELS[this.#level].about);
  }

  get #expires() {
    if (this.#term.value === DATE) {
      // The end of that day, here.
      const day = new Date(`${this.#date.value}T23:59:59`);
      return Number.isNaN(day.getTime()) ? undefined : day.toISOString();
    }
    const days = TERMS.find(([value]) => value === this.#term.value)?.[2];
    return days ? new Date(Date.now() + days * DAY).toISOString() : undefined;
  }
}

/** A day here, as a field of dates has it.
 * @param {Date} date */
function dayOf(date) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
