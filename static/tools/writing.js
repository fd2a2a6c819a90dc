// @ts-check
/**
 * Writing texts: starts one or edits the one that is there, in an editor, and makes edits of the result.
 *
 * It must never make an edit when nothing changed.
 */

import { kindOf } from "../kinds/kinds.js";
import { drawing, editing, erasing } from "../model/edits.js";
import { centreOf } from "../model/geometry.js";
import { randomId } from "../model/ids.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {import("./tool.js").PreviewSignals} PreviewSignals */
/** @typedef {{changed: (body: Body) => void, done: (body: Body) => void}} Written `done` gets the text without trailing white space */
/** @typedef {{corner: PlanePoint, height: number, room?: number, align: Body["align"], rotation: number, centre: PlanePoint}} Layout of the lines of a text */

/** The kind that it starts. */
const TEXT = "text";

export class Writing {
  #on;

  /**
   * @param {object} on
   * @param {import("../model/scene.js").Scene} on.scene
   * @param {import("./tool.js").ToolContext["style"]} on.style
   * @param {import("./tool.js").ToolContext["commit"]} on.commit
   * @param {import("./tool.js").ToolContext["hide"]} on.hide
   * @param {PreviewSignals} on.previews
   * @param {(body: Body, written: Written) => void} on.open opens the editor
   */
  constructor(on) {
    this.#on = on;
  }

  /** The topmost text at a point that may be edited.
   * @param {PlanePoint} point */
  textAt(point) {
    return this.#on.scene.at(point, 0).findLast(({ body }) => kindOf(body).lettering && !body.locked);
  }

  /** Edits the text at a point, or starts a new one there.
   * @param {PlanePoint} point */
  write(point) {
    const there = this.textAt(point);
    if (there) {
      this.rewrite(there);
      return;
    }
    const style = this.#on.style(TEXT);
    const stroke = randomId();
    const { previews } = this.#on;
    const begun = { kind: TEXT, x: point.x, y: point.y - (style.width ?? 0) / 2, ...style, text: "" };
    this.#on.open(begun, {
      changed: (body) => previews.show({ draw: { [stroke]: body } }),
      done: (body) => {
        if (!body.text) {
          previews.cancelled();
          return;
        }
        previews.done();
        this.#on.commit([drawing(stroke, body)]);
      },
    });
  }

  /** Edits the text of a stroke.
   * @param {Stroke} stroke */
  rewrite(stroke) {
    const { previews, hide } = this.#on;
    hide([stroke]);
    this.#on.open(stroke.body, {
      changed: ({ text, ...body }) => previews.show({ set: { [stroke.id]: { text, ...styleOf(body) } } }),
      done: ({ text = "", ...body }) => {
        hide([]);
        // A note without a text is still a note.
        const edits = text || stroke.body.kind !== TEXT ? editing(stroke, { text: text || null, ...styleOf(body) }) : [erasing(stroke)];
        if (edits.length === 0) {
          previews.cancelled();
          return;
        }
        previews.done();
        this.#on.commit(edits);
      },
    });
  }
}

/**
 * The style that a text may get while it is written.
 * @param {Omit<Body, "text">} body
 */
function styleOf({ colour, width, align, opacity }) {
  return { colour, width, align, opacity: opacity ?? null };
}

/**
 * Where the lines of a text are, for an editor that covers them.
 * @param {Body} body
 * @returns {Layout}
 */
export function layoutOf(body) {
  const kind = kindOf(body);
  const { corner, height, room } = kind.lettering?.(body) ?? { corner: body, height: body.width ?? 0 };
  return { corner, height, room, align: body.align ?? kind.defaults.align, rotation: body.rotation ?? 0, centre: centreOf(kind.frame(body)) };
}
