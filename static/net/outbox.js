// @ts-check
/**
 * One writer's unanswered ops: numbered, stored so that they survive the tab, sent in order, and
 * removed only by an answer.
 *
 * It sends an op once storing it has succeeded or failed; after a failure the op is in memory only.
 *
 * It must never leave a gap in the numbers, and never resend an op after its refusal: servers do not
 * remember refusals and would decide it again. Removing or replacing a refused op starts before anyone
 * is notified; otherwise a tab that recovers this one's ops could resend it.
 */

import { randomId } from "../model/ids.js";

/** @typedef {import("../model/types.js").Op} Op */
/** @typedef {import("../model/types.js").OpDraft} OpDraft */
/** @typedef {import("../model/types.js").Writer} Writer */
/** @typedef {import("../model/types.js").RefusedFrame} RefusedFrame */
/** @typedef {import("../model/types.js").Position} Position */
/** @typedef {{op: Op, bytes: number, isPlaceholder: boolean}} Entry A placeholder replaces a refused op, so that the numbers have no gap. */
/**
 * Storage that outlives the tab.
 * @typedef {object} OutboxStore
 * @property {(writer: Writer, ops: Op[], durability?: "strict") => Promise<void>} put
 * @property {(writer: Writer, upTo: number, durability?: "strict") => Promise<void>} deleteUpTo
 */
/**
 * @typedef {object} OutboxEvents
 * @property {(writer: Writer, n: number, position?: Position) => void} answered every op up to `n` has its answer; `position` includes all their changes
 * @property {(writer: Writer, op: Op, frame: RefusedFrame) => void} refused for good
 * @property {() => void} countChanged the number of unanswered ops changed
 * @property {() => void} storeFailed an op could not be stored and is in memory only
 */

/** Maximum of ops and of bytes in flight: sent and not answered. Many, so that a file is not sent in round trips. */
const WINDOW = 1_000;
const BYTES_IN_FLIGHT = 2 * 1024 * 1024;
/** Maximum of ops and of bytes in one frame, below the server's limits. */
const OPS_PER_FRAME = 500;
const BYTES_PER_FRAME = 200 * 1024;
/** Milliseconds after which an op in flight is overdue. */
const OVERDUE_AFTER = 3_000;
/** Milliseconds that ops are held back at most while a session accepts them. */
const HELD_AT_MOST = 15_000;
/** Milliseconds to wait after a refusal for load without `retry_ms`. */
const LOAD_RETRY = 1000;

export class Outbox {
  /** @type {Entry[]} in order, with consecutive numbers */
  #entries = [];
  /** How many of them are placeholders. */
  #placeholders = 0;
  #next = 1;
  #storedUpTo = 0;
  #sentUpTo = 0;
  /** When ops were sent or answered last while some are in flight. */
  #waitingSince = Infinity;
  /** @type {((frame: object) => void) | null} null until a session accepts ops */
  #send = null;
  /** @type {ReturnType<typeof setTimeout> | null} */
  #pause = null;
  #held = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #holdEnd;
  #store;
  #on;

  /**
   * @param {Writer} writer
   * @param {OutboxStore} store
   * @param {OutboxEvents} on
   * @param {Op[]} [stored] the ops of a dead tab
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

  /** The number of unanswered ops. */
  get count() {
    return this.#entries.length - this.#placeholders;
  }

  /** The number of the first unanswered op, or of the next one to be added. */
  get first() {
    return this.#entries[0]?.op.n ?? this.#next;
  }

