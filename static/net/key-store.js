// @ts-check
/**
 * Keys in IndexedDB, by drawing. Without IndexedDB they last as long as the tab.
 *
 * It must never send a key anywhere.
 */

import { committed, openDatabase, result } from "./database.js";
import { loadStored, saveStored } from "./local-storage.js";

/** @typedef {import("../model/keyring.js").HeldKey} HeldKey */
/** @typedef {{drawing: string, keys: HeldKey[], used: number}} HeldDrawing `used`: when it was opened last, in milliseconds since 1970 */

const DATABASE = "whiteboard-keys";
const VERSION = 1;
/** The name of what a tab keeps instead, by drawing. */
const IN_TAB = "keys";

export class KeyStore {
  #opened;

  /** Opens the database. Every method waits until it is open, or found to be unavailable.
   * @param {IDBFactory | undefined} factory */
  constructor(factory) {
    this.#opened = openDatabase(factory, DATABASE, VERSION, (database) => database.createObjectStore("keys", { keyPath: "drawing" }));
  }

  /**
   * The keys of a drawing.
   * @param {string} drawing
   * @returns {Promise<HeldKey[]>}
   */
  async read(drawing) {
    const inTab = heldInTab()[drawing];
    if (inTab) return inTab.keys;
    const database = await this.#opened;
    if (!database) return [];
    return (await result(database.transaction("keys").objectStore("keys").get(drawing)))?.keys ?? [];
  }

  /**
   * All drawings that there are keys for, the last used first.
   * @returns {Promise<HeldDrawing[]>}
   */
  async all() {
    const database = await this.#opened;
    /** @type {HeldDrawing[]} */
    const stored = database ? await result(database.transaction("keys").objectStore("keys").getAll()) : [];
    return [...stored, ...Object.values(heldInTab())].sort((a, b) => b.used - a.used);
  }

  /**
   * Replaces the keys of a drawing.
   * @param {string} drawing
   * @param {readonly HeldKey[]} keys
   */
  async put(drawing, keys) {
    const held = { drawing, keys: [...keys], used: Date.now() };
    const database = await this.#opened;
    try {
      if (!database) throw new Error("no database");
      const transaction = database.transaction("keys", "readwrite");
      transaction.objectStore("keys").put(held);
      await committed(transaction);
    } catch {
      // Otherwise a reload would lose the key, which the address no longer has.
      saveStored(IN_TAB, { ...heldInTab(), [drawing]: held }, "sessionStorage");
    }
  }

  /** @param {string} drawing */
  async remove(drawing) {
    const { [drawing]: _, ...rest } = heldInTab();
    saveStored(IN_TAB, rest, "sessionStorage");
    const database = await this.#opened;
    if (!database) return;
    const transaction = database.transaction("keys", "readwrite");
    transaction.objectStore("keys").delete(drawing);
    await committed(transaction);
  }
}

/** @returns {Record<string, HeldDrawing>} */
function heldInTab() {
  return loadStored(IN_TAB, () => ({}), (value) => typeof value === "object", "sessionStorage");
}
