// @ts-check
/**
 * Keeps the stored replica of a drawing close to the one in memory: writes it when the page has time,
 * and when the page is hidden, after which it may not run again.
 *
 * It must never write more than what changed, nor while a first load is under way.
 */

import { ReplicaStore } from "./replica-store.js";

/** @typedef {import("../model/replica.js").Replica} Replica */
/** @typedef {import("./replica-store.js").StoredReplica} StoredReplica */

/** Milliseconds to wait for what is stored before the server is asked for everything. */
const READ_WITHIN = 500;
/** Milliseconds after a change until it is written, and the most that the page may then be busy. */
const WRITE_AFTER = 1_000;
const IDLE_WITHIN = 5_000;

export class ReplicaKeeper {
  /** Whether the replica was filled with what was stored. */
  used = false;
  /** What is stored, as far as this tab knows: a position since the replica's last start. */
  #saved = { epoch: "", head: 0, starts: 0, title: "" };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #writing = false;
  #complete = false;
  #ended = false;
  #title = "";
  /** @type {StoredReplica | null} read and not used yet */
  #stored = null;
  #reading;
  #drawing;
  #replica;
  #store;
  #on;

  /**
   * Starts to read.
   * @param {string} drawing
   * @param {Replica} replica
   * @param {IDBFactory | undefined} factory
   * @param {object} on
   * @param {(title: string) => void} on.filled the replica holds what was stored
   * @param {() => void} on.saved the replica is stored
   */
  constructor(drawing, replica, factory, on) {
    this.#drawing = drawing;
    this.#replica = replica;
    this.#store = new ReplicaStore(factory);
    this.#on = on;
    this.#reading = this.#store.read(drawing).then((stored) => (this.#stored = stored), () => null);
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && void this.#write());
    addEventListener("pagehide", () => void this.#write());
  }

  /** Fills the replica, which is empty, with what is stored, unless reading that takes long. */
  async fill() {
    await Promise.race([this.#reading, new Promise((resolve) => setTimeout(resolve, READ_WITHIN))]);
    this.useStored();
  }

  /**
   * Fills the replica if it is still empty, with what was read meanwhile. No request for it may be under way.
   * @returns {boolean} whether it did
   */
  useStored() {
    const stored = this.#stored;
    const replica = this.#replica;
    if (!stored || replica.epoch !== null) return false;
    const { title, epoch, head, changes } = stored;
    this.#stored = null;
    this.used = true;
    replica.reset(epoch);
    replica.apply({ from: 0, head, changes });
    this.#title = title;
    this.#saved = { epoch, head, starts: replica.starts, title };
    this.#complete = true;
    this.#on.filled(title);
    return true;
  }

  /** The replica holds the whole drawing now. */
  loaded() {
    this.#complete = true;
    this.changed();
  }

  /** @param {string} title */
  set title(title) {
    this.#title = title;
    this.changed();
  }

  /** The replica may have changed. */
  changed() {
    if (!this.#complete || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      const write = () => {
        this.#timer = undefined;
        void this.#write();
      };
      // Safari has no idle callback.
      if ("requestIdleCallback" in globalThis) requestIdleCallback(write, { timeout: IDLE_WITHIN });
      else write();
    }, WRITE_AFTER);
  }

  /** The drawing can no longer be opened: forgets it. */
  forget() {
    this.#ended = true;
    void this.#store.remove(this.#drawing).catch(() => {});
  }

  /** Gives the space of all stored replicas to what is stored nowhere else. */
  makeRoom() {
    return this.#store.makeRoom();
  }

  async #write() {
    const { epoch, head, starts } = this.#replica;
    const saved = this.#saved;
    const title = this.#title;
    const isNew = saved.epoch !== epoch || saved.head !== head || saved.starts !== starts || saved.title !== title;
    if (!this.#complete || this.#ended || this.#writing || epoch === null || !isNew) return;
    this.#writing = true;
    try {
      const since = saved.epoch === epoch && saved.starts === starts ? saved.head : 0;
      await this.#store.save(this.#drawing, title, this.#replica, since);
      // Perhaps more was written: what changed meanwhile is written once more.
      this.#saved = { epoch, head, starts, title };
      this.#on.saved();
    } catch {
      // Storage is full or broken: the next write tries again, and the drawing is still on the server.
    } finally {
      this.#writing = false;
    }
  }
}
