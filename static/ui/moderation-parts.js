// @ts-check
/**
 * The parts of the panel of people that only owners have: the switch that lets only owners draw, what can be
 * done with each person, and those who have left.
 *
 * It must never show something as done before the server said so.
 */

import { t } from "../strings/later.js";
import { byId, element, iconButton } from "./dom.js";
import { face } from "./face.js";
import { textButton } from "./sheet.js";
import { stylesheet } from "./stylesheet.js";

/** @typedef {import("../model/types.js").Person} Person */
/** @typedef {import("./people-panel.js").Row} Row */
/** @typedef {{about: HTMLElement, more: HTMLButtonElement, acts: HTMLElement, mute: HTMLButtonElement, person: Person, muted: boolean}} Part */

await stylesheet("moderation.css");

export class ModerationParts {
  /** @type {WeakMap<HTMLElement, Part>} by row */
  #parts = new WeakMap();
  /** @type {Map<string, HTMLElement>} rows of those who have left, by author */
  #goneRows = new Map();
  #switch = /** @type {HTMLButtonElement} */ (element("button", "lock-switch"));
  #gone = element("section", "gone");
  #goneList = element("ul", "gone-list");
  #on;

  /**
   * @param {object} on
   * @param {(locked: boolean) => Promise<unknown>} on.lock
   * @param {(person: Person, muted: boolean) => Promise<unknown>} on.mute
   * @param {(person: Person) => Promise<unknown>} on.erase
   */
  constructor(on) {
    this.#on = on;
    this.#switch.type = "button";
    this.#switch.setAttribute("role", "switch");
    this.#switch.append(element("span", "", t("moderation.lock")), element("i", "knob"));
    this.#switch.addEventListener("click", () => busy(this.#switch, on.lock(this.#switch.getAttribute("aria-checked") !== "true")));
    const title = element("h2", "", t("moderation.gone"));
    title.id = "gone-title";
    this.#goneList.setAttribute("aria-labelledby", title.id);
    this.#gone.append(title, this.#goneList);
  }

  /**
   * @param {object} shown
   * @param {readonly Row[]} shown.rows of those who are here
   * @param {readonly Person[]} shown.gone
   * @param {ReadonlySet<string>} shown.muted authors
   * @param {boolean} shown.locked
   * @param {(person: Person) => string | null} shown.keyName
   */
  show({ rows, gone, muted, locked, keyName }) {
    if (!this.#switch.isConnected) {
      byId("call").before(this.#gone);
      byId("call").after(this.#switch);
    }
    this.#switch.setAttribute("aria-checked", String(locked));
    for (const { element: row, name, person } of rows) this.#showPart(row, name, person, muted, keyName(person));
    const authors = new Set(gone.map(({ author }) => author));
    for (const [author, row] of this.#goneRows) {
      if (authors.has(author)) continue;
      row.remove();
      this.#goneRows.delete(author);
    }
    for (const person of gone) this.#showPart(...this.#goneRow(person), person, muted, null);
    this.#gone.hidden = gone.length === 0;
  }

  /** Removes everything, when the person is no owner any more. */
  remove() {
    this.#switch.remove();
    this.#gone.remove();
    for (const each of document.querySelectorAll("#people-panel .moderation")) each.remove();
    this.#parts = new WeakMap();
    this.#goneRows.clear();
    this.#goneList.replaceChildren();
  }

  /**
   * @param {Person} person
   * @returns {[HTMLElement, HTMLElement]} the row and its name
   */
  #goneRow(person) {
    const known = this.#goneRows.get(person.author);
    if (known) return [known, /** @type {HTMLElement} */ (known.querySelector(".name"))];
    const name = element("span", "name", person.name);
    const row = element("li", "", face(person), name);
    this.#goneRows.set(person.author, row);
    this.#goneList.append(row);
    return [row, name];
  }

  /**
   * @param {HTMLElement} row
   * @param {HTMLElement} name
   * @param {Person} person
   * @param {ReadonlySet<string>} muted
   * @param {string | null} key
   */
  #showPart(row, name, person, muted, key) {
    const part = this.#parts.get(row) ?? this.#createPart(row, person);
    part.person = person;
    part.muted = muted.has(person.author);
    // The row sets the text of its name, which removes this.
    const about = [key, part.muted ? t("moderation.muted") : null].filter(Boolean).join(" · ");
    part.about.textContent = about;
    part.about.hidden = about === "";
    name.append(part.about);
    label(part.more, t("moderation.more", { name: person.name }));
    part.mute.textContent = t(part.muted ? "moderation.unmute" : "moderation.mute");
  }

  /**
   * @param {HTMLElement} row
   * @param {Person} person
   */
  #createPart(row, person) {
    const more = iconButton("more", "", () => {
      const open = acts.hidden;
      acts.hidden = !open;
      more.setAttribute("aria-expanded", String(open));
    });
    more.classList.add("moderation");
    more.setAttribute("aria-expanded", "false");
    const mute = textButton("quiet", "", () => busy(mute, this.#on.mute(part.person, !part.muted)));
    const erase = textButton("quiet", t("moderation.eraseStrokes"), () => busy(erase, this.#on.erase(part.person)));
    const acts = element("div", "moderation acts", mute, erase);
    acts.setAttribute("role", "group");
    acts.hidden = true;
    /** @type {Part} */
    const part = { about: element("small", "moderation about"), more, acts, mute, person, muted: false };
    row.append(more, acts);
    this.#parts.set(row, part);
    return part;
  }
}

/**
 * Shows that a button's act is under way, during which it does nothing.
 * @param {HTMLButtonElement} button
 * @param {Promise<unknown>} act
 */
async function busy(button, act) {
  button.setAttribute("aria-busy", "true");
  await act;
  button.removeAttribute("aria-busy");
}

/**
 * @param {HTMLElement} button
 * @param {string} text
 */
function label(button, text) {
  button.title = text;
  button.setAttribute("aria-label", text);
}
