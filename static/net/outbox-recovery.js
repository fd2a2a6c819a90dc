// @ts-check
/**
 * Finds the ops that closed or crashed tabs of this browser left for this drawing, and sends them as
 * those tabs' writers until every op has its answer.
 *
 * It must never send the ops of a tab that is alive.
 */

import { Connection } from "./connection.js";
import { writerOf } from "../model/ids.js";
import { Outbox } from "./outbox.js";
import { claimTabLock } from "./tab-lock.js";

/** @typedef {import("../model/types.js").Writer} Writer */
/** @typedef {import("../model/types.js").Op} Op */
/** @typedef {import("./outbox-store.js").Owner} Owner */
/** @typedef {import("./outbox-store.js").OutboxStore} OutboxStore */

/** Milliseconds between searches. */
const SEARCH_EVERY = 5_000;

export class OutboxRecovery {
  /** @type {Map<string, Outbox>} by the dead tab */
  #recovered = new Map();
  /** @type {Set<Connection>} */
  #connections = new Set();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #searching = false;
  /** Whether the next search is the first, and the tabs that the last one found dead. */
  #isFirst = true;
  /** @type {Set<string>} */
  #foundDead = new Set();
  #own;
  #store;
  #on;

  /**
   * @param {Writer} own this tab's writer
   * @param {OutboxStore} store
   * @param {object} on
   * @param {() => string} on.address
   * @param {() => {token?: string}} on.token
   * @param {(writer: Writer, op: Op) => void} on.recovered
   * @param {import("./outbox.js").OutboxEvents} on.outbox
   */
  constructor(own, store, on) {
    this.#own = own;
    this.#store = store;
    this.#on = on;
  }

  /** The number of unanswered ops of dead tabs. */
  get count() {
    let count = 0;
    for (const outbox of this.#recovered.values()) count += outbox.count;
    return count;
  }

  /**
   * Searches now and periodically.
   * @returns {Promise<void>} once the first search has ended
   */
  start() {
    this.#timer = setInterval(() => void this.#search(), SEARCH_EVERY);
    return this.#search();
  }

  /** Stops searching and sending. */
  stop() {
    clearInterval(this.#timer);
    for (const connection of this.#connections) connection.stop();
  }

  async #search() {
    if (this.#searching) return;
    this.#searching = true;
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    /** @type {Set<string>} */
    const foundDead = new Set();
    try {
      for (const owner of await this.#store.owners()) {
        if (owner.tab === this.#own.tab || this.#recovered.has(owner.tab)) continue;
        const release = await claimTabLock(owner);
        if (!release) continue;
        // A tab that reloads takes its own ops up at once. Others wait for that, or it would lack them offline.
        if (isFirst || this.#foundDead.has(owner.tab)) await this.#recover(owner, release).catch(release);
        else {
          foundDead.add(owner.tab);
          release();
        }
      }
    } catch {
      // The store cannot be read now: the next search tries again.
    } finally {
      this.#searching = false;
      this.#foundDead = foundDead;
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
    this.#on.outbox.countChanged();
    const connection = new Connection(this.#on.address, {
      opened: () => connection.send({ type: "hello", key, tab, next: outbox.first, ...this.#on.token() }),
      frame: (frame) => {
        outbox.receive(frame, (ops) => connection.send(ops));
        if (outbox.first === outbox.next) void this.#finish(tab, connection, release);
      },
      closed: () => outbox.closed(),
      ended: () => outbox.closed(),
    });
    this.#connections.add(connection);
    connection.start();
  }

  /**
   * @param {string} tab
   * @param {Connection} connection
   * @param {() => void} release
   */
  async #finish(tab, connection, release) {
    connection.stop();
    this.#connections.delete(connection);
    await this.#store.removeOwner(tab).catch(() => {});
    this.#recovered.delete(tab);
    release();
    this.#on.outbox.countChanged();
  }
}
