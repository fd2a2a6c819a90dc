// @ts-check
/**
 * Unanswered ops in IndexedDB, by drawing and by tab, so that they survive a reload or a crash. Without
 * IndexedDB nothing is stored, and ops are in the outbox's memory only.
 *
 * It must never lose an op after `put` resolved, except through `deleteUpTo` and `removeOwner`.
 */

/** @typedef {import("../model/types.js").Op} Op */
/** @typedef {import("../model/types.js").Writer} Writer */
/** @typedef {{drawing: string, tab: string, key: string, heartbeat: number}} Owner A tab that stored ops, with the time of its last heartbeat in milliseconds since 1970. */

const DATABASE = "whiteboard-outbox";
const VERSION = 1;
/** Milliseconds to wait for the database, which some browsers never open; then nothing is stored. */
const OPEN_WITHIN = 2_000;

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * Commits explicitly: the commit then succeeds even if the tab ends, and later transactions on the same
 * stores, from any tab, see it.
 * @param {IDBTransaction} transaction with all its requests made
 * @returns {Promise<void>}
 */
function committed(transaction) {
  transaction.commit();
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

/**
 * @param {IDBFactory} factory
 * @returns {Promise<IDBDatabase | null>} null: it cannot be opened, or not in time
 */
function opened(factory) {
  return new Promise((resolve) => {
    const request = factory.open(DATABASE, VERSION);
    let late = false;
    const giveUp = () => {
      late = true;
      resolve(null);
    };
    const timeout = setTimeout(giveUp, OPEN_WITHIN);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("owners", { keyPath: ["drawing", "tab"] });
      request.result.createObjectStore("ops", { keyPath: ["drawing", "tab", "op.n"] });
    };
    request.onsuccess = () => {
      clearTimeout(timeout);
      const database = request.result;
      if (late) database.close();
      // A later version of this page, in another tab, must not wait for this one.
      database.onversionchange = () => database.close();
      resolve(database);
    };
    request.onerror = giveUp;
    // A tab with an earlier version holds the database.
    request.onblocked = giveUp;
  });
}

/** The stored ops of one drawing. */
export class OutboxStore {
  /** @type {IDBDatabase | null} null: not open yet, or nothing is stored */
  #database = null;
  #opening = true;
  #drawing;

  /**
   * Opens the database. Until it is open, or found to be unavailable, every method waits.
   * @param {string} drawing
   * @param {IDBFactory | undefined} factory
   */
  constructor(drawing, factory) {
    this.#drawing = drawing;
    this.opened = this.#open(factory);
  }

  /** @param {IDBFactory | undefined} factory */
  async #open(factory) {
    try {
      this.#database = factory ? await opened(factory) : null;
    } catch {
      // Private windows of some browsers forbid it.
    }
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
    if (!this.#database) return;
    const transaction = this.#database.transaction(["owners", "ops"], "readwrite", { durability });
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
