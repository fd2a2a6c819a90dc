// @ts-check
/**
 * What one writer wants and has no answer to yet: numbered, kept on a store that survives
 * the page, sent in order, and dropped only by an answer.
 *
 * It must never send an op that is not on the store, never have a hole in its numbers, and never
 * send an op again that it was told is refused: a server remembers no refusal, and would decide
 * anew. So the order to take it off the store is given before anyone is told, also for the page
 * that may adopt what is left there.
 */

import { randomId } from "./ids.js";

/** @typedef {import("./types.js").Op} Op */
/** @typedef {import("./types.js").OpDraft} OpDraft */
/** @typedef {import("./types.js").Writer} Writer */
/** @typedef {import("./types.js").RefusedFrame} RefusedFrame */
/** @typedef {import("./types.js").Position} Position */
/** @typedef {{op: Op, bytes: number, isPlaceholder: boolean}} Entry void: refused, and kept only so that the numbers have no hole */
/**
 * Where ops outlive the page.
 * @typedef {object} OutboxStore
 * @property {(writer: Writer, op: Op, durability?: "strict") => Promise<void>} put
 * @property {(writer: Writer, upTo: number, durability?: "strict") => Promise<void>} deleteUpTo
 */
/**
 * @typedef {object} OutboxEvents
 * @property {(writer: Writer, n: number, position?: Position) => void} answered every op up to `n` has its answer, and what came of them is told `at` this position
 * @property {(writer: Writer, op: Op, frame: RefusedFrame) => void} refused for good
 * @property {() => void} count the number of unanswered ops changed
 * @property {() => void} storeFailed ops are in memory only
 */

/** Most ops that are sent and have no answer. */
const WINDOW = 200;
/** Most ops, and bytes, of one frame: below what the server takes. */
const OPS_PER_FRAME = 500;
const BYTES_PER_FRAME = 200 * 1024;
/** Milliseconds to wait after a refusal for load that does not say how long. */
const LOAD_RETRY = 1000;

export class Outbox {
  /** @type {Entry[]} in order, their numbers without holes */
  #entries = [];
  #next = 1;
  #storedUpTo = 0;
  #sentUpTo = 0;
  /** @type {((frame: object) => void) | null} while a session takes ops */
  #send = null;
  /** @type {ReturnType<typeof setTimeout> | null} */
  #pause = null;
  #store;
  #on;

  /**
   * @param {Writer} writer
   * @param {OutboxStore} store
   * @param {OutboxEvents} on
   * @param {Op[]} [stored] what a dead page left on the store
   */
  constructor(writer, store, on, stored = []) {
    this.writer = writer;
    this.#store = store;
    this.#on = on;
    this.#entries = stored.map(entryOf);
    const last = stored.at(-1);
    if (last) {
      this.#next = last.n + 1;
      this.#storedUpTo = last.n;
      this.#sentUpTo = stored[0].n - 1;
    }
  }

  /** How many wishes have no answer. */
  get count() {
    return this.#entries.reduce((count, entry) => count + (entry.isPlaceholder ? 0 : 1), 0);
  }

  /** The number of the first op without an answer, or of the next one. */
  get first() {
    return this.#entries[0]?.op.n ?? this.#next;
  }

  /** The number the next draft will get. */
  get next() {
    return this.#next;
  }

