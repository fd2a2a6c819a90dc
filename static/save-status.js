// @ts-check
/**
 * The honest word on what is saved: *Saved* is said only when every op has its answer.
 *
 * It must never guess.
 */

export class SaveStatus {
  /** Whether what is not saved would be lost with the page. */
  fragile = false;
  #element;
  #connected = false;
  #unsaved = 0;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /** Whether leaving the page now loses something. */
  get warns() {
    return this.fragile && this.#unsaved > 0;
  }

  /** @param {boolean} connected */
  connected(connected) {
    this.#connected = connected;
    this.#show();
  }

  /** @param {number} count ops that have no answer */
  unsaved(count) {
    this.#unsaved = count;
    this.#show();
  }

  #show() {
    const { dataset } = this.#element;
    dataset.state = this.#connected ? (this.#unsaved > 0 ? "unsaved" : "saved") : "connecting";
    const waiting = `${this.#unsaved} not saved`;
    if (this.#connected) this.#element.textContent = this.#unsaved > 0 ? waiting : "Saved";
    else this.#element.textContent = this.#unsaved > 0 ? `Reconnecting… (${waiting})` : "Reconnecting…";
    const safe = this.fragile ? "Keep this page open until it is saved." : "It is kept in this browser until it is saved.";
    this.#element.title = this.#unsaved > 0 ? safe : "Everything you drew is stored on the server.";
  }
}
