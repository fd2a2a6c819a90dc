// @ts-check
/**
 * What the databases in the browser share: opening one that may never open, and waiting for requests and
 * commits.
 *
 * It must never let a page wait for ever.
 */

/** Milliseconds to wait for a database, which some browsers never open; then nothing is stored. */
const OPEN_WITHIN = 2_000;

/**
 * @param {IDBFactory | undefined} factory
 * @param {string} name
 * @param {number} version
 * @param {(database: IDBDatabase) => void} create
 * @returns {Promise<IDBDatabase | null>} null: it cannot be opened, or not in time
 */
export function openDatabase(factory, name, version, create) {
  return new Promise((resolve) => {
    if (!factory) return resolve(null);
    /** @type {IDBOpenDBRequest} */
    let request;
    try {
      request = factory.open(name, version);
    } catch {
      // Private windows of some browsers forbid it.
      return resolve(null);
    }
    let late = false;
    const giveUp = () => {
      late = true;
      resolve(null);
    };
    const timeout = setTimeout(giveUp, OPEN_WITHIN);
    request.onupgradeneeded = () => create(request.result);
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

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
export function result(request) {
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
export function committed(transaction) {
  transaction.commit();
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

/** Whether an error says that the browser gives no more space.
 * @param {unknown} error */
export function isFull(error) {
  return error instanceof DOMException && error.name === "QuotaExceededError";
}
