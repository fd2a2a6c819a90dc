// @ts-check
/**
 * What the tools reach of the board: edits through the history, and what others see meanwhile as signals.
 *
 * It must never decide anything: it only connects.
 */

import { kindOf } from "../kinds/kinds.js";
import { withFields } from "../model/edits.js";
import { packPoints } from "../model/points.js";

/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {import("../tools/tool.js").PreviewSignals} PreviewSignals */
/** @typedef {import("../tools/tool.js").ToolContext} ToolContext */
/**
 * @typedef {object} Parts
 * @property {import("../model/scene.js").Scene} scene
 * @property {import("../canvas/canvas.js").Canvas} canvas
 * @property {import("../canvas/hidden.js").Hidden} hidden
 * @property {import("../model/history.js").History} history
 * @property {import("../presence/signals.js").Signals} signals
 * @property {() => number} nextOp
 */

/** @param {Parts} parts
 * @returns {PreviewSignals} */
export function previewSignals({ signals, nextOp }) {
  return {
    show: (edit) => signals.preview({ n: nextOp(), ...edit }),
    done: () => signals.previewDone(),
    cancelled: () => signals.previewCancelled(),
  };
}

/**
 * @param {Parts} parts
 * @param {Pick<ToolContext, "camera"|"style"|"selection"|"previews"|"write"|"textAt"|"writeIn">} own
 * @returns {ToolContext}
 */
export function toolContext({ scene, canvas, hidden, history, signals, nextOp }, own) {
  return {
    ...own,
    scene,
    hide: (strokes) => hidden.set("tool", idsOf(strokes)),
    commit: (edits) => history.commit(edits),
    apply: (edits) => history.apply(edits),
    record: (edits) => history.record(edits),
    revert: (edits) => history.revert(edits),
    ink: {
      grew: (stroke, style, points, moved) => {
        const { kind, colour, width, ...more } = style;
        // Ink has a colour, a width and an opacity. A figure that has more than the first two is shown as the stroke that it will be.
        if (moved && Object.keys(more).length > 0) own.previews.show({ draw: { [stroke]: withFields({ ...style, x: 0, y: 0 }, (kindOf(style).fromPoints ?? packPoints)(points)) } });
        else signals.ink({ stroke, kind, colour, width, opacity: more.opacity, n: nextOp() }, points, moved);
        canvas.refresh();
      },
      done: () => {
        signals.inkDone();
        own.previews.done();
      },
      cancelled: () => {
        signals.inkCancelled();
        own.previews.cancelled();
        canvas.refresh();
      },
    },
    refresh: () => canvas.refresh(),
  };
}

/** @param {readonly Stroke[]} strokes */
export function idsOf(strokes) {
  return new Set(strokes.map(({ id }) => id));
}
