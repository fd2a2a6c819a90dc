// @ts-check
/**
 * Shows whether everything is saved.
 *
 * It must never show *Saved* before every op has its answer.
 */

export class SaveStatus {
  /** Whether unsaved ops are in memory only and would be lost with the tab. */
  fragile = false;
  #element;
  #connected = false;
  #hasEnded = false;
  #unsaved = 0;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /** Whether leaving the page now loses ops. */
  get warns() {
    return this.fragile && this.#unsaved > 0;
  }

  /** The page has ended for good: it does not reconnect. */
  ended() {
    this.#hasEnded = true;
    this.#show();
  }

  /** @param {boolean} connected */
  connected(connected) {
    this.#connected = connected;
    this.#show();
  }

  /** @param {number} count unanswered ops */
  unsaved(count) {
    this.#unsaved = count;
    this.#show();
  }

  #show() {
    const { dataset } = this.#element;
    dataset.state = this.#connected ? (this.#unsaved > 0 ? "unsaved" : "saved") : "connecting";
    const waiting = `${this.#unsaved} not saved`;
    if (this.#hasEnded) {
      dataset.state = "ended";
      this.#element.textContent = this.#unsaved > 0 ? waiting : "Closed";
      this.#element.title = "";
      return;
    }
    if (this.#connected) this.#element.textContent = this.#unsaved > 0 ? waiting : "Saved";
    else this.#element.textContent = this.#unsaved > 0 ? `Reconnecting… (${waiting})` : "Reconnecting…";
    const safe = this.fragile ? "Keep this page open until it is saved." : "It is kept in this browser until it is saved.";
    this.#element.title = this.#unsaved > 0 ? safe : "Everything you drew is stored on the server.";
  }
}
