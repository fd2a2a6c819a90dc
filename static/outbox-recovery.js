// @ts-check
/**
 * Finds what dead pages of this browser left on the shelf of this drawing, and sends it
 * under their numbers until every op has its answer.
 *
 * It must never touch the ops of a page that lives.
 */

import { Connection } from "./connection.js";
import { writerOf } from "./ids.js";
import { Outbox } from "./outbox.js";
import { claim } from "./tab-lock.js";

/** @typedef {import("./types.js").Writer} Writer */
/** @typedef {import("./types.js").Op} Op */
/** @typedef {import("./outbox-store.js").Owner} Owner */
/** @typedef {import("./outbox-store.js").Shelf} Shelf */

/** Milliseconds between two looks. */
const LOOK_EVERY = 5_000;

export class Adoption {
  /** @type {Map<string, Outbox>} by the dead page's tab */
  #adopted = new Map();
  #looking = false;
  #own;
  #shelf;
  #on;

  /**
   * @param {Writer} own this page's writer
   * @param {Shelf} shelf
   * @param {object} on
   * @param {() => string} on.address
   * @param {(writer: Writer, op: Op) => void} on.adopted
   * @param {import("./outbox.js").OutboxNews} on.outbox
   */
  constructor(own, shelf, on) {
    this.#own = own;
    this.#shelf = shelf;
    this.#on = on;
  }

  /** How many ops of dead pages have no answer. */
  get count() {
    let count = 0;
    for (const outbox of this.#adopted.values()) count += outbox.count;
    return count;
  }

  /** Looks now and from time to time. */
  start() {
    void this.#look();
    setInterval(() => void this.#look(), LOOK_EVERY);
  }

  async #look() {
    if (this.#looking) return;
    this.#looking = true;
    try {
      for (const owner of await this.#shelf.owners()) {
        if (owner.tab === this.#own.tab || this.#adopted.has(owner.tab)) continue;
        const release = await claim(owner);
        if (release) await this.#adopt(owner, release).catch(release);
      }
    } catch {
      // The shelf cannot be read now; what is on it stays there for the next look.
    } finally {
      this.#looking = false;
    }
  }

  /**
   * @param {Owner} owner
   * @param {() => void} release
   */
  async #adopt({ tab, key }, release) {
    const ops = await this.#shelf.ops(tab);
    if (ops.length === 0) {
      await this.#shelf.forget(tab);
      release();
      return;
    }
    const outbox = new Outbox(writerOf(key, tab), this.#shelf, this.#on.outbox, ops);
    this.#adopted.set(tab, outbox);
    ops.forEach((op) => this.#on.adopted(outbox.writer, op));
    this.#on.outbox.count();
    const connection = new Connection(this.#on.address, {
      opened: () => connection.send({ type: "hello", key, tab, next: outbox.first }),
      frame: (frame) => {
        outbox.frame(frame, (ops) => connection.send(ops));
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
    await this.#shelf.forget(tab).catch(() => {});
    this.#adopted.delete(tab);
    release();
    this.#on.outbox.count();
  }
}
