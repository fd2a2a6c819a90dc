// @ts-check
/**
 * Which strokes are selected.
 *
 * It must never show a stroke that no longer exists: what others erase leaves the selection.
 */

/** @typedef {import("./types.js").Stroke} Stroke */

export class Selection {
  /** @type {Set<string>} */
  #ids = new Set();
  /** @type {Stroke[] | null} */
  #strokes = null;
  #scene;
  #changed;

  /**
   * @param {import("./scene.js").Scene} scene
   * @param {() => void} changed another selection, or its strokes have changed
   */
  constructor(scene, changed) {
    this.#scene = scene;
    this.#changed = changed;
  }

  /** The selected strokes in painting order.
   * @returns {readonly Stroke[]} */
  get strokes() {
    this.#strokes ??= this.#find();
    return this.#strokes;
  }

  /** Those that may be changed.
   * @returns {readonly Stroke[]} */
  get free() {
    return this.strokes.filter(({ body }) => !body.locked);
  }

  /** @returns {ReadonlySet<string>} */
  get ids() {
    return this.#ids;
  }

  get isEmpty() {
    return this.strokes.length === 0;
  }

  /** @param {string} id */
  has(id) {
    return this.#ids.has(id);
  }

  /** @param {Iterable<string>} ids */
  set(ids) {
    this.#ids = new Set(ids);
    this.#strokes = null;
    this.#changed();
  }

  clear() {
    if (this.#ids.size > 0) this.set([]);
  }

  /** Adds strokes; removes them instead if all of them are selected.
   * @param {string[]} ids */
  toggle(ids) {
    const kept = new Set(this.#ids);
    const all = ids.every((id) => kept.has(id));
    for (const id of ids) {
      if (all) kept.delete(id);
      else kept.add(id);
    }
    this.set(kept);
  }

  /** A stroke and those in its group.
   * @param {Stroke} stroke
   * @returns {string[]} */
  withGroup({ id, body: { group } }) {
    if (group === undefined) return [id];
    return this.#scene.ordered().filter(({ body }) => body.group === group).map((stroke) => stroke.id);
  }

  /** Strokes and those in their groups.
   * @param {readonly Stroke[]} strokes
   * @returns {string[]} */
  withGroups(strokes) {
    const groups = new Set(strokes.flatMap(({ body: { group } }) => group ?? []));
    const ids = strokes.map(({ id }) => id);
    if (groups.size === 0) return ids;
    return [...ids, ...this.#scene.ordered().filter(({ body }) => body.group !== undefined && groups.has(body.group)).map(({ id }) => id)];
  }

  /** A stroke has changed, appeared or gone.
   * @param {string} id */
  strokeChanged(id) {
    if (!this.#ids.has(id)) return;
    this.#strokes = null;
    this.#changed();
  }

  #find() {
    const few = this.#ids.size * 8 < this.#scene.size;
    if (!few) return this.#scene.ordered().filter(({ id }) => this.#ids.has(id));
    const found = [...this.#ids].flatMap((id) => this.#scene.stroke(id) ?? []);
    return found.sort((a, b) => a.z - b.z || (a.id < b.id ? -1 : 1));
  }
}