  /**
   * Numbers a draft, keeps it, and sends it as soon as it is kept.
   * @param {OpDraft} draft
   * @returns {Op}
   */
  add(draft) {
    const op = { n: this.#next, ...draft };
    this.#next += 1;
    this.#entries.push(entryOf(op));
    this.#save(op);
    this.#on.count();
    return op;
  }

  /**
   * What a session says about this writer's ops; anything else is none of its business.
   * @param {import("./types.js").FromServer} frame
   * @param {(frame: object) => void} send
   */
  receive(frame, send) {
    if (frame.type === "welcome") this.opened(frame.done, send, frame);
    else if (frame.type === "done") this.done(frame.n);
    else if (frame.type === "refused") this.refused(frame);
    else if (frame.type === "resend") this.resend(frame.n);
  }

  /**
   * A session takes ops: sends everything that has no answer.
   * @param {number} done the highest number of this writer that is stored
   * @param {(frame: object) => void} send
   * @param {Position} [position] where everything stored of this writer is told
   */
  opened(done, send, position) {
    this.done(done, position);
    this.#send = send;
    this.#sentUpTo = this.first - 1;
    this.#pump();
  }

  closed() {
    this.#send = null;
    this.#resume();
  }

  /**
   * @param {number} n
   * @param {Position} [position]
   */
  done(n, position) {
    if (!this.#remove(n)) return;
    this.#on.answered(this.writer, n, position);
    this.#on.count();
    this.#pump();
  }

  /** @param {RefusedFrame} frame */
  refused(frame) {
    if (frame.reason === "load") {
      this.#sentUpTo = Math.min(this.#sentUpTo, Math.max(frame.n, this.first) - 1);
      this.#resume();
      this.#pause = setTimeout(() => {
        this.#pause = null;
        this.#pump();
      }, frame.retry_ms ?? LOAD_RETRY);
      return;
    }
    const entry = this.#entries.find(({ op }) => op.n === frame.n);
    if (!entry || entry.isPlaceholder) return;
    const { op } = entry;
    const isFirst = entry === this.#entries[0];
    if (isFirst) {
      this.#remove(op.n, "strict");
    } else {
      // Ops before it have no answer yet. Should they be sent again, its number is needed in
      // between: erasing a stroke that never was is done at once and does nothing.
      Object.assign(entry, entryOf({ n: op.n, op: "erase", stroke: randomId() }), { isPlaceholder: true });
      this.#store.put(this.writer, entry.op, "strict").catch(this.#on.storeFailed);
    }
    this.#on.refused(this.writer, op, frame);
    if (isFirst) this.#on.answered(this.writer, op.n);
    this.#on.count();
    this.#pump();
  }

  /** The ops from `n` on were not taken.
   * @param {number} n */
  resend(n) {
    if (n < this.first) return;
    this.#sentUpTo = Math.min(this.#sentUpTo, n - 1);
    this.#pump();
  }

  /**
   * Takes every op up to `n` out of here and off the store.
   * @param {number} n
   * @param {"strict"} [durability]
   * @returns {boolean} whether there was one
   */
  #remove(n, durability) {
    const answered = this.#entries.filter(({ op }) => op.n <= n).length;
    if (answered === 0) return false;
    this.#entries.splice(0, answered);
    this.#store.deleteUpTo(this.writer, n, durability).catch(this.#on.storeFailed);
    return true;
  }

  /** @param {Op} op */
  async #save(op) {
    try {
      await this.#store.put(this.writer, op);
    } catch {
      this.#on.storeFailed();
    }
    this.#storedUpTo = Math.max(this.#storedUpTo, op.n);
    this.#pump();
  }

  #resume() {
    if (this.#pause !== null) clearTimeout(this.#pause);
    this.#pause = null;
  }

  #pump() {
    while (this.#send && this.#pause === null) {
      const limit = Math.min(OPS_PER_FRAME, WINDOW - Math.max(0, this.#sentUpTo - this.first + 1));
      const ready = this.#entries.filter(({ op }) => op.n > this.#sentUpTo && op.n <= this.#storedUpTo).slice(0, limit);
      let bytes = 0;
      const fit = ready.filter((entry, i) => (bytes += entry.bytes) <= BYTES_PER_FRAME || i === 0);
      if (fit.length === 0) return;
      this.#sentUpTo = fit[fit.length - 1].op.n;
      this.#send({ type: "ops", ops: fit.map(({ op }) => op) });
    }
  }
}

/**
 * @param {Op} op
 * @returns {Entry}
 */
function entryOf(op) {
  return { op, bytes: new TextEncoder().encode(JSON.stringify(op)).length, isPlaceholder: false };
}
