// @ts-check
/**
 * Unanswered ops in IndexedDB, by drawing and by the page they belong to, so that they
 * outlive a reload and a crash. Where there is no IndexedDB they are kept in memory only.
 *
 * It must never give up an op that it said was kept, but by `drop` and `forget`.
 */

/** @typedef {import("./types.js").Op} Op */
/** @typedef {import("./types.js").Writer} Writer */
/** @typedef {{drawing: string, tab: string, key: string, heartbeat: number}} Owner a page that kept ops, and when it last said that it lives */

const DATABASE = "whiteboard-outbox";
const VERSION = 1;

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
 * Commits at once: from here on it no longer hangs on the page, and whoever reads the same stores
 * later, from any page, waits for it.
 * @param {IDBTransaction} transaction all of whose requests are made
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
 * @returns {Promise<IDBDatabase>}
 */
function opened(factory) {
  const request = factory.open(DATABASE, VERSION);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("owners", { keyPath: ["drawing", "tab"] });
    request.result.createObjectStore("ops", { keyPath: ["drawing", "tab", "op.n"] });
  };
  return result(request);
}

/** The shelf of one drawing. */
export class OutboxStore {
  #database;
  #drawing;

  /**
   * @param {IDBDatabase | null} database null: in memory, that is in the outbox alone
   * @param {string} drawing
   */
  constructor(database, drawing) {
    this.#database = database;
    this.#drawing = drawing;
  }

  /**
   * @param {string} drawing
   * @param {IDBFactory | undefined} factory
   */
  static async open(drawing, factory) {
    try {
      return new OutboxStore(factory ? await opened(factory) : null, drawing);
    } catch {
      return new OutboxStore(null, drawing);
    }
  }

  /** Whether it outlives the page. */
  get durable() {
    return this.#database !== null;
  }

  /**
   * Keeps an op, in place of what was kept under its number.
   * @param {Writer} writer
   * @param {Op} op
   * @param {"strict"} [durability] on disk, so that not even a power cut brings back what it takes the place of
   */
  async put(writer, op, durability) {
    if (!this.#database) return;
    const transaction = this.#database.transaction(["owners", "ops"], "readwrite", { durability });
    transaction.objectStore("owners").put(this.#owner(writer));
    transaction.objectStore("ops").put({ drawing: this.#drawing, tab: writer.tab, op });
    await committed(transaction);
  }

  /**
   * @param {Writer} writer
   * @param {number} upTo
   * @param {"strict"} [durability] on disk, so that not even a power cut brings it back
   */
  async deleteUpTo(writer, upTo, durability) {
    if (!this.#database) return;
    const transaction = this.#database.transaction("ops", "readwrite", { durability });
    transaction.objectStore("ops").delete(this.#range(writer.tab, upTo));
    await committed(transaction);
  }

  /** Says that the page of this writer lives.
   * @param {Writer} writer */
  async heartbeat(writer) {
    if (!this.#database) return;
    const transaction = this.#database.transaction("owners", "readwrite");
    transaction.objectStore("owners").put(this.#owner(writer));
    await committed(transaction);
  }

  /** @returns {Promise<Owner[]>} the pages that kept something of this drawing */
  async owners() {
    if (!this.#database) return [];
    const every = IDBKeyRange.bound([this.#drawing], [this.#drawing, []]);
    return result(this.#database.transaction("owners").objectStore("owners").getAll(every));
  }

  /**
   * @param {string} tab
   * @returns {Promise<Op[]>} in the order of their numbers
   */
  async ops(tab) {
    if (!this.#database) return [];
    /** @type {{op: Op}[]} */
    const records = await result(this.#database.transaction("ops").objectStore("ops").getAll(this.#range(tab, Infinity)));
    return records.map(({ op }) => op);
  }

  /** Takes a page and everything it kept off the shelf.
   * @param {string} tab */
  async removeOwner(tab) {
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
