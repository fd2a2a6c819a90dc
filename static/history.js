// @ts-check
/**
 * Undo and redo of what this page did. Every step back or forth is a new op that builds on
 * this page's last op on the stroke, so that it never takes away somebody else's newer change.
 *
 * It must never touch the replica: it only says what to wish.
 */

/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").Wish} Wish */
/**
 * One thing done to one stroke. A drawn and an erased stroke keep their body, since a
 * tombstone has none; an edit keeps the fields as they were and as they became.
 * @typedef {{kind: "draw", stroke: string, body: Body}
 *   | {kind: "erase", stroke: string, body: Body}
 *   | {kind: "edit", stroke: string, before: Record<string, unknown>, after: Record<string, unknown>}} Deed
 */

/** Steps that are remembered. */
const MOST_STEPS = 500;

export class History {
  /** @type {Deed[][]} */
  #done = [];
  /** @type {Deed[][]} */
  #undone = [];
  /** @type {Map<string, number>} this page's last op on each stroke */
  #last = new Map();
  #writer;
  #wish;
  #changed;

  /**
   * @param {string} writer the public id of this page
   * @param {(wish: Wish) => number} wish sends it off, and tells its number
   * @param {() => void} [changed] there is something else to undo or redo
   */
  constructor(writer, wish, changed = () => {}) {
    this.#writer = writer;
    this.#wish = wish;
    this.#changed = changed;
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /**
   * Does something to one stroke, as part of a step that `finish` closes.
   * @param {Deed} deed
   */
  act(deed) {
    if (deed.kind === "draw") this.#send(deed.stroke, { op: "draw", stroke: deed.stroke, body: deed.body });
    else if (deed.kind === "erase") this.#send(deed.stroke, { op: "erase", stroke: deed.stroke });
    else this.#send(deed.stroke, { op: "edit", stroke: deed.stroke, set: deed.after });
  }

  /**
   * Remembers deeds as one step.
   * @param {Deed[]} deeds
   */
  finish(deeds) {
    if (deeds.length === 0) return;
    this.#done.push(deeds);
    if (this.#done.length > MOST_STEPS) this.#done.shift();
    this.#undone = [];
    this.#changed();
  }

  undo() {
    const deeds = this.#done.pop();
    if (!deeds) return;
    [...deeds].reverse().forEach((deed) => this.#back(deed));
    this.#undone.push(deeds);
    this.#changed();
  }

  redo() {
    const deeds = this.#undone.pop();
    if (!deeds) return;
    deeds.forEach((deed) => this.#forth(deed));
    this.#done.push(deeds);
    this.#changed();
  }

  /**
   * The stroke is out of this page's hands: nothing done to it can be taken back any more.
   * @param {string} stroke
   */
  forget(stroke) {
    const without = (/** @type {Deed[][]} */ steps) =>
      steps.map((deeds) => deeds.filter((deed) => deed.stroke !== stroke)).filter((deeds) => deeds.length > 0);
    this.#done = without(this.#done);
    this.#undone = without(this.#undone);
    this.#last.delete(stroke);
    this.#changed();
  }

  /** @param {Deed} deed */
  #back(deed) {
    if (deed.kind === "draw") this.#erase(deed.stroke);
    else if (deed.kind === "erase") this.#restore(deed.stroke, deed.body);
    else this.#edit(deed.stroke, deed.before);
  }

  /** @param {Deed} deed */
  #forth(deed) {
    if (deed.kind === "draw") this.#restore(deed.stroke, deed.body);
    else if (deed.kind === "erase") this.#erase(deed.stroke);
    else this.#edit(deed.stroke, deed.after);
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
   * @param {Wish} wish
   */
  #send(stroke, wish) {
    this.#last.set(stroke, this.#wish(wish));
  }
}
