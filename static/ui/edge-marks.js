// @ts-check
/**
 * Marks at the edge of the canvas that point to people out of sight, and go there when pressed.
 *
 * It must never show more than some: a crowd has no marks beyond them.
 */

import { t } from "../strings/strings.js";
import { button, byId, element } from "./dom.js";
import { initials } from "./face.js";

/** @typedef {import("../model/types.js").Person} Person */
/** @typedef {{person: Person, x: number, y: number, angle: number}} Mark */

/** Maximum of marks. */
const MAX_MARKS = 8;

export class EdgeMarks {
  /** @type {Map<string, {button: HTMLElement, letters: HTMLElement, person: Person}>} by writer */
  #shown = new Map();
  #jump;

  /** @param {(person: Person) => void} jump */
  constructor(jump) {
    this.#jump = jump;
  }

  /** @param {Mark[]} marks */
  show(marks) {
    const some = marks.slice(0, MAX_MARKS);
    const writers = new Set(some.map(({ person }) => person.writer));
    for (const [writer, { button }] of this.#shown) {
      if (writers.has(writer)) continue;
      button.remove();
      this.#shown.delete(writer);
    }
    for (const { person, x, y, angle } of some) {
      const mark = this.#shown.get(person.writer) ?? this.#create(person);
      mark.person = person;
      const { style } = mark.button;
      style.setProperty("--face", person.colour);
      style.setProperty("--x", `${x}px`);
      style.setProperty("--y", `${y}px`);
      style.setProperty("--angle", `${angle}rad`);
      const label = t("people.jump", { name: person.name });
      if (mark.button.title === label) continue;
      mark.button.title = label;
      mark.button.setAttribute("aria-label", label);
      mark.letters.dataset.initials = initials(person.name);
    }
  }

  /** @param {Person} person */
  #create(person) {
    const letters = element("span", "letters");
    const made = { button: button("edge-mark", "", () => this.#jump(made.person), element("span", "beak"), letters), letters, person };
    this.#shown.set(person.writer, made);
    byId("edge-marks").append(made.button);
    return made;
  }
}
