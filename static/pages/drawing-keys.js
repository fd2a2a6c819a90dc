// @ts-check
/**
 * The key that a page shows to the server for its drawing: one from the address, or the best that is stored.
 *
 * It must never show a key to a person: only the share sheet does.
 */

import { Keyring } from "../model/keyring.js";
import { renews } from "../model/token.js";
import { takenKey } from "../net/access-key.js";
import { useKeys } from "../net/api.js";
import { KeyStore } from "../net/key-store.js";

/** @typedef {import("../model/types.js").Level} Level */

/** What the operator's key is stored as. */
const SERVER = "";
/** Milliseconds between two renewals of one socket: the server judges one at a time, and does not say when. */
const RENEW_EVERY = 10_000;

export class DrawingKeys {
  /** What the key allowed in an earlier visit. @type {Level | null} */
  before = null;
  #ring = new Keyring();
  /** The operator's key, which is good for every drawing. @type {string | null} */
  #operator = null;
  #isRead = false;
  #renewed = -Infinity;
  #drawing;
  #store;

  /**
   * Takes the key from the address.
   * @param {string} drawing
   * @param {IDBFactory | undefined} factory
   * @param {(renewal: object | null) => void} brought another key was brought, and is in use; `renewal` is the
   *   frame that shows it to the server on an open socket, if that is enough
   */
  constructor(drawing, factory, brought) {
    this.#drawing = drawing;
    this.#store = new KeyStore(factory);
    this.#take();
    // A link with another key for the same drawing loads no page, nor does a site that shows this one in a frame
    // and replaces its address by one with a later token.
    addEventListener("hashchange", async () => {
      const before = this.key;
      if (!this.#take()) return;
      const renewal = this.#renewal(before);
      await this.#keep();
      brought(renewal);
    });
    useKeys(() => this.key);
  }

  /** Waits for a key, which one from the address needs no wait for. */
  async ready() {
    const reading = this.#read().catch(() => {});
    if (!this.#ring.key) await reading;
  }

  /** The key in use. */
  get key() {
    return this.#ring.key ?? this.#operator;
  }

  /**
   * The server has accepted the key.
   * @param {Level} access
   * @returns {boolean} whether a better one is in use now
   */
  accepted(access) {
    const isBetter = this.#ring.accepted(access);
    void this.#keep();
    return isBetter;
  }

  /** The server has refused the key.
   * @returns {boolean} whether another one is in use now */
  refused() {
    if (!this.#ring.key) this.#operator = null;
    this.#ring.refused(Date.now());
    void this.#keep();
    return this.key !== null;
  }

  /** @param {string | null} before the key that was in use */
  #renewal(before) {
    const now = performance.now();
    if (!renews(before, this.key) || now - this.#renewed < RENEW_EVERY) return null;
    this.#renewed = now;
    return { type: "token", token: this.key };
  }

  #take() {
    const key = takenKey();
    if (!key) return false;
    this.#ring.take(key);
    void this.#keep();
    return true;
  }

  async #read() {
    const [own, operator] = await Promise.all([this.#store.read(this.#drawing), this.#store.read(SERVER)]);
    this.#ring.add(own);
    this.#operator = operator.at(0)?.key ?? null;
    this.before = this.#ring.held.find(({ key }) => key === this.key)?.access ?? null;
    this.#isRead = true;
    await this.#keep();
  }

  /** Stores the keys, once those that are stored are among them. */
  async #keep() {
    if (this.#isRead && this.#ring.held.length > 0) await this.#store.put(this.#drawing, this.#ring.held).catch(() => {});
  }
}
