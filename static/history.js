// @ts-check
/**
 * Undo and redo of this tab's edits. Each is a new op based on this tab's last op on the stroke, so that
 * it never reverts a newer change by somebody else.
 *
 * It must never touch the replica: it only submits ops.
 */

/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").OpDraft} OpDraft */
/**
 * An edit of one stroke. Drawn and erased strokes include the body, since a tombstone has none; an edit
 * includes the changed fields before and after.
 * @typedef {{kind: "draw", stroke: string, body: Body}
 *   | {kind: "erase", stroke: string, body: Body}
 *   | {kind: "edit", stroke: string, before: Record<string, unknown>, after: Record<string, unknown>}} Edit
 */

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
   * @param {(draft: OpDraft) => number} submit queues an op and returns its number
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
   * Submits an edit, as part of a step that `finish` ends.
   * @param {Edit} edit
   */
  act(edit) {
    if (edit.kind === "draw") this.#send(edit.stroke, { op: "draw", stroke: edit.stroke, body: edit.body });
    else if (edit.kind === "erase") this.#send(edit.stroke, { op: "erase", stroke: edit.stroke });
    else this.#send(edit.stroke, { op: "edit", stroke: edit.stroke, set: edit.after });
  }

  /**
   * Records edits as one step.
   * @param {Edit[]} edits
   */
  finish(edits) {
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
    this.#erase(stroke);
    this.forget(stroke);
  }

  /**
   * Undoes the last step, except for what somebody else has erased since.
   * @param {(stroke: string) => boolean} [exists]
   * @returns {number} how many of its edits could not be undone
   */
  undo(exists = () => true) {
    const edits = this.#done.pop() ?? [];
    const possible = edits.filter(({ kind, stroke }) => kind === "erase" || exists(stroke));
    [...possible].reverse().forEach((edit) => this.#revert(edit));
    if (possible.length > 0) this.#undone.push(possible);
    this.#changed();
    return edits.length - possible.length;
  }

  redo() {
    const edits = this.#undone.pop();
    if (!edits) return;
    edits.forEach((edit) => this.#reapply(edit));
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
  #revert(edit) {
    if (edit.kind === "draw") this.#erase(edit.stroke);
    else if (edit.kind === "erase") this.#restore(edit.stroke, edit.body);
    else this.#edit(edit.stroke, edit.before);
  }

  /** @param {Edit} edit */
  #reapply(edit) {
    if (edit.kind === "draw") this.#restore(edit.stroke, edit.body);
    else if (edit.kind === "erase") this.#erase(edit.stroke);
    else this.#edit(edit.stroke, edit.after);
  }

  /** @param {string} stroke */
  #erase(stroke) {
    this.#send(stroke, { op: "erase", stroke, base: this.#base(stroke) });
  }

  /**
   * @param {string} stroke
   * @param {Body} body
   */
  #restore(stroke, body) {
    this.#send(stroke, { op: "restore", stroke, body, base: this.#base(stroke) });
  }

  /**
   * @param {string} stroke
   * @param {Record<string, unknown>} set
   */
  #edit(stroke, set) {
    this.#send(stroke, { op: "edit", stroke, set, base: this.#base(stroke) });
  }

  /** @param {string} stroke */
  #base(stroke) {
    return { writer: this.#writer, n: this.#last.get(stroke) ?? 0 };
  }

  /**
   * @param {string} stroke
   * @param {OpDraft} draft
   */
  #send(stroke, draft) {
    this.#last.set(stroke, this.#submit(draft));
  }
}
