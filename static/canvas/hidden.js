// @ts-check
/**
 * The strokes that the static layer leaves out, because they are shown elsewhere while they are changed.
 *
 * It must never change a stroke: it only says what to repaint.
 */

/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").Stroke} Stroke */

export class Hidden {
  /** @type {Map<string, ReadonlySet<string>>} by reason */
  #ids = new Map();
  #boxOf;
  #damage;

  /**
   * @param {(id: string) => Box | null} boxOf the box of a visible stroke
   * @param {(box: Box) => void} damage
   */
  constructor(boxOf, damage) {
    this.#boxOf = boxOf;
    this.#damage = damage;
  }

  /**
   * Hides these strokes, in place of those hidden for the same reason before.
   * @param {string} reason
   * @param {ReadonlySet<string>} ids
   */
  set(reason, ids) {
    const before = this.#ids.get(reason) ?? new Set();
    if (ids.size === 0) this.#ids.delete(reason);
    else this.#ids.set(reason, ids);
    for (const id of new Set([...before, ...ids])) {
      if (before.has(id) === ids.has(id)) continue;
      const box = this.#boxOf(id);
      if (box) this.#damage(box);
    }
  }

  /** @param {string} id */
  has(id) {
    for (const ids of this.#ids.values()) if (ids.has(id)) return true;
    return false;
  }

  /**
   * Those of some strokes that are not hidden.
   * @param {Stroke[]} strokes
   */
  shown(strokes) {
    return this.#ids.size === 0 ? strokes : strokes.filter(({ id }) => !this.has(id));
  }
}
