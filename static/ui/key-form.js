// @ts-check
/**
 * The form that makes a link: what it lets its holder do, for whom it is, and until when.
 *
 * It must never make a link that has expired already.
 */

import { t } from "../strings/later.js";
import { element } from "./dom.js";
import { ExpiryField } from "./expiry-field.js";
import { LEVELS } from "./key-row.js";

/** @typedef {import("../model/types.js").Level} Level */

/** Maximum of characters of a name, which is the server's. */
const MAX_NAME = 60;

export class KeyForm {
  /** @type {Level} */
  #level = "draw";
  #about = element("p", "about");
  #name = nameField("");
  #expiry = new ExpiryField();
  #first;

  /** @param {(key: {access: Level, name: string, expires?: string}) => void} create */
  constructor(create) {
    const levels = element("fieldset", "segments", element("legend", "unseen", t("keys.level")));
    const inputs = /** @type {Level[]} */ (["view", "draw", "own"]).map((level) => this.#choice(levels, level));
    this.#first = inputs[1];
    this.#first.autofocus = true;
    const made = element("button", "primary", t("keys.create"));
    const form = /** @type {HTMLFormElement} */ (element(
      "form",
      "key-form",
      levels,
      this.#about,
      this.#name.label,
      this.#expiry.element,
      made,
    ));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const expires = this.#expiry.value;
      create({ access: this.#level, name: this.#name.input.value.trim(), ...(expires ? { expires } : {}) });
      this.#name.input.value = "";
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
}

/** For whom a link is.
 * @param {string} value */
export function nameField(value) {
  const input = document.createElement("input");
  Object.assign(input, { value, maxLength: MAX_NAME, autocomplete: "off", placeholder: t("keys.nameExample") });
  return { label: element("label", "field", element("span", "", t("keys.name")), input), input };
}
