// @ts-check
/**
 * The panel of people: the list of names with ways to go to someone and to follow them, one's own name and
 * colour, and the invitation to come here.
 *
 * It must never decide who is here: it shows the list it is given.
 */

import { t } from "../strings/strings.js";
import { COLOURS, cleanName } from "../presence/identity.js";
import { ColourChoice } from "./colour-choice.js";
import { byId, element, iconButton } from "./dom.js";
import { MAX_FACES, face, showFace } from "./face.js";
import { icon } from "./icons.js";
import { Popover } from "./popover.js";

/** @typedef {import("../model/types.js").Person} Person */
/** @typedef {{element: HTMLElement, face: HTMLElement, name: HTMLElement, jump: HTMLElement, follow: HTMLElement, person: Person}} Row */
/**
 * @typedef {object} PeopleActions
 * @property {(name: string) => void} renamed
 * @property {(colour: string) => void} recoloured
 * @property {(person: Person) => void} jump
 * @property {(person: Person) => void} follow follows, or stops if it is the one who is followed
 * @property {() => void} call
 */

/**
 * @typedef {object} People
 * @property {{name: string, colour: string}} me
 * @property {readonly Person[]} others those who are listed, one per person, without oneself
 * @property {number} count the number of all people, including oneself
 * @property {string | null} followed the writer who is followed
 * @property {boolean} canCall whether the person may ask others to come, which changes what they see
 */

export class PeoplePanel {
  /** @type {Map<string, Row>} by author; rows stay while people change, so that the focus does too */
  #rows = new Map();
  /** @type {((rows: readonly Row[]) => void) | null} */
  #extended = null;
  #people;
  #on;
  #colours;
  #popover;
  /** Where the focus was in the row of someone who has left, and may be back with the next socket.
   * @type {{author: string, part: "jump"|"follow"} | null} */
  #focusLost = null;

  /**
   * @param {People} people
   * @param {PeopleActions} on
   */
  constructor(people, on) {
    this.#people = people;
    this.#on = on;
    this.#popover = new Popover(byId("people"), byId("people-panel"));
    this.#colours = new ColourChoice(byId("my-colours"), COLOURS, on.recoloured);
    this.#listenToName();
    byId("call").prepend(icon("call"));
    byId("call").addEventListener("click", on.call);
    this.show(people);
  }

  /** Opens or closes the panel.
   * @param {boolean} byKey */
  toggle(byKey) {
    this.#popover.toggle(byKey);
  }

  /** Closes the panel, and returns whether it was open. */
  close() {
    return this.#popover.close();
  }

  /** Lets something add parts to the rows, whenever they are shown.
   * @param {((rows: readonly Row[]) => void) | null} extended */
  extend(extended) {
    this.#extended = extended;
    this.#showRows();
  }

  /** @param {People} people */
  show(people) {
    this.#people = people;
    const { me, others, count, canCall } = people;
    byId("my-face").replaceChildren(face(me));
    this.#colours.show(me.colour, new Map(others.map(({ colour, name }) => [colour, name])));
    this.#showRows();
    const unnamed = count - 1 - others.length;
    byId("number").textContent = t("people.count", { count });
    byId("number").hidden = count <= MAX_FACES;
    byId("unnamed").textContent = t("people.more", { count: unnamed });
    byId("unnamed").hidden = unnamed === 0;
    byId("nobody").hidden = count > 1;
    byId("call").hidden = count === 1 || !canCall;
  }

  #listenToName() {
    const input = /** @type {HTMLInputElement} */ (byId("my-name"));
    input.value = this.#people.me.name;
    input.addEventListener("change", () => {
      const name = cleanName(input.value);
      input.value = name || this.#people.me.name;
      if (name) this.#on.renamed(name);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") input.blur();
    });
  }

  #showRows() {
    const { others, followed } = this.#people;
    const authors = new Set(others.map(({ author }) => author));
    for (const [author, { element, jump }] of this.#rows) {
      if (authors.has(author)) continue;
      const { activeElement } = document;
      if (element.contains(activeElement)) this.#focusLost = { author, part: activeElement === jump ? "jump" : "follow" };
      element.remove();
      this.#rows.delete(author);
    }
    for (const person of others) {
      const row = this.#rows.get(person.author) ?? this.#createRow(person);
      row.person = person;
      showFace(row.face, person);
      row.name.textContent = person.name;
      row.follow.setAttribute("aria-pressed", String(person.writer === followed));
      label(row.jump, t("people.jump", { name: person.name }));
      label(row.follow, t("people.follow", { name: person.name }));
    }
    this.#extended?.([...this.#rows.values()]);
  }

  /** @param {Person} person */
  #createRow(person) {
    const name = element("span", "name");
    /** @type {Row} */
    const row = {
      element: element("li", ""),
      face: face(person),
      name,
      jump: iconButton("locate", "", () => this.#on.jump(row.person)),
      follow: iconButton("eye", "", () => this.#on.follow(row.person)),
      person,
    };
    row.element.append(row.face, name, row.jump, row.follow);
    this.#rows.set(person.author, row);
    byId("others").append(row.element);
    if (this.#focusLost?.author === person.author) {
      // Unless it has gone elsewhere meanwhile.
      if (document.activeElement === document.body) row[this.#focusLost.part].focus();
      this.#focusLost = null;
    }
    return row;
  }
}

/**
 * @param {HTMLElement} button
 * @param {string} text
 */
function label(button, text) {
  button.title = text;
  button.setAttribute("aria-label", text);
}
