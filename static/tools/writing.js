// @ts-check
/**
 * Writing texts: starts one or edits the one that is there, in an editor, and makes edits of the result.
 *
 * It must never make an edit when nothing changed.
 */

import { drawing, editing, erasing } from "../model/edits.js";
import { randomId } from "../model/ids.js";

/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {{colour?: string, width?: number}} TextStyle `width` is the height of a line */
/** @typedef {TextStyle & {corner: PlanePoint, text: string}} EditorOptions `corner` is the upper left one */

/** The kind that it writes. */
const TEXT = "text";

export class Writing {
  #on;

  /**
   * @param {object} on
   * @param {import("../model/scene.js").Scene} on.scene
   * @param {import("./tool.js").ToolContext["style"]} on.style
   * @param {import("./tool.js").ToolContext["commit"]} on.commit
   * @param {(options: EditorOptions, onDone: (text: string, style: TextStyle) => void) => void} on.open opens the editor
   */
  constructor(on) {
    this.#on = on;
  }

  /** The topmost text at a point that may be edited.
   * @param {PlanePoint} point */
  textAt(point) {
    return this.#on.scene.at(point, 0).findLast(({ body }) => body.kind === TEXT && !body.locked);
  }

  /** Edits the text at a point, or starts a new one there.
   * @param {PlanePoint} point */
  write(point) {
    const there = this.textAt(point);
    if (there) {
      this.#rewrite(there);
      return;
    }
    const { width = 0, colour, ...rest } = this.#on.style(TEXT);
    const corner = { x: point.x, y: point.y - width / 2 };
    this.#on.open({ corner, colour, width, text: "" }, (text, style) => {
      if (text) this.#on.commit([drawing(randomId(), { kind: TEXT, ...corner, text, ...rest, ...style })]);
    });
  }

  /** @param {Stroke} stroke */
  #rewrite(stroke) {
    const { x, y, colour, width, text = "" } = stroke.body;
    this.#on.open({ corner: { x, y }, colour, width, text }, (text, style) => {
      const edits = text ? editing(stroke, { text, ...style }) : [erasing(stroke)];
      if (edits.length > 0) this.#on.commit(edits);
    });
  }
}
