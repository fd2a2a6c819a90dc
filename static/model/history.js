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

/** Maximum of steps that can be undone. */
const MAX_STEPS = 500;

export class History {
  /** @type {Edit[][]} */
  #done = [];
  /** @type {Edit[][]} */
  #undone = [];
  /** @type {Map<string, number>} this tab's last op on each stroke */
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
    this.#send([...possible].reverse().map((edit) => this.#reverted(edit)));
    if (possible.length > 0) this.#undone.push(possible);
    this.#changed();
    return edits.length - possible.length;
  }

  redo() {
    const edits = this.#undone.pop();
    if (!edits) return;
    this.#send(edits.map((edit) => this.#reapplied(edit)));
    this.#done.push(edits);
    this.#changed();
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
    return { writer: this.#writer, n: this.#last.get(stroke) ?? 0 };
  }

  /** @param {OpDraft[]} drafts each on another stroke, since a draft's base is the op before it */
  #send(drafts) {
    if (drafts.length === 0) return;
    const first = this.#submit(drafts);
    drafts.forEach(({ stroke }, i) => this.#last.set(stroke, first + i));
  }
}
