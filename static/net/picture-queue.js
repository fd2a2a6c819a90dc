// @ts-check
/**
 * Pictures in IndexedDB that wait for a connection, each with the stroke that is to show it.
 *
 * It must never hold more than its bounds, nor drop a picture by itself.
 */

import { committed, openDatabase, result } from "./database.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {{id: string, drawing: string, body: Body, blob: Blob}} WaitingPicture `id` and `body`: of the stroke, whose asset is any hash until the server says its own */

const DATABASE = "whiteboard-pictures";
const VERSION = 1;
const STORE = "waiting";
/** Maximum of pictures and of their bytes, for all drawings of this browser. */
export const MAX_WAITING = 24;
export const MAX_WAITING_BYTES = 32 * 2 ** 20;

export class PictureQueue {
  #opened;

  /** @param {IDBFactory | undefined} factory */
  constructor(factory) {
    this.#opened = openDatabase(factory, DATABASE, VERSION, (database) => {
      database.createObjectStore(STORE, { keyPath: "id" }).createIndex("drawing", "drawing");
    });
  }

  /**
   * @param {WaitingPicture} picture
   * @returns {Promise<boolean>} false: there is no room for it, or nothing can be stored
   */
  async add(picture) {
    const database = await this.#opened;
    if (!database) return false;
    try {
      const transaction = database.transaction(STORE, "readwrite");
      const store = transaction.objectStore(STORE);
      /** @type {WaitingPicture[]} */
      const held = await result(store.getAll());
      const bytes = held.reduce((sum, { blob }) => sum + blob.size, picture.blob.size);
      const fits = held.length < MAX_WAITING && bytes <= MAX_WAITING_BYTES;
      if (fits) store.add(picture);
      await committed(transaction);
      return fits;
    } catch {
      // The browser gives no more space.
      return false;
    }
  }

  /**
   * @param {string} drawing
   * @returns {Promise<WaitingPicture[]>}
   */
  async of(drawing) {
    const database = await this.#opened;
    return database ? result(database.transaction(STORE).objectStore(STORE).index("drawing").getAll(drawing)) : [];
  }

  /** @param {string} id */
  async remove(id) {
    const database = await this.#opened;
    if (!database) return;
    const transaction = database.transaction(STORE, "readwrite");
    transaction.objectStore(STORE).delete(id);
    await committed(transaction);
  }
}
