// @ts-check
/**
 * Replicas of visited drawings in IndexedDB, so that they open without the server. Of each there is a log:
 * a snapshot, and the changes after it. Several tabs may write to it.
 *
 * It must never hold what the server has not confirmed, nor keep space that unanswered ops need.
 */

import { committed, isFull, openDatabase, result } from "./database.js";

/** @typedef {import("../model/replica.js").Replica} Replica */
/** @typedef {import("../model/types.js").Change} Change */
/** @typedef {import("../model/types.js").Position} Position */
/**
 * What is stored of a drawing, besides its log. `changes` and `bytes` are those of the log, `strokes` those
 * of its snapshot; `used` is the time of the last write in milliseconds since 1970.
 * @typedef {{drawing: string, title: string, epoch: string, head: number, parts: number, changes: number, strokes: number, bytes: number, used: number}} Held
 */
/** @typedef {{title: string, epoch: string, head: number, changes: Change[]}} StoredReplica */

const DATABASE = "whiteboard-replicas";
const VERSION = 1;
/** Maximum of changes in one record. */
const PART = 2_000;
/** Maximum of bytes of one drawing and of all, and of drawings; the ones unused for longest go first. */
const MAX_BYTES = 48 * 2 ** 20;
const MAX_BYTES_IN_ALL = 160 * 2 ** 20;
const MAX_DRAWINGS = 200;
/** A log longer than this many times its snapshot, plus so many changes, is written anew. */
const LONGEST_LOG = 2;
const SHORT_LOG = 500;

/**
 * How to bring a log up to a replica whose changes after position `saved` are known.
 * @param {Held | undefined} held
 * @param {Position & {saved: number}} replica
 * @returns {"stale"|"append"|"replace"} stale: another tab has stored this or more
 */
export function plan(held, { epoch, head, saved }) {
  if (!held || held.epoch !== epoch) return "replace";
  if (held.head >= head) return "stale";
  const isLong = held.changes > LONGEST_LOG * held.strokes + SHORT_LOG;
  // The changes after `saved` include all after a later position: each stroke's last one counts.
  return held.head >= saved && saved > 0 && !isLong ? "append" : "replace";
}

/**
 * The drawings to remove, the ones unused for longest first, so that the rest is within the bounds.
 * @param {Held[]} all
 * @returns {string[]}
 */
export function surplus(all) {
  let bytes = 0;
  return all
    .toSorted((a, b) => b.used - a.used)
    .filter((held, i) => (bytes += held.bytes) > MAX_BYTES_IN_ALL || i >= MAX_DRAWINGS)
    .map(({ drawing }) => drawing);
}

export class ReplicaStore {
  /** @type {Promise<IDBDatabase | null>} */
  #database;

  /** @param {IDBFactory | undefined} factory */
  constructor(factory) {
    this.#database = openDatabase(factory, DATABASE, VERSION, (database) => {
      database.createObjectStore("drawings", { keyPath: "drawing" });
      database.createObjectStore("log", { keyPath: ["drawing", "part"] });
    });
  }

  /**
   * @param {string} drawing
   * @returns {Promise<StoredReplica | null>}
   */
  async read(drawing) {
    const database = await this.#database;
    if (!database) return null;
    const transaction = database.transaction(["drawings", "log"]);
    /** @type {Held | undefined} */
    const held = await result(transaction.objectStore("drawings").get(drawing));
    if (!held) return null;
    /** @type {{changes: Change[]}[]} */
    const parts = await result(transaction.objectStore("log").getAll(partsOf(drawing)));
    return { title: held.title, epoch: held.epoch, head: held.head, changes: parts.flatMap(({ changes }) => changes) };
  }

  /**
   * Brings what is stored up to a replica, or leaves it if another tab has stored more.
   * @param {string} drawing
   * @param {string} title
   * @param {Replica} replica
   * @param {number} saved the position up to which this tab has saved its epoch; 0: not at all
   */
  async save(drawing, title, replica, saved) {
    const database = await this.#database;
    if (!database) return;
    try {
      await save(database, drawing, title, replica, saved);
    } catch (error) {
      if (!isFull(error)) throw error;
      await this.makeRoom();
      await save(database, drawing, title, replica, 0);
    }
  }

  /** @param {string} drawing */
  async remove(drawing) {
    const database = await this.#database;
    if (!database) return;
    const transaction = database.transaction(["drawings", "log"], "readwrite");
    remove(transaction, drawing);
    await committed(transaction);
  }

  /** Removes every replica: space is needed for what is stored nowhere else. */
  async makeRoom() {
    const database = await this.#database;
    if (!database) return;
    const transaction = database.transaction(["drawings", "log"], "readwrite");
    transaction.objectStore("drawings").clear();
    transaction.objectStore("log").clear();
    await committed(transaction);
  }
}

/**
 * @param {IDBDatabase} database
 * @param {string} drawing
 * @param {string} title
 * @param {Replica} replica
 * @param {number} saved
 */
async function save(database, drawing, title, replica, saved) {
  const transaction = database.transaction(["drawings", "log"], "readwrite");
  const drawings = transaction.objectStore("drawings");
  const log = transaction.objectStore("log");
  /** @type {Held | undefined} */
  const held = await result(drawings.get(drawing));
  // Read now, after the wait, and in one go: the replica changes while this waits again.
  const { epoch, head } = replica;
  if (epoch === null) return committed(transaction);
  const how = plan(held, { epoch, head, saved });
  if (held && how === "stale") {
    drawings.put({ ...held, title, used: Date.now() });
    return committed(transaction);
  }
  const appended = how === "append" ? held : undefined;
  const changes = [...replica.changesAfter(appended ? saved : 0)];
  const bytes = (appended?.bytes ?? 0) + changes.reduce((sum, change) => sum + sizeOf(change), 0);
  if (!appended) remove(transaction, drawing);
  if (bytes > MAX_BYTES) return committed(transaction);
  let parts = appended?.parts ?? 0;
  for (let from = 0; from < changes.length; from += PART) {
    parts += 1;
    // Waited for, so that a large drawing is not copied in one go, which would stop the page for long.
    await result(log.put({ drawing, part: parts, changes: changes.slice(from, from + PART) }));
  }
  drawings.put({
    drawing, title, epoch, head, parts, bytes,
    changes: (appended?.changes ?? 0) + changes.length,
    strokes: appended?.strokes ?? changes.length,
    used: Date.now(),
  });
  for (const old of surplus(await result(drawings.getAll()))) remove(transaction, old);
  await committed(transaction);
}

/**
 * @param {IDBTransaction} transaction
 * @param {string} drawing
 */
function remove(transaction, drawing) {
  transaction.objectStore("drawings").delete(drawing);
  transaction.objectStore("log").delete(partsOf(drawing));
}

/** @param {string} drawing */
function partsOf(drawing) {
  return IDBKeyRange.bound([drawing], [drawing, []]);
}

/** The approximate size of a stored change in bytes.
 * @param {Change} change */
function sizeOf({ body }) {
  return 250 + (body?.points?.length ?? 0) + 2 * (body?.text?.length ?? 0);
}
