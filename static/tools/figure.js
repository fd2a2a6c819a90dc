// @ts-check
/**
 * Dragging up a figure from one point to another: a line, an arrow, a rectangle, a sticky note and so on.
 *
 * It must never make a figure of a mere click, unless its kind has a size of its own.
 */

import { bindableAt, bindingTo } from "../kinds/binding.js";
import { bodyInProgress, kindOf } from "../kinds/kinds.js";
import { drawing, withFields } from "../model/edits.js";
import { distance } from "../model/geometry.js";
import { randomId } from "../model/ids.js";
import { packPoints } from "../model/points.js";
import { bound } from "./arrows.js";
import { paintTarget } from "./marks.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {import("./tool.js").Tool} Tool */
/** @typedef {{stroke: string, style: {kind: string} & import("./tool.js").Style, from: PlanePoint, points: InkPoint[], targets: {start: Stroke | null, end: Stroke | null}}} Figure `targets`: what its ends are bound to */

/** Shorter figures, in pixels, are no figures. */
const MIN_LENGTH = 2;
/** Pixels around a stroke in which an end is bound to it. */
const BIND_REACH = 10;

/**
 * @param {import("../kinds/kind.js").Kind & {fromDrag: import("../kinds/kind.js").FromDrag}} kind
 * @param {import("./tool.js").ToolContext} context
 * @returns {Tool}
 */
export function figureTool(kind, context) {
  const { scene } = context;
  /** @type {Figure | null} */
  let figure = null;
  /** @type {Stroke | null} what an end would be bound to */
  let hovered = null;

  /** @param {PlanePoint} point
   * @param {boolean} free */
  const targetAt = (point, free) => (kind.binds && !free ? bindableAt(scene, point, BIND_REACH / context.camera().zoom) : null);

  const cancel = () => {
    if (!figure) return;
    figure = null;
    context.ink.cancelled();
  };

  /**
   * The body of a figure, with its ends bound.
   * @param {Figure} figure
   * @returns {Body}
   */
  const bodyOf = ({ style, points, targets: { start, end } }) => {
    const { x, y } = points[0];
    const body = withFields({ ...kind.defaults, ...style, x, y }, kind.fromPoints?.(points) ?? packPoints(points));
    // A line inside one stroke points at nothing.
    if (!kind.binds || (!start && !end) || start?.id === end?.id) return body;
    const bindings = { ...(start && { start: bindingTo(start, points[0]) }), ...(end && { end: bindingTo(end, points[points.length - 1]) }) };
    return withFields(body, bound(body, bindings, (id) => scene.stroke(id)?.body ?? null));
  };

  /** @type {Tool} */
  const tool = {
    id: kind.id,
    cursor: "crosshair",
    drawn: null,
    down({ point: { x, y }, mod }) {
      tool.drawn = null;
      figure = { stroke: randomId(), style: { kind: kind.id, ...context.style(kind.id) }, from: { x, y }, points: [], targets: { start: targetAt({ x, y }, mod), end: null } };
    },
    move(presses) {
      if (!figure) return;
      const { point: { x, y }, shift, mod } = presses[presses.length - 1];
      const points = kind.fromDrag(figure.from, { x, y }, shift);
      figure.points = points;
      figure.targets.end = targetAt(points[points.length - 1], mod);
      context.ink.grew(figure.stroke, figure.style, points, true);
    },
    up() {
      if (!figure) return;
      const { stroke, points, from } = figure;
      const isClick = points.length < 2 || distance(points[0], points[1]) * context.camera().zoom < MIN_LENGTH;
      const text = isClick && kind.lettering && context.textAt(from);
      if (text || (isClick && !kind.fromPoints)) {
        cancel();
        if (text) context.writeIn(text.id);
        return;
      }
      if (isClick) figure.points = [from, from];
      const body = bodyOf(figure);
      figure = null;
      tool.drawn = stroke;
      context.ink.done();
      context.commit([drawing(stroke, body)]);
      if (kind.lettering) context.writeIn(stroke);
    },
    cancel,
    hover(press) {
      const before = hovered;
      hovered = press && !figure ? targetAt(press.point, press.mod) : null;
      if (hovered !== before) context.refresh();
    },
    overlay() {
      const target = figure ? figure.targets.end ?? figure.targets.start : hovered;
      if (!figure && !target) return null;
      const bodies = figure && figure.points.length > 0 ? [figure.targets.start || figure.targets.end ? bodyOf(figure) : bodyInProgress({ ...kind.defaults, ...figure.style }, figure.points)] : [];
      return { bodies, paint: (canvas, { toScreen }) => target && paintTarget(canvas, kindOf(target.body).edge(target.body).map(toScreen)) };
    },
  };
  return tool;
}
