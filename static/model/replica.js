// @ts-check
/**
 * The local copy of a drawing: the strokes that the server confirmed, the position up to which they
 * are complete, and on top of them the effects of this browser's ops that are not confirmed yet.
 *
 * It must never do I/O, and never keep an optimistic effect once the server has decided the op.
 */

import { arrival } from "./arrival.js";
import { withFields } from "./edits.js";

/** @typedef {import("./types.js").Change} Change */
/** @typedef {import("./types.js").Op} Op */
/** @typedef {import("./types.js").OpId} OpId */
/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").Stroke} Stroke */
/** @typedef {import("./types.js").Position} Position */
/** @typedef {{id: string, seq: number, z: number, body: Body | null, last: OpId}} StrokeState `body` is null if the stroke is erased. */
/** @typedef {{writer: string, op: Op, answered: boolean, confirmedAt: number}} Pending `confirmedAt` is a position that includes the op's change, or Infinity while unknown. */

/** Unconfirmed strokes are painted above all confirmed ones: at this number and that of their op. */
export const Z_OF_PENDING = 2 ** 52;

export class Replica {
  /** @type {string | null} the epoch that `head` belongs to; null before the first load */
  epoch = null;
  /** The last position held. */
  head = 0;
  /** How often it has started over. What is erased before such a start is not known after it. */
  starts = 0;
  /** @type {Map<string, StrokeState>} */
  #confirmed = new Map();
  /** @type {Map<string, Pending[]>} by stroke, in the order they were added */
  #pending = new Map();
  /** @type {Map<string, Stroke>} the strokes to paint */
  #visible = new Map();
  /** @type {Map<string, number>} by writer: its last answered op */
  #answered = new Map();
  #onChange;
  #onLostRefusal;

  /**
   * @param {(id: string, before: Stroke | null, after: Stroke | null) => void} onChange
   * @param {(writer: string, op: Op) => void} onLostRefusal a draw op was refused or its stroke erased, and no frame said so
   */
  constructor(onChange, onLostRefusal = () => {}) {
    this.#onChange = onChange;
    this.#onLostRefusal = onLostRefusal;
  }

  /** @param {string} id */
  stroke(id) {
    return this.#visible.get(id) ?? null;
  }

  /** Whether the server has sent this stroke, erased or not.
   * @param {string} id */
  knows(id) {
    return this.#confirmed.has(id);
  }

  /** The strokes to paint, in no particular order: the scene has them in painting order. */
  strokes() {
    return this.#visible.values();
  }

  /**
   * The confirmed changes after a position, each stroke's last one; after position 0, without erased strokes.
   * @param {number} since
   * @returns {Generator<Change>}
   */
  *changesAfter(since) {
    for (const [stroke, { seq, z, body, last: { writer, n } }] of this.#confirmed) {
      if (seq <= since || (since === 0 && !body)) continue;
      yield body ? { seq, stroke, z, writer, n, body } : { seq, stroke, z, writer, n, erased: true };
    }
  }

