// @ts-check
/**
 * Shows in words whether everything is saved, and says it once to those who listen.
 *
 * It must never show *Saved* before every op has its answer: see model/save-state.js.
 */

import { saveState } from "../model/save-state.js";
import { t } from "../strings/strings.js";

/** @typedef {import("../strings/strings.js").StringId} StringId */

/** Milliseconds that a state lasts before it is announced: most unsaved ops are saved at once. */
const ANNOUNCE_AFTER = 1_500;
/** Milliseconds that a refusal is shown. */
const REFUSAL_SHOWN = 8_000;

export class SaveStatus {
  /** @type {import("../model/save-state.js").Facts} */
  #facts = {
    connected: false, online: navigator.onLine, unsaved: 0, fragile: false, holds: false, limit: null, end: null, refusal: null,
  };
  /** Whether the browser stores ops; null while that is not known. @type {boolean | null} */
  #durable = null;
  /** Whether the first connection has succeeded or failed. */
  #tried = false;
  /** What was announced last: the text without the number, which alone is no news.
   * @type {string} */
  #announced = "save.saved";
  #announcement = 0;
  #refusalEnd = 0;
  #element;
  #announcer;

  /**
   * @param {HTMLElement} element
   * @param {HTMLElement} announcer a live region that only this uses
   */
  constructor(element, announcer) {
    this.#element = element;
    this.#announcer = announcer;
    addEventListener("online", () => this.#set({ online: true }));
    addEventListener("offline", () => this.#set({ online: false }));
    if (!navigator.onLine) this.#show();
  }

  /** Whether leaving the page now loses ops, or may do so. */
  get warns() {
    return this.#facts.unsaved > 0 && (this.#facts.fragile || this.#durable === null);
  }

  /** Whether ops are stored in the browser is known now.
   * @param {boolean} durable */
  storeOpened(durable) {
    this.#durable = durable;
    this.#set({ fragile: this.#facts.fragile || !durable });
  }

  /** An unsaved op is in memory only. */
  storeFailed() {
    this.#set({ fragile: true });
  }

  /** Some state of the drawing is shown. */
  loaded() {
    this.#set({ holds: true });
  }

  /** The page has ended for good: it does not reconnect.
   * @param {"deleted"|"closed"} end */
  ended(end) {
    this.#set({ end });
  }

  /** @param {boolean} connected */
  connected(connected) {
    this.#tried = true;
    this.#set({ connected });
  }

  /** @param {import("../model/rights.js").Limit | null} limit why the person may only look */
  limited(limit) {
    this.#set({ limit });
  }

  /** @param {number} unsaved unanswered ops */
  unsaved(unsaved) {
    this.#set({ unsaved, fragile: unsaved > 0 ? this.#facts.fragile : this.#durable === false });
  }

  /** @param {StringId} refusal why an op was not applied */
  refused(refusal) {
    clearTimeout(this.#refusalEnd);
    this.#refusalEnd = setTimeout(() => this.#set({ refusal: null }), REFUSAL_SHOWN);
    // Another one after the same is announced too.
    this.#announced = "";
    this.#set({ refusal });
  }

  /** @param {Partial<import("../model/save-state.js").Facts>} facts */
  #set(facts) {
    Object.assign(this.#facts, facts);
    this.#show();
  }

  #show() {
    const { unsaved, refusal } = this.#facts;
    const { state, text, hint } = saveState(this.#facts);
    const first = state === "connecting" && !this.#tried && unsaved === 0;
    const words = first ? t("board.loading") : t(text, refusal ? { reason: t(refusal) } : { count: unsaved });
    this.#element.dataset.state = state;
    this.#element.textContent = words;
    this.#element.title = hint ? t(hint) : "";
    clearTimeout(this.#announcement);
    const news = `${text} ${refusal ?? ""}`.trim();
    if (news === this.#announced || first) return;
    this.#announcement = setTimeout(() => {
      this.#announced = news;
      this.#announcer.textContent = words;
    }, ANNOUNCE_AFTER);
  }
}
