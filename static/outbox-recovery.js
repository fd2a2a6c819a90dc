// @ts-check
/**
 * Finds what dead pages of this browser left on the store of this drawing, and sends it
 * under their numbers until every op has its answer.
 *
 * It must never touch the ops of a page that lives.
 */

import { Connection } from "./connection.js";
import { writerOf } from "./ids.js";
import { Outbox } from "./outbox.js";
import { claimTabLock } from "./tab-lock.js";

/** @typedef {import("./types.js").Writer} Writer */
/** @typedef {import("./types.js").Op} Op */
/** @typedef {import("./outbox-store.js").Owner} Owner */
/** @typedef {import("./outbox-store.js").OutboxStore} OutboxStore */

/** Milliseconds between two looks. */
const SEARCH_EVERY = 5_000;

export class OutboxRecovery {
  /** @type {Map<string, Outbox>} by the dead page's tab */
  #recovered = new Map();
  #searching = false;
  #own;
  #store;
  #on;

  /**
   * @param {Writer} own this page's writer
   * @param {OutboxStore} store
   * @param {object} on
   * @param {() => string} on.address
   * @param {(writer: Writer, op: Op) => void} on.recovered
   * @param {import("./outbox.js").OutboxEvents} on.outbox
   */
  constructor(own, store, on) {
    this.#own = own;
    this.#store = store;
    this.#on = on;
  }

  /** How many ops of dead pages have no answer. */
  get count() {
    let count = 0;
    for (const outbox of this.#recovered.values()) count += outbox.count;
    return count;
  }

  /** Looks now and from time to time. */
  start() {
    void this.#search();
    setInterval(() => void this.#search(), SEARCH_EVERY);
  }

  async #search() {
    if (this.#searching) return;
    this.#searching = true;
    try {
      for (const owner of await this.#store.owners()) {
        if (owner.tab === this.#own.tab || this.#recovered.has(owner.tab)) continue;
        const release = await claimTabLock(owner);
        if (release) await this.#recover(owner, release).catch(release);
      }
    } catch {
      // The store cannot be read now; what is on it stays there for the next look.
    } finally {
      this.#searching = false;
    }
  }

  /**
   * @param {Owner} owner
   * @param {() => void} release
   */
  async #recover({ tab, key }, release) {
    const ops = await this.#store.ops(tab);
    if (ops.length === 0) {
      await this.#store.removeOwner(tab);
      release();
      return;
    }
    const outbox = new Outbox(writerOf(key, tab), this.#store, this.#on.outbox, ops);
    this.#recovered.set(tab, outbox);
    ops.forEach((op) => this.#on.recovered(outbox.writer, op));
    this.#on.outbox.count();
    const connection = new Connection(this.#on.address, {
      opened: () => connection.send({ type: "hello", key, tab, next: outbox.first }),
      frame: (frame) => {
        outbox.receive(frame, (ops) => connection.send(ops));
        if (outbox.first === outbox.next) void this.#finish(tab, connection, release);
      },
      closed: () => outbox.closed(),
      ended: () => outbox.closed(),
    });
    connection.start();
  }

  /**
   * @param {string} tab
   * @param {Connection} connection
   * @param {() => void} release
   */
  async #finish(tab, connection, release) {
    connection.stop();
    await this.#store.removeOwner(tab).catch(() => {});
    this.#recovered.delete(tab);
    release();
    this.#on.outbox.count();
  }
}