  /** The number of ops whose effect is not confirmed yet. */
  pendingCount() {
    let count = 0;
    for (const list of this.#pending.values()) count += list.length;
    return count;
  }

  /** The strokes to paint that have effects which are not confirmed. */
  unconfirmed() {
    return [...this.#pending.keys()].flatMap((id) => this.#visible.get(id) ?? []);
  }

  /**
   * Applies an update of the positions after `from` up to `head`, if it continues at this replica's head.
   * @param {{from: number, head: number, changes: Change[]}} update
   * @returns {"stale"|"next"|"gap"} on a gap nothing is applied
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
   * Drops every confirmed stroke and starts over at position 0; unanswered ops stay.
   * @param {string} epoch the new epoch
   */
  reset(epoch) {
    const ids = [...this.#confirmed.keys()];
    this.epoch = epoch;
    this.head = 0;
    this.starts += 1;
    this.#confirmed.clear();
    for (const id of [...this.#pending.keys()]) {
      this.#keepPending(id, (pending) => !pending.answered);
    }
    ids.forEach((id) => this.#update(id));
  }

  /**
   * Shows the effect of an op at once, unless the server has confirmed it already.
   * @param {string} writer
   * @param {Op} op
   */
  applyOptimistic(writer, op) {
    const last = this.#confirmed.get(op.stroke)?.last;
    if (last && last.writer === writer && last.n >= op.n) return;
    const list = this.#pending.get(op.stroke) ?? [];
    list.push({ writer, op, answered: false, confirmedAt: Infinity });
    this.#pending.set(op.stroke, list);
    this.#update(op.stroke);
  }

  /**
   * The writer's ops up to `n` are decided. Their changes may arrive later than the answer, so the
   * optimistic effects stay until then.
   * @param {string} writer
   * @param {number} n
   * @param {Position} [position] a position that includes all their changes, if known
   */
  answered(writer, n, position) {
    this.#answered.set(writer, Math.max(n, this.#answered.get(writer) ?? 0));
    const confirmedAt = position?.epoch === this.epoch ? position.head : Infinity;
    for (const [id, list] of [...this.#pending]) {
      for (const pending of list) {
        if (pending.writer !== writer || pending.op.n > n) continue;
        pending.answered = true;
        pending.confirmedAt = Math.min(pending.confirmedAt, confirmedAt);
      }
      // Erasing a stroke that does not exist makes no change that could confirm it.
      if (this.#confirmed.get(id)?.body || list.some(({ op }) => op.op !== "erase")) continue;
      this.#keepPending(id, ({ answered }) => !answered);
    }
    this.#dropConfirmed();
  }

  /**
   * The server refused the op: drops its effect.
   * @param {string} writer
   * @param {number} n
   */
  refused(writer, n) {
    for (const id of [...this.#pending.keys()]) {
      this.#keepPending(id, (pending) => pending.writer !== writer || pending.op.n !== n);
    }
  }

  /** All changes of answered ops have arrived: any such op still pending had no effect. */
  dropAnswered() {
    for (const id of [...this.#pending.keys()]) {
      this.#keepPending(id, (pending) => !pending.answered);
    }
  }

  /** Drops the ops confirmed by the current head. A drawn stroke that is missing then was refused. */
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
  #applyChange({ seq, stroke, z = seq, writer, n, body }) {
    this.#confirmed.set(stroke, { id: stroke, seq, z, body: body ?? null, last: { writer, n } });
    const changed = this.#keepPending(
      stroke,
      (pending) => !pending.answered && !(pending.writer === writer && pending.op.n <= n),
    );
    if (!changed) this.#update(stroke);
  }

  /**
   * @param {string} id
   * @param {(pending: Pending) => boolean} keep
   * @returns {boolean} whether any was dropped, and the visible stroke updated
   */
  #keepPending(id, keep) {
    const list = this.#pending.get(id);
    if (!list) return false;
    const kept = list.filter(keep);
    if (kept.length === list.length) return false;
    if (kept.length > 0) this.#pending.set(id, kept);
    else this.#pending.delete(id);
    this.#update(id);
    return true;
  }

  /**
   * The position that an unanswered op will have if nobody else writes.
   * @param {string} writer
   * @param {number} n its number
   */
  positionOf(writer, n) {
    return this.head + n - (this.#answered.get(writer) ?? 0);
  }

  /**
   * The painting order that an op gives its stroke until it is confirmed. Places after the head are those
   * of other unconfirmed strokes.
   * @param {string} writer
   * @param {Op} op
   */
  #zOf(writer, { n, z }) {
    if (z !== undefined && z <= this.head) return z;
    return Z_OF_PENDING + (z === undefined ? n : z - this.positionOf(writer, 0));
  }

  /** @param {string} id */
  #update(id) {
    const before = this.#visible.get(id) ?? null;
    let state = this.#confirmed.get(id) ?? null;
    for (const { writer, op } of this.#pending.get(id) ?? []) {
      state = predicted(state, writer, op, this.#zOf(writer, op));
    }
    const after = hasBody(state) ? state : null;
    if (!before && !after) return;
    // What is known of a body is known by its identity: an equal one is not measured and traced again.
    const isSame = before && after && isEqual(before.body, after.body);
    if (isSame) after.body = before.body;
    if (after) this.#visible.set(id, after);
    else this.#visible.delete(id);
    if (!isSame || before.z !== after.z || !isEqual(before.last, after.last)) this.#onChange(id, before, after);
  }
}

/**
 * @param {StrokeState | null} state
 * @returns {state is StrokeState & Stroke}
 */
function hasBody(state) {
  return !!state?.body;
}

/**
 * Whether two objects have the same fields.
 * @param {Record<string, any>} a
 * @param {Record<string, any>} b
 */
function isEqual(a, b) {
  const fields = Object.keys(a);
  return fields.length === Object.keys(b).length
    && fields.every((field) => a[field] === b[field] || (typeof a[field] === "object" && JSON.stringify(a[field]) === JSON.stringify(b[field])));
}

/**
 * The expected result of an op if nobody else changes the stroke: the server's rules in short.
 * @param {StrokeState | null} state
 * @param {string} writer
 * @param {Op} op
 * @param {number} z the place that it gives the stroke
 * @returns {StrokeState | null}
 */
function predicted(state, writer, op, z) {
  const id = op.stroke;
  const last = { writer, n: op.n };
  const seq = state?.seq ?? 0;
  const baseMatches = !op.base || (state?.last.writer === op.base.writer && state.last.n === op.base.n);
  switch (op.op) {
    case "draw":
      return state ?? { id, seq, z, body: op.body ?? null, last };
    case "edit":
      return state?.body && baseMatches ? { id, seq, z: op.z === undefined ? state.z : z, body: withFields(state.body, op.set ?? {}), last } : state;
    case "erase":
      return state?.body && baseMatches ? { id, seq, z: state.z, body: null, last } : state;
    case "restore":
      // A replica that was loaded after the erasure does not know the stroke.
      if (!state) return { id, seq, z, body: op.body ?? null, last };
      return !state.body && baseMatches ? { id, seq, z: state.z, body: op.body ?? null, last } : state;
  }
}
