// @ts-check
/**
 * Shows whether everything is saved.
 *
 * It must never show *Saved* before every op has its answer.
 */

import { t } from "../strings/strings.js";

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
    const count = this.#unsaved;
    const waiting = t("save.unsaved", { count });
    if (this.#hasEnded) {
      dataset.state = "ended";
      this.#element.textContent = count > 0 ? waiting : t("save.closed");
      this.#element.title = "";
      return;
    }
    if (this.#connected) this.#element.textContent = count > 0 ? waiting : t("save.saved");
    else this.#element.textContent = count > 0 ? t("save.connectingUnsaved", { count }) : t("save.connecting");
    const safe = t(this.fragile ? "save.fragileHint" : "save.keptHint");
    this.#element.title = count > 0 ? safe : t("save.savedHint");
  }
}
