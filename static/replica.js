// @ts-check
/**
 * One drawing as this page holds it: the strokes the server told, the position they reach,
 * and on top of them what this browser wants and has no answer to yet.
 *
 * It must never do I/O, and never let an own wish outlive the server's word on it.
 */

import { arrival } from "./arrival.js";

/** @typedef {import("./types.js").Change} Change */
/** @typedef {import("./types.js").Op} Op */
/** @typedef {import("./types.js").OpId} OpId */
/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").Stroke} Stroke */
/** @typedef {import("./types.js").Position} Position */
/** @typedef {{z: number, body: Body | null, last: OpId}} StrokeState a stroke that is there, or (without a body) erased */
/** @typedef {{writer: string, op: Op, answered: boolean, confirmedAt: number}} Pending by: the position at which what came of it is told */

/** What is not stored yet is painted above everything that is. */
const Z_OF_PENDING = 2 ** 52;

export class Replica {
  /** @type {string | null} the epoch that `head` belongs to; null before the first load */
  epoch = null;
  /** The last position held. */
  head = 0;
  /** @type {Map<string, StrokeState>} */
  #confirmed = new Map();
  /** @type {Map<string, Pending[]>} by stroke, in the order they were wished */
  #pending = new Map();
  /** @type {Map<string, Stroke>} what is to be painted */
  #visible = new Map();
  /** @type {Stroke[] | null} */
  #ordered = null;
  #shownCount = 0;
  #onChange;
  #onLostRefusal;

  /**
   * @param {(id: string, before: Stroke | null, after: Stroke | null) => void} onChange
   * @param {(writer: string, op: Op) => void} onLostRefusal a stroke was refused, and the word of it never came
   */
  constructor(onChange, onLostRefusal = () => {}) {
    this.#onChange = onChange;
    this.#onLostRefusal = onLostRefusal;
  }

  /** @param {string} id */
  stroke(id) {
    return this.#visible.get(id) ?? null;
  }

  /** Whether the server ever told of this stroke, erased or not.
   * @param {string} id */
  knows(id) {
    return this.#confirmed.has(id);
  }

  /** The strokes in painting order: by z, ties by id. */
  ordered() {
    this.#ordered ??= [...this.#visible.values()].sort((a, b) => a.z - b.z || (a.id < b.id ? -1 : 1));
    return this.#ordered;
  }

