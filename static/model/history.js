// @ts-check
/**
 * Undo and redo of this tab's edits. Each is a new op based on this tab's last op on the stroke, so that
 * it never reverts a newer change by somebody else.
 *
 * It must never touch the replica: it only submits ops.
 */

/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").OpDraft} OpDraft */
/** @typedef {import("./types.js").Fields} Fields */
/** @typedef {import("./edits.js").Edit} Edit */

/** @typedef {import("./types.js").OpId} OpId */
/** @typedef {{done: Edit[][], undone: Edit[][], last: [string, OpId][]}} Kept What a reload of the tab needs; `last` is by stroke. */

/** Maximum of steps that can be undone. */
const MAX_STEPS = 500;

export class History {
  /** @type {Edit[][]} */
  #done = [];
  /** @type {Edit[][]} */
  #undone = [];
  /** @type {Map<string, OpId>} this tab's last op on each stroke, of any of its writers */
  #last = new Map();
  #writer;
  #submit;
  #changed;

  /**
   * @param {string} writer the public id of this tab
   * @param {(drafts: OpDraft[]) => number} submit queues ops, of which there is at least one, and returns the number of the first
   * @param {() => void} [changed] `canUndo` or `canRedo` may have changed
   */
  constructor(writer, submit, changed = () => {}) {
    this.#writer = writer;
    this.#submit = submit;
    this.#changed = changed;
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /**
   * Does all edits as one step, which one undo reverts.
   * @param {Edit[]} edits
   */
  commit(edits) {
    this.apply(edits);
    this.record(edits);
  }

  /**
   * Does edits as part of a step that `record` ends, for a gesture that acts while it lasts.
   * @param {Edit[]} edits
   */
  apply(edits) {
    this.#send(edits.map((edit) => {
      if (edit.op === "draw") return { op: "draw", stroke: edit.stroke, body: edit.body };
      if (edit.op === "erase") return { op: "erase", stroke: edit.stroke };
      return { op: "edit", stroke: edit.stroke, set: edit.after, ...(edit.z ? { z: edit.z.after } : {}) };
    }));
  }

  /**
   * Takes back edits that were applied, as if they had not been.
   * @param {Edit[]} edits
   */
  revert(edits) {
    this.#send([...edits].reverse().map((edit) => this.#reverted(edit)));
  }

  /**
   * Records edits that were applied as one step.
   * @param {Edit[]} edits
   */
  record(edits) {
    if (edits.length === 0) return;
    this.#done.push(edits);
    if (this.#done.length > MAX_STEPS) this.#done.shift();
    this.#undone = [];
    this.#changed();
  }

  /**
   * Erases a stroke that this tab has just drawn, as if it had never been drawn.
   * @param {string} stroke
   */
  retract(stroke) {
    this.#send([this.#erased(stroke)]);
    this.forget(stroke);
  }

  /**
   * Undoes the last step, except for what somebody else has erased since.
   * @param {(stroke: string) => boolean} [exists]
   * @returns {number} how many of its edits could not be undone
   */
  undo(exists = () => true) {
    const edits = this.#done.pop() ?? [];
    const possible = edits.filter(({ op, stroke }) => op === "erase" || exists(stroke));
    this.revert(possible);
    if (possible.length > 0) this.#undone.push(possible);
    this.#changed();
    return edits.length - possible.length;
  }

  /**
   * Does the step again that was undone last, except for what somebody else has erased since.
   * @param {(stroke: string) => boolean} [exists]
   * @returns {number} how many of its edits could not be done
   */
  redo(exists = () => true) {
    const edits = this.#undone.pop() ?? [];
    const possible = edits.filter(({ op, stroke }) => op === "draw" || exists(stroke));
    this.#send(possible.map((edit) => this.#reapplied(edit)));
    if (possible.length > 0) this.#done.push(possible);
    this.#changed();
    return edits.length - possible.length;
  }

  /**
   * Drops a stroke from the history: this tab's edits of it can no longer be undone.
   * @param {string} stroke
   */
  forget(stroke) {
    const without = (/** @type {Edit[][]} */ steps) =>
      steps.map((edits) => edits.filter((edit) => edit.stroke !== stroke)).filter((edits) => edits.length > 0);
    this.#done = without(this.#done);
    this.#undone = without(this.#undone);
    this.#last.delete(stroke);
    this.#changed();
  }

  /**
   * The newest steps, to be restored after a reload.
   * @param {number} most characters of JSON
   * @returns {Kept}
   */
  kept(most) {
    let rest = most;
    const fit = (/** @type {Edit[][]} */ steps) => {
      let from = steps.length;
      while (from > 0 && (rest -= JSON.stringify(steps[from - 1]).length) >= 0) from -= 1;
      return steps.slice(from);
    };
    const [done, undone] = [fit(this.#done), fit(this.#undone)];
    const strokes = new Set([...done, ...undone].flat().map(({ stroke }) => stroke));
    return { done, undone, last: [...this.#last].filter(([stroke]) => strokes.has(stroke)) };
  }

  /**
   * Puts the steps of the page before the reload below this one's.
   * @param {Kept} kept
   */
  restore({ done, undone, last }) {
    // Something done since makes what was undone before impossible to redo.
    if (this.#done.length + this.#undone.length === 0) this.#undone = undone;
    this.#done = [...done, ...this.#done];
    for (const [stroke, op] of last) if (!this.#last.has(stroke)) this.#last.set(stroke, op);
    this.#changed();
  }

  /** @param {Edit} edit */
  #reverted(edit) {
    if (edit.op === "draw") return this.#erased(edit.stroke);
    return edit.op === "erase" ? this.#restored(edit.stroke, edit.body) : this.#edited(edit.stroke, edit.before, edit.z?.before);
  }

  /** @param {Edit} edit */
  #reapplied(edit) {
    if (edit.op === "draw") return this.#restored(edit.stroke, edit.body);
    return edit.op === "erase" ? this.#erased(edit.stroke) : this.#edited(edit.stroke, edit.after, edit.z?.after);
  }

  /** @param {string} stroke
   * @returns {OpDraft} */
  #erased(stroke) {
    return { op: "erase", stroke, base: this.#base(stroke) };
  }

  /**
   * @param {string} stroke
   * @param {Body} body
   * @returns {OpDraft}
   */
  #restored(stroke, body) {
    return { op: "restore", stroke, body, base: this.#base(stroke) };
  }

  /**
   * @param {string} stroke
   * @param {Fields} set
   * @param {number} [z]
   * @returns {OpDraft}
   */
  #edited(stroke, set, z) {
    return { op: "edit", stroke, set, ...(z === undefined ? {} : { z }), base: this.#base(stroke) };
  }

  /** @param {string} stroke */
  #base(stroke) {
    return this.#last.get(stroke) ?? { writer: this.#writer, n: 0 };
  }

  /** @param {OpDraft[]} drafts each on another stroke, since a draft's base is the op before it */
  #send(drafts) {
    if (drafts.length === 0) return;
    const first = this.#submit(drafts);
    drafts.forEach(({ stroke }, i) => this.#last.set(stroke, { writer: this.#writer, n: first + i }));
  }
}
