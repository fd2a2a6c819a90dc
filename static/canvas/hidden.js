// @ts-check
/**
 * The strokes that the static layer leaves out, because they are shown elsewhere while they are changed:
 * by a gesture, by the text editor, or by somebody else.
 *
 * It must never change a stroke: it only says what not to show.
 */

/** @typedef {import("../model/types.js").Stroke} Stroke */

export class Hidden {
  /** @type {Map<string, ReadonlySet<string>>} by reason */
  #ids = new Map();
  #strokeOf;
  #hide;

  /**
   * @param {(id: string) => Stroke | null} strokeOf
   * @param {(strokes: Stroke[]) => void} hide hides these, and shows those hidden before
   */
  constructor(strokeOf, hide) {
    this.#strokeOf = strokeOf;
    this.#hide = hide;
  }

  /**
   * Hides these strokes, in place of those hidden for the same reason before.
   * @param {string} reason
   * @param {ReadonlySet<string>} ids
   */
  set(reason, ids) {
    const before = this.#ids.get(reason);
    if (ids.size === (before?.size ?? 0) && [...ids].every((id) => before?.has(id))) return;
    if (ids.size === 0) this.#ids.delete(reason);
    else this.#ids.set(reason, ids);
    const all = new Set([...this.#ids.values()].flatMap((some) => [...some]));
    this.#hide([...all].flatMap((id) => this.#strokeOf(id) ?? []));
  }
}
