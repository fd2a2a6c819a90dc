// @ts-check
/**
 * The drawings that this browser holds keys for: the list of the home page where not everybody may see all.
 *
 * It must never forget a key of a drawing that may come back: one that was deleted can be restored.
 */

import { matching } from "../model/drawing-list.js";
import { bestOf } from "../model/keyring.js";
import { listHeld } from "../net/access-api.js";
import { takenKey } from "../net/access-key.js";
import { ApiError, createDrawing, listDrawings, useKeys } from "../net/api.js";
import { KeyStore } from "../net/key-store.js";
import { t } from "../strings/later.js";

/** @typedef {import("../model/types.js").DrawingInfo} DrawingInfo */
/** @typedef {import("../model/keyring.js").HeldKey} HeldKey */

/** Milliseconds after which a key that is refused all the time is forgotten. */
const FORGET_AFTER = 30 * 86_400_000;
/** What the operator's key is stored as. */
const SERVER = "";

export class HeldDrawings {
  /** @type {Map<string, HeldKey[]>} by drawing */
  #keys = new Map();
  /** Drawings that the last answer had. @type {Map<string, DrawingInfo>} */
  #listed = new Map();
  #store;
  #notify;

  /**
   * @param {IDBFactory | undefined} factory
   * @param {readonly DrawingInfo[]} before those of the last visit
   * @param {(message: string) => void} notify
   */
  constructor(factory, before, notify) {
    this.#store = new KeyStore(factory);
    this.#listed = new Map(before.map((drawing) => [drawing.id, drawing]));
    this.#notify = notify;
    useKeys((drawing) => this.#keyOf(drawing) ?? this.#keyOf(SERVER));
    addEventListener("hashchange", () => void this.#takeOperator());
  }

  /** Lists all of them, or those with words in their titles.
   * @param {string} [before]
   * @param {string} [words]
   * @returns {ReturnType<typeof listDrawings>} */
  async list(before, words) {
    await this.#takeOperator();
    this.#keys = new Map((await this.#store.all()).map(({ drawing, keys }) => [drawing, keys]));
    if (this.#keyOf(SERVER)) {
      try {
        return await listDrawings(before, words);
      } catch (error) {
        if (!(error instanceof ApiError && error.isFinal)) throw error;
        await this.#forget(SERVER);
      }
    }
    const drawings = await this.#read();
    return { drawings: words ? matching(drawings, words) : drawings, next: null };
  }

  /** @param {string} title */
  async create(title) {
    try {
      const drawing = await createDrawing(title);
      if (drawing.key) await this.#store.put(drawing.id, [{ key: drawing.key, access: "own" }]);
      return drawing;
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 403)) throw error;
      this.#notify(t("list.notCreated", { reason: t("list.operatorOnly") }));
      return null;
    }
  }

  /** The person deletes it, which is no news.
   * @param {string} id */
  deleting(id) {
    this.#listed.delete(id);
  }

  async #read() {
    const ids = [...this.#keys.keys()].filter((id) => id !== SERVER);
    const held = ids.flatMap((id) => (this.#keyOf(id) ? [{ id, key: /** @type {string} */ (this.#keyOf(id)) }] : []));
    const drawings = held.length > 0 ? await listHeld(held) : [];
    const listed = new Map(drawings.map((drawing) => [drawing.id, drawing]));
    for (const { id, key } of held) await this.#answered(id, key, listed.get(id));
    this.#listed = listed;
    return drawings;
  }

  /**
   * The server has answered whether a key is good; what has changed is stored, and said.
   * @param {string} id
   * @param {string} key
   * @param {DrawingInfo | undefined} found
   */
  async #answered(id, key, found) {
    const keys = this.#keys.get(id) ?? [];
    const used = keys.find((one) => one.key === key);
    if (!used) return;
    const { access, refused } = used;
    if (found) {
      used.access = found.access ?? used.access;
      delete used.refused;
    } else {
      used.refused ??= Date.now();
      if (Date.now() - used.refused > FORGET_AFTER) return this.#forget(id);
      const before = this.#listed.get(id);
      // Another key may be good: the next list asks with it.
      if (before && keys.every((one) => one.refused !== undefined)) this.#notify(t("list.unshared", { title: before.title || t("page.untitled") }));
    }
    if (used.access !== access || used.refused !== refused) await this.#store.put(id, keys);
  }

  /** @param {string} id */
  #keyOf(id) {
    return bestOf(this.#keys.get(id) ?? [])?.key ?? null;
  }

  /** @param {string} id */
  async #forget(id) {
    this.#keys.delete(id);
    await this.#store.remove(id);
  }

  /** Takes the operator's key from the address. */
  async #takeOperator() {
    const key = takenKey();
    if (key) await this.#store.put(SERVER, [{ key, access: null }]);
  }
}
