// @ts-check
/**
 * Keeps the newest steps of the history in the tab's storage, by drawing, so that they can be undone
 * after a reload.
 *
 * It must never keep so much that the tab's storage is full.
 */

import { loadStored, saveStored } from "./local-storage.js";

/** @typedef {import("../model/history.js").History} History */
/** @typedef {import("../model/history.js").Kept} Kept */

/** Maximum of characters. Browsers give a tab some five million. */
const MOST = 1_000_000;
/** Milliseconds after a change until it is written: a crash loses no more. */
const WRITE_AFTER = 3_000;

export class HistoryKeeper {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #drawing;
  #history;
  #kept;

  /**
   * @param {string} drawing
   * @param {History} history
   */
  constructor(drawing, history) {
    this.#drawing = drawing;
    this.#history = history;
    // One drawing at a time: the tab that opens another one has left this one.
    const kept = loadStored("history", () => ({ drawing, done: [], undone: [], last: [] }), isKept, "sessionStorage");
    this.#kept = kept.drawing === drawing ? kept : null;
    addEventListener("pagehide", () => this.#write());
  }

  /** Puts the steps from before the reload into the history. */
  restore() {
    const kept = this.#kept;
    this.#kept = null;
    if (kept) this.#history.restore(kept);
  }

  changed() {
    this.#timer ??= setTimeout(() => this.#write(), WRITE_AFTER);
  }

  #write() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // What has not been restored yet must not be replaced.
    if (this.#kept) return;
    saveStored("history", { drawing: this.#drawing, ...this.#history.kept(MOST) }, "sessionStorage");
  }
}

/** @param {any} value */
function isKept({ drawing, done, undone, last }) {
  return typeof drawing === "string" && [done, undone, last].every(Array.isArray);
}
