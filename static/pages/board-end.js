// @ts-check
/**
 * What happens when the server will not have it: the person is told that they may only look; strokes that it
 * refused can be saved as a file, and so can what is unsent at the end of the page.
 *
 * It must never forget such strokes unless they were saved.
 */

import { fileText } from "../model/drawing-file.js";
import { request, restoreDrawing } from "../net/api.js";
import { t } from "../strings/later.js";
import { download, fileName } from "../ui/download.js";
import { showEnded } from "../ui/ended-dialog.js";
import { failureText } from "../ui/failure.js";

/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {import("../ui/ended-dialog.js").End} End */
/**
 * @typedef {object} EndParts
 * @property {string} drawing
 * @property {import("../model/replica.js").Replica} replica
 * @property {() => string} title
 * @property {typeof import("../ui/toast.js").toast} notify
 */

/** Milliseconds after a refusal in which others follow: one message tells of all. */
const TELL_AFTER = 600;
/** Maximum of refused strokes that are kept. */
const MOST = 5_000;

/** @type {Record<import("../model/rights.js").Limit, import("../strings/strings.js").StringId>} */
const WORDS = { view: "save.readOnlyHint", locked: "save.lockedHint", muted: "save.mutedHint" };

export class BoardEnd {
  /** @type {Map<string, Stroke>} */
  #refused = new Map();
  #told = 0;
  #board;

  /** @param {EndParts} board */
  constructor(board) {
    this.#board = board;
  }

  /** From now on the person may only look.
   * @param {import("../model/rights.js").Limit} limit */
  limited(limit) {
    this.#board.notify(t(WORDS[limit]));
  }

  /** The server has refused an op.
   * @param {Stroke} stroke with its effect */
  refused(stroke) {
    if (this.#refused.size < MOST) this.#refused.set(stroke.id, stroke);
    clearTimeout(this.#told);
    this.#told = setTimeout(() => {
      const count = this.#refused.size;
      this.#board.notify(t("unsent.refused", { count }), { label: t("unsent.save"), act: () => this.#save() });
    }, TELL_AFTER);
  }

  /**
   * @param {End} end
   * @param {boolean} mayRestore
   */
  async show(end, mayRestore) {
    const { drawing, notify } = this.#board;
    const named = end === "missing" || end === "rejected" ? await asked(drawing, end) : end;
    const count = this.#unsent.length;
    const restore = () => void restoreDrawing(drawing).then(
      () => location.reload(),
      (error) => notify(t("list.notRestored", { reason: failureText(error) })),
    );
    clearTimeout(this.#told);
    showEnded(named, {
      restore: named === "deleted" && mayRestore ? restore : null,
      unsent: count > 0 ? { count, save: () => this.#save() } : null,
    });
  }

  /** What the person may want to save. */
  get #unsent() {
    const all = [...this.#refused.values(), ...this.#board.replica.unconfirmed()];
    return [...new Map(all.map((stroke) => [stroke.id, stroke])).values()];
  }

  /** Saves it as a file, which any drawing takes. */
  #save() {
    const title = this.#board.title();
    const text = fileText({ title, strokes: this.#unsent });
    download(new Blob([text], { type: "application/json" }), fileName(title, "json"));
    if (!document.getElementById("ended")) this.#refused.clear();
  }
}

/**
 * What the server says of a drawing whose strokes it does not have: it may have been deleted a moment ago, or
 * the address may be mistyped.
 * @param {string} drawing
 * @param {End} end
 * @returns {Promise<End>}
 */
function asked(drawing, end) {
  return request("GET", `/${drawing}`).then(() => end, ({ status }) => (status === 410 ? "deleted" : status === 400 ? "missing" : end));
}