  /**
   * Whether ops in flight have waited long for an answer. The next time is as long after this one.
   * @param {number} now
   */
  becameOverdue(now) {
    if (!this.#send || this.#pause !== null || now - this.#waitingSince < OVERDUE_AFTER) return false;
    this.#waitingSince = now;
    return true;
  }

  /** The number of the next op to be added. */
  get next() {
    return this.#next;
  }

  /**
   * Numbers and stores drafts, and sends them once storing them has succeeded or failed.
   * @param {OpDraft[]} drafts at least one
   * @returns {Op[]}
   */
  add(drafts) {
    const ops = drafts.map((draft, i) => ({ n: this.#next + i, ...draft }));
    this.#next += ops.length;
    for (const op of ops) this.#entries.push(entryOf(op));
    this.#save(ops);
    this.#on.countChanged();
    return ops;
  }

  /**
   * Holds ops back while ops of a closed tab, which these may be based on, are unanswered. Not for ever:
   * what may be refused then is better than what is never sent.
   * @param {boolean} held
   */
  hold(held) {
    this.#held = held;
    if (held) this.#endHold();
    else this.#pump();
  }

  /**
   * Handles the frames about this writer's ops and ignores all others.
   * @param {import("../model/types.js").FromServer} frame
   * @param {(frame: object) => void} send
   */
  receive(frame, send) {
    if (frame.type === "welcome") this.opened(frame.done, send, frame);
    else if (frame.type === "done") this.done(frame.n);
    else if (frame.type === "refused") this.refused(frame);
    else if (frame.type === "resend") this.resend(frame.n);
  }

  /**
   * A session accepts ops: sends every unanswered one.
   * @param {number} done the highest number of this writer that the server stored
   * @param {(frame: object) => void} send
   * @param {Position} [position] includes all changes of those ops
   */
  opened(done, send, position) {
    this.done(done, position);
    this.#send = send;
    this.#sentUpTo = this.first - 1;
    this.#waitingSince = Infinity;
    this.#endHold();
    this.#pump();
  }

  closed() {
    this.#send = null;
    this.#waitingSince = Infinity;
    this.#resume();
  }

  /**
   * @param {number} n
   * @param {Position} [position]
   */
  done(n, position) {
    if (!this.#remove(n)) return;
    this.#on.answered(this.writer, n, position);
    this.#on.countChanged();
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
      // If the ops before it are resent, its number must not be missing between them. Erasing a stroke
      // that does not exist is answered and has no effect.
      Object.assign(entry, entryOf({ n: op.n, op: "erase", stroke: randomId() }), { isPlaceholder: true });
      this.#placeholders += 1;
      this.#store.put(this.writer, [entry.op], "strict").catch(this.#on.storeFailed);
    }
    this.#on.refused(this.writer, op, frame);
    if (isFirst) this.#on.answered(this.writer, op.n);
    this.#on.countChanged();
    this.#pump();
  }

  /** The server did not accept the ops from `n` on.
   * @param {number} n */
  resend(n) {
    if (n < this.first) return;
    this.#sentUpTo = Math.min(this.#sentUpTo, n - 1);
    this.#pump();
  }

  /**
   * Removes every op up to `n` from memory and from the store.
   * @param {number} n
   * @param {"strict"} [durability]
   * @returns {boolean} whether there was one
   */
  #remove(n, durability) {
    const answered = this.#entries.splice(0, this.#indexAfter(n));
    if (answered.length === 0) return false;
    this.#placeholders -= answered.filter(({ isPlaceholder }) => isPlaceholder).length;
    this.#waitingSince = this.first <= this.#sentUpTo ? performance.now() : Infinity;
    this.#store.deleteUpTo(this.writer, n, durability).catch(this.#on.storeFailed);
    return true;
  }

  /** @param {Op[]} ops */
  async #save(ops) {
    try {
      await this.#store.put(this.writer, ops);
    } catch {
      this.#on.storeFailed();
    }
    this.#storedUpTo = Math.max(this.#storedUpTo, ops[ops.length - 1].n);
    this.#pump();
  }

  /** The index of the first op after number `n`, which is near the start: few ops are in flight.
   * @param {number} n */
  #indexAfter(n) {
    const index = this.#entries.findIndex(({ op }) => op.n > n);
    return index < 0 ? this.#entries.length : index;
  }

  #endHold() {
    clearTimeout(this.#holdEnd);
    if (this.#held && this.#send) this.#holdEnd = setTimeout(() => this.hold(false), HELD_AT_MOST);
  }

  #resume() {
    if (this.#pause !== null) clearTimeout(this.#pause);
    this.#pause = null;
  }

  #pump() {
    while (this.#send && this.#pause === null && !this.#held) {
      const limit = Math.min(OPS_PER_FRAME, WINDOW - Math.max(0, this.#sentUpTo - this.first + 1));
      const from = this.#indexAfter(this.#sentUpTo);
      const ready = this.#entries.slice(from, from + limit);
      const inFlight = this.#entries.slice(0, from).reduce((sum, { bytes }) => sum + bytes, 0);
      if (inFlight >= BYTES_IN_FLIGHT) return;
      let bytes = 0;
      const fit = ready.filter(({ op, bytes: size }, i) => op.n <= this.#storedUpTo && ((bytes += size) <= BYTES_PER_FRAME || i === 0));
      if (fit.length === 0) return;
      this.#sentUpTo = fit[fit.length - 1].op.n;
      this.#waitingSince = Math.min(this.#waitingSince, performance.now());
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
