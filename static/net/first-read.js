// @ts-check
/**
 * The read of a drawing that this browser has not stored: it starts with the page, before anything else is
 * opened.
 *
 * It must never be used for a drawing of which something is held.
 */

import { loadStored, saveStored } from "./local-storage.js";

/** @typedef {import("../model/types.js").StrokesChunk} StrokesChunk */

export class FirstRead {
  #name;
  /** @type {Promise<StrokesChunk> | null} */
  #reading;

  /**
   * @param {string} drawing
   * @param {() => Promise<StrokesChunk>} read
   */
  constructor(drawing, read) {
    this.#name = `stored-${drawing}`;
    const isStored = loadStored(this.#name, () => false, (value) => typeof value === "boolean");
    this.#reading = isStored ? null : read();
    // Whoever takes it is told of a failure.
    this.#reading?.catch(() => {});
  }

  /** The drawing is stored now: the next page reads what came later. */
  stored() {
    saveStored(this.#name, true);
  }

  /** Whether nothing is stored, and the server was asked for everything. */
  get isAsked() {
    return this.#reading !== null;
  }

  /**
   * The answer, once.
   * @param {number} since the position that is held
   */
  take(since) {
    const reading = since === 0 ? this.#reading : null;
    this.#reading = null;
    return reading;
  }
}
