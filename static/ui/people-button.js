// @ts-check
/**
 * The button with the faces of the people on the drawing, which opens their panel.
 *
 * It must never load the panel before it is wanted.
 */

import { t } from "../strings/strings.js";
import { byId, element } from "./dom.js";
import { MAX_FACES, face } from "./face.js";
import { lateButton } from "./late-button.js";

/** @typedef {import("./people-panel.js").People} People */
/** @typedef {import("./people-panel.js").PeoplePanel} PeoplePanel */

export class PeopleButton {
  #button = byId("people");
  #people;
  #on;
  /** @type {PeoplePanel | null} */
  #panel = null;

  /**
   * @param {People} people
   * @param {import("./people-panel.js").PeopleActions} on
   * @param {() => void} failed the panel cannot be loaded
   */
  constructor(people, on, failed) {
    this.#people = people;
    this.#on = on;
    lateButton(this.#button, () => this.panel(), (panel, byKey) => panel.toggle(byKey), failed);
    this.#show();
  }

  /** The panel, which is loaded now. */
  async panel() {
    const { PeoplePanel } = await import("./people-panel.js");
    return (this.#panel ??= new PeoplePanel(this.#people, this.#on));
  }

  /** Shows what has changed.
   * @param {Partial<People>} changed */
  set(changed) {
    this.#people = { ...this.#people, ...changed };
    this.#show();
    this.#panel?.show(this.#people);
  }

  /** Closes the panel, and returns whether it was open. */
  close() {
    return this.#panel?.close() === true;
  }

  #show() {
    const { me, others, count } = this.#people;
    const shown = [me, ...others].slice(0, MAX_FACES).map(face);
    if (count > shown.length) shown.push(element("span", "face more", `+${count - shown.length}`));
    this.#button.replaceChildren(...shown);
    this.#button.setAttribute("aria-label", t("people.button", { count }));
  }
}
