// @ts-check
/**
 * The panel of people: faces with initials, the list of names with ways to go to someone and to follow
 * them, one's own name and colour, and the invitation to come here.
 *
 * It must never decide who is here: it shows the list it is given.
 */

import { t } from "../strings/strings.js";
import { COLOURS, cleanName } from "../presence/identity.js";
import { ColourChoice } from "./colour-choice.js";
import { byId, element, iconButton } from "./dom.js";
import { face, showFace } from "./face.js";
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

/** Maximum of faces shown; the rest is a number. */
const MAX_FACES = 4;

export class PeoplePanel {
  /** @type {Person[]} one per person, without oneself; those who are listed */
  #others = [];
  /** @type {Map<string, Row>} by author; rows stay while people change, so that the focus does too */
  #rows = new Map();
  /** The number of people, including oneself. */
  #count = 1;
  /** @type {string | null} the writer who is followed */
  #followed = null;
  /** @type {((rows: readonly Row[]) => void) | null} */
  #extended = null;
  #canCall = true;
  #me;
  #on;
  #colours;
  #popover;
  /** Where the focus was in the row of someone who has left, and may be back with the next socket.
   * @type {{author: string, part: "jump"|"follow"} | null} */
  #focusLost = null;

  /**
   * @param {{name: string, colour: string}} me
   * @param {PeopleActions} on
   */
  constructor(me, on) {
    this.#me = me;
    this.#on = on;
    this.#popover = new Popover(byId("people"), byId("people-panel"));
    this.#colours = new ColourChoice(byId("my-colours"), COLOURS, on.recoloured);
    this.#listenToName();
    byId("call").prepend(icon("call"));
    byId("call").addEventListener("click", on.call);
    this.#show();
  }

  /** Shows another name or colour for oneself.
   * @param {{name: string, colour: string}} me */
  setMe(me) {
    this.#me = me;
    this.#show();
  }

  /**
   * @param {Person[]} listed one per tab
   * @param {number} count the number of all people
   * @param {string} author one's own public id
   */
  set(listed, count, author) {
    const one = new Map(listed.filter((person) => person.author !== author).map((person) => [person.author, person]));
    this.#others = [...one.values()];
    this.#count = Math.max(count, this.#others.length + 1);
    this.#show();
  }

  /** Shows who is followed.
   * @param {string | null} writer */
  setFollowed(writer) {
    this.#followed = writer;
    this.#showRows();
  }

  /** Lets something add parts to the rows, whenever they are shown.
   * @param {((rows: readonly Row[]) => void) | null} extended */
  extend(extended) {
    this.#extended = extended;
    this.#showRows();
  }

  /** Whether the person may ask others to come, which changes what they see.
   * @param {boolean} canCall */
  set canCall(canCall) {
    this.#canCall = canCall;
    this.#show();
  }

  /** Closes the panel, and returns whether it was open. */
  close() {
    return this.#popover.close();
  }

  #listenToName() {
    const input = /** @type {HTMLInputElement} */ (byId("my-name"));
    input.value = this.#me.name;
    input.addEventListener("change", () => {
      const name = cleanName(input.value);
      input.value = name || this.#me.name;
      if (name) this.#on.renamed(name);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") input.blur();
    });
  }

  #show() {
    const shown = [this.#me, ...this.#others].slice(0, MAX_FACES).map(face);
    if (this.#count > shown.length) shown.push(element("span", "face more", `+${this.#count - shown.length}`));
    byId("people").replaceChildren(...shown);
    byId("people").setAttribute("aria-label", t("people.button", { count: this.#count }));
    byId("my-face").replaceChildren(face(this.#me));
    this.#colours.show(this.#me.colour, new Map(this.#others.map(({ colour, name }) => [colour, name])));
    this.#showRows();
    const unnamed = this.#count - 1 - this.#others.length;
    byId("number").textContent = t("people.count", { count: this.#count });
    byId("number").hidden = this.#count <= MAX_FACES;
    byId("unnamed").textContent = t("people.more", { count: unnamed });
    byId("unnamed").hidden = unnamed === 0;
    byId("nobody").hidden = this.#count > 1;
    byId("call").hidden = this.#count === 1 || !this.#canCall;
  }

  #showRows() {
    const authors = new Set(this.#others.map(({ author }) => author));
    for (const [author, { element, jump }] of this.#rows) {
      if (authors.has(author)) continue;
      const { activeElement } = document;
      if (element.contains(activeElement)) this.#focusLost = { author, part: activeElement === jump ? "jump" : "follow" };
      element.remove();
      this.#rows.delete(author);
    }
    for (const person of this.#others) {
      const row = this.#rows.get(person.author) ?? this.#createRow(person);
      row.person = person;
      showFace(row.face, person);
      row.name.textContent = person.name;
      row.follow.setAttribute("aria-pressed", String(person.writer === this.#followed));
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
