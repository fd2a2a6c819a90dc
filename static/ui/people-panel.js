// @ts-check
/**
 * The panel of people: faces with initials, the list of names, and the field for one's own name.
 *
 * It must never decide who is here: it shows the list it is given.
 */

import { t } from "../strings/strings.js";
import { byId, element } from "./dom.js";
import { cleanName } from "../presence/identity.js";

/** @typedef {import("../model/types.js").Person} Person */

/** Maximum of faces shown; the rest is a number. */
const MAX_FACES = 4;

/** @param {string} name */
export function initials(name) {
  const words = name.trim().split(/\s+/).map((word) => [...word][0] ?? "");
  return (words.length > 1 ? words[0] + words[words.length - 1] : words[0] ?? "?").toUpperCase();
}

/** @param {{name: string, colour: string}} person */
function face({ name, colour }) {
  const made = element("span", "face", initials(name));
  made.style.setProperty("--face", colour);
  made.title = name;
  return made;
}

export class PeoplePanel {
  /** @type {Person[]} one per person, without oneself; those who are listed */
  #others = [];
  /** The number of people, including oneself. */
  #count = 1;
  #me;
  #panel = byId("people-panel");
  #button = byId("people");

  /**
   * @param {{name: string, colour: string}} me
   * @param {(name: string) => void} renamed
   */
  constructor(me, renamed) {
    this.#me = me;
    this.#button.addEventListener("click", () => this.#toggle(this.#panel.hidden === true));
    document.addEventListener("pointerdown", (event) => {
      const inside = event.target instanceof Node && (this.#panel.contains(event.target) || this.#button.contains(event.target));
      if (!inside) this.close();
    });
    const input = /** @type {HTMLInputElement} */ (byId("my-name"));
    input.value = me.name;
    input.addEventListener("change", () => {
      const name = cleanName(input.value);
      input.value = name;
      if (!name) {
        input.value = this.#me.name;
        return;
      }
      this.#me = { ...this.#me, name };
      this.#show();
      renamed(name);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") input.blur();
      if (event.key === "Escape") this.close();
    });
    this.#show();
  }

  /** Shows another colour for oneself.
   * @param {string} colour */
  recolour(colour) {
    this.#me = { ...this.#me, colour };
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

  /** Closes the panel, and returns whether it was open. */
  close() {
    const wasOpen = !this.#panel.hidden;
    this.#toggle(false);
    return wasOpen;
  }

  /** @param {boolean} open */
  #toggle(open) {
    this.#panel.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
  }

  #show() {
    const shown = [this.#me, ...this.#others].slice(0, MAX_FACES).map(face);
    if (this.#count > shown.length) shown.push(element("span", "face more", `+${this.#count - shown.length}`));
    this.#button.replaceChildren(...shown);
    this.#button.setAttribute("aria-label", t("people.button", { count: this.#count }));
    byId("my-face").replaceChildren(face(this.#me));
    byId("others").replaceChildren(
      ...this.#others.map((person) => element("li", "", face(person), element("span", "", person.name))),
    );
    const unnamed = this.#count - 1 - this.#others.length;
    byId("number").textContent = t("people.count", { count: this.#count });
    byId("number").hidden = this.#count <= MAX_FACES;
    byId("unnamed").textContent = t("people.more", { count: unnamed });
    byId("unnamed").hidden = unnamed === 0;
    byId("nobody").hidden = this.#count > 1;
  }
}