  /** How many wishes wait for the server's word on them. */
  pendingCount() {
    let count = 0;
    for (const list of this.#pending.values()) count += list.length;
    return count;
  }

  /**
   * Takes in what covers the positions after `from` up to `head`, if it continues what is held.
   * @param {{from: number, head: number, changes: Change[]}} update
   * @returns {"stale"|"next"|"gap"} at a gap nothing is taken
   */
  apply({ from, head, changes }) {
    const order = arrival(this.head, from, head);
    if (order !== "next") return order;
    for (const change of changes) {
      if (change.seq > this.head) this.#applyChange(change);
    }
    this.head = head;
    this.#dropConfirmed();
    return order;
  }

  /**
   * Forgets every stroke and position; what this browser wants stays.
   * @param {string} epoch the epoch that begins
   */
  reset(epoch) {
    const ids = [...this.#confirmed.keys()];
    this.epoch = epoch;
    this.head = 0;
    this.#confirmed.clear();
    for (const id of [...this.#pending.keys()]) {
      this.#keepPending(id, (pending) => !pending.answered);
    }
    ids.forEach((id) => this.#show(id));
  }

  /**
   * Shows at once what a writer of this browser wants, unless the server told of it already.
   * @param {string} writer
   * @param {Op} op
   */
  applyOptimistic(writer, op) {
    const last = this.#confirmed.get(op.stroke)?.last;
    if (last && last.writer === writer && last.n >= op.n) return;
    const list = this.#pending.get(op.stroke) ?? [];
    list.push({ writer, op, answered: false, confirmedAt: Infinity });
    this.#pending.set(op.stroke, list);
    this.#show(op.stroke);
  }

  /**
   * The writer's ops up to `n` are decided. What came of them may still be on its way here,
   * so their effect stays until it arrives.
   * @param {string} writer
   * @param {number} n
   * @param {Position} [position] where all of it is told, if that is known
   */
  answered(writer, n, position) {
    const confirmedAt = position?.epoch === this.epoch ? position.head : Infinity;
    for (const [id, list] of [...this.#pending]) {
      for (const pending of list) {
        if (pending.writer !== writer || pending.op.n > n) continue;
        pending.answered = true;
        pending.confirmedAt = Math.min(pending.confirmedAt, confirmedAt);
      }
      // To erase what is not there leaves nothing to be told.
      if (this.#confirmed.get(id)?.body || list.some(({ op }) => op.op !== "erase")) continue;
      this.#keepPending(id, ({ answered }) => !answered);
    }
    this.#dropConfirmed();
  }

  /**
   * The writer's op came to nothing.
   * @param {string} writer
   * @param {number} n
   */
  refused(writer, n) {
    for (const id of [...this.#pending.keys()]) {
      this.#keepPending(id, (pending) => pending.writer !== writer || pending.op.n !== n);
    }
  }

  /** Everything that was answered is held by now: what is left of it had no effect. */
  dropAnswered() {
    for (const id of [...this.#pending.keys()]) {
      this.#keepPending(id, (pending) => !pending.answered);
    }
  }

  /** Lets go of the wishes that everything is told of. A stroke that was never told was refused. */
  #dropConfirmed() {
    for (const [id, list] of [...this.#pending]) {
      const confirmed = list.filter(({ confirmedAt }) => confirmedAt <= this.head);
      if (confirmed.length === 0) continue;
      this.#keepPending(id, ({ confirmedAt }) => confirmedAt > this.head);
      const refused = confirmed.filter(({ op }) => op.op === "draw" && !this.#confirmed.has(id));
      refused.forEach(({ writer, op }) => this.#onLostRefusal(writer, op));
    }
  }

  /** @param {Change} change */
  #applyChange({ stroke, z, writer, n, body }) {
    this.#confirmed.set(stroke, { z, body: body ?? null, last: { writer, n } });
    const changed = this.#keepPending(
      stroke,
      (pending) => !pending.answered && !(pending.writer === writer && pending.op.n <= n),
    );
    if (!changed) this.#show(stroke);
  }

  /**
   * @param {string} id
   * @param {(pending: Pending) => boolean} keep
   * @returns {boolean} whether any was dropped, and the stroke shown anew
   */
  #keepPending(id, keep) {
    const list = this.#pending.get(id);
    if (!list) return false;
    const kept = list.filter(keep);
    if (kept.length === list.length) return false;
    if (kept.length > 0) this.#pending.set(id, kept);
    else this.#pending.delete(id);
    this.#show(id);
    return true;
  }

  /** @param {string} id */
  #show(id) {
    const before = this.#visible.get(id) ?? null;
    let state = this.#confirmed.get(id) ?? null;
    for (const { writer, op } of this.#pending.get(id) ?? []) {
      state = predicted(state, writer, op, before?.z ?? Z_OF_PENDING + this.#shownCount);
    }
    const after = state?.body ? { id, z: state.z, body: state.body, last: state.last } : null;
    if (!before && !after) return;
    if (!before) this.#shownCount += 1;
    if (after) this.#visible.set(id, after);
    else this.#visible.delete(id);
    this.#ordered = null;
    this.#onChange(id, before, after);
  }
}

/**
 * What the server will make of an op if nobody else changes the stroke: its rules in short.
 * @param {StrokeState | null} state
 * @param {string} writer
 * @param {Op} op
 * @param {number} z of a new stroke
 * @returns {StrokeState | null}
 */
function predicted(state, writer, op, z) {
  const last = { writer, n: op.n };
  const baseMatches = !op.base || (state?.last.writer === op.base.writer && state.last.n === op.base.n);
  switch (op.op) {
    case "draw":
      return state ?? { z, body: op.body ?? null, last };
    case "edit":
      return state?.body && baseMatches ? { z: state.z, body: withFields(state.body, op.set ?? {}), last } : state;
    case "erase":
      return state?.body && baseMatches ? { z: state.z, body: null, last } : state;
    case "restore":
      return state && !state.body && baseMatches ? { z: state.z, body: op.body ?? null, last } : state;
  }
}

/**
 * @param {Body} body
 * @param {Record<string, unknown>} set
 */
function withFields(body, set) {
  const changed = { ...body, ...set };
  return /** @type {Body} */ (Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== null)));
}
