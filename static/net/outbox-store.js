// @ts-check
/**
 * Unanswered ops in IndexedDB, by drawing and by tab, so that they survive a reload or a crash. Without
 * IndexedDB nothing is stored, and ops are in the outbox's memory only.
 *
 * It must never lose an op after `put` resolved, except through `deleteUpTo` and `removeOwner`.
 */

import { committed, isFull, openDatabase, result } from "./database.js";

/** @typedef {import("../model/types.js").Op} Op */
/** @typedef {import("../model/types.js").Writer} Writer */
/** @typedef {{drawing: string, tab: string, key: string, heartbeat: number}} Owner A tab that stored ops, with the time of its last heartbeat in milliseconds since 1970. */

const DATABASE = "whiteboard-outbox";
const VERSION = 1;

/** The stored ops of one drawing. */
export class OutboxStore {
  /** @type {IDBDatabase | null} null: not open yet, or nothing is stored */
  #database = null;
  #opening = true;
  #drawing;
  #makeRoom;

  /**
   * Opens the database. Until it is open, or found to be unavailable, every method waits.
   * @param {string} drawing
   * @param {IDBFactory | undefined} factory
   * @param {() => Promise<void>} [makeRoom] frees space of the browser that matters less
   */
  constructor(drawing, factory, makeRoom = async () => {}) {
    this.#drawing = drawing;
    this.#makeRoom = makeRoom;
    this.opened = this.#open(factory);
  }

  /** @param {IDBFactory | undefined} factory */
  async #open(factory) {
    this.#database = await openDatabase(factory, DATABASE, VERSION, (database) => {
      database.createObjectStore("owners", { keyPath: ["drawing", "tab"] });
      database.createObjectStore("ops", { keyPath: ["drawing", "tab", "op.n"] });
    });
    this.#opening = false;
  }

  /**
   * @param {string} drawing
   * @param {IDBFactory | undefined} factory
   */
  static async open(drawing, factory) {
    const store = new OutboxStore(drawing, factory);
    await store.opened;
    return store;
  }

  /** Whether stored ops survive the tab. */
  get durable() {
    return this.#database !== null;
  }

  /**
   * Stores ops, all or none of them, each replacing the one with the same number.
   * @param {Writer} writer
   * @param {Op[]} ops
   * @param {"strict"} [durability] flush to disk: not even a power failure restores the replaced ones
   */
  async put(writer, ops, durability) {
    if (this.#opening) await this.opened;
    const database = this.#database;
    if (!database) return;
    try {
      await this.#put(database, writer, ops, durability);
    } catch (error) {
      if (!isFull(error)) throw error;
      await this.#makeRoom();
      await this.#put(database, writer, ops, durability);
    }
  }

  /**
   * @param {IDBDatabase} database
   * @param {Writer} writer
   * @param {Op[]} ops
   * @param {"strict"} [durability]
   */
  async #put(database, writer, ops, durability) {
    const transaction = database.transaction(["owners", "ops"], "readwrite", { durability });
    transaction.objectStore("owners").put(this.#owner(writer));
    const records = transaction.objectStore("ops");
    for (const op of ops) records.put({ drawing: this.#drawing, tab: writer.tab, op });
    await committed(transaction);
  }

  /**
   * @param {Writer} writer
   * @param {number} upTo
   * @param {"strict"} [durability] flush to disk: not even a power failure restores the ops
   */
  async deleteUpTo(writer, upTo, durability) {
    if (this.#opening) await this.opened;
    if (!this.#database) return;
    const transaction = this.#database.transaction("ops", "readwrite", { durability });
    transaction.objectStore("ops").delete(this.#range(writer.tab, upTo));
    await committed(transaction);
  }

  /** Records that the writer's tab is alive.
   * @param {Writer} writer */
  async heartbeat(writer) {
    if (this.#opening) await this.opened;
    if (!this.#database) return;
    const transaction = this.#database.transaction("owners", "readwrite");
    transaction.objectStore("owners").put(this.#owner(writer));
    await committed(transaction);
  }

  /** @returns {Promise<Owner[]>} the tabs with records for this drawing */
  async owners() {
    if (this.#opening) await this.opened;
    if (!this.#database) return [];
    const every = IDBKeyRange.bound([this.#drawing], [this.#drawing, []]);
    return result(this.#database.transaction("owners").objectStore("owners").getAll(every));
  }

  /**
   * @param {string} tab
   * @returns {Promise<Op[]>} in the order of their numbers
   */
  async ops(tab) {
    if (this.#opening) await this.opened;
    if (!this.#database) return [];
    /** @type {{op: Op}[]} */
    const records = await result(this.#database.transaction("ops").objectStore("ops").getAll(this.#range(tab, Infinity)));
    return records.map(({ op }) => op);
  }

  /** Deletes a tab and all its ops.
   * @param {string} tab */
  async removeOwner(tab) {
    if (this.#opening) await this.opened;
    if (!this.#database) return;
    const transaction = this.#database.transaction(["owners", "ops"], "readwrite");
    transaction.objectStore("owners").delete([this.#drawing, tab]);
    transaction.objectStore("ops").delete(this.#range(tab, Infinity));
    await committed(transaction);
  }

  /** @param {Writer} writer */
  #owner({ tab, key }) {
    return { drawing: this.#drawing, tab, key, heartbeat: Date.now() };
  }

  /**
   * @param {string} tab
   * @param {number} upTo
   */
  #range(tab, upTo) {
    return IDBKeyRange.bound([this.#drawing, tab, 0], [this.#drawing, tab, upTo]);
  }
}
