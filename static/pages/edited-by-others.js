// @ts-check
/**
 * Hides the strokes that others are editing at this moment, which are shown as they will be.
 *
 * It must never hide a stroke for longer than its preview lasts.
 */

export class EditedByOthers {
  #waits = false;
  #timer = 0;
  #presence;
  #hidden;
  #refresh;

  /**
   * @param {() => import("../presence/presence.js").Presence} presence
   * @param {import("../canvas/hidden.js").Hidden} hidden
   * @param {() => void} refresh
   */
  constructor(presence, hidden, refresh) {
    this.#presence = presence;
    this.#hidden = hidden;
    this.#refresh = refresh;
  }

  /** A preview or a stroke has changed: looks soon, and once for any number of changes. */
  changed() {
    if (this.#waits) return;
    this.#waits = true;
    queueMicrotask(() => this.#look());
  }

  #look() {
    this.#waits = false;
    const { ids, until } = this.#presence().hidden(performance.now());
    this.#hidden.set("others", ids);
    clearTimeout(this.#timer);
    if (until < Infinity) this.#timer = setTimeout(() => this.changed(), until - performance.now() + 1);
    this.#refresh();
  }
}
