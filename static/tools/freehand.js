// @ts-check
/**
 * Drawing by hand, with the pen and the marker: collects the points of a gesture, smooths and simplifies
 * them, and makes a stroke of them.
 *
 * It must never let a stroke grow without bound: a long one continues as another.
 */

import { bodyOfInk } from "../kinds/body-points.js";
import { distance, simplified } from "../model/geometry.js";
import { drawing } from "../model/edits.js";
import { randomId } from "../model/ids.js";
import { packPoints } from "../model/points.js";

/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("./tool.js").Tool} Tool */
/** @typedef {{stroke: string, style: {kind: string} & import("./tool.js").Style, points: InkPoint[]}} Line */

/** In pixels: closer points are dropped, and simplification moves the line by less than the tolerance. */
const MIN_STEP = 0.5;
const TOLERANCE = 0.35;
/** Steps shorter than this many pixels are smoothed: they are more likely a tremble than intended. */
const SMOOTH_BELOW = 5;
const MIN_FOLLOW = 0.5;
/**
 * The pressure that stands for a speed, where the device reports none: that of a slow line, how much less
 * it is per pixel in a millisecond, and the least; and the pixels over which it follows a change.
 */
const SLOW_PRESSURE = 150;
const PRESSURE_PER_SPEED = 38;
const FAST_PRESSURE = 78;
const PRESSURE_REACH = 40;
/** Points after which a line is split into another stroke. */
const SPLIT_AFTER = 4_000;

/**
 * @param {import("../kinds/kind.js").Kind} kind
 * @param {import("./tool.js").ToolContext} context
 * @returns {Tool}
 */
export function freehandTool(kind, context) {
  /** @type {Line | null} */
  let line = null;
  /** Where the pointer was last, for its speed. @type {ScreenPoint} */
  let lately = { x: 0, y: 0 };

  /**
   * The point of a press, with a pressure: a fast line is thinner.
   * @param {import("./tool.js").Press} press
   * @param {InkPoint} [before]
   * @returns {InkPoint}
   */
  const pressed = ({ point, pixel }, before) => {
    const { time } = pixel;
    if (!kind.growing?.filled || point.pressure !== undefined || time === undefined) return point;
    const [gone, elapsed] = [distance(pixel, lately), time - (lately.time ?? time)];
    lately = pixel;
    if (before?.pressure === undefined || elapsed <= 0) return { ...point, pressure: before?.pressure ?? SLOW_PRESSURE };
    const wanted = Math.max(FAST_PRESSURE, SLOW_PRESSURE - (PRESSURE_PER_SPEED * gone) / elapsed);
    return { ...point, pressure: before.pressure + (wanted - before.pressure) * Math.min(1, gone / PRESSURE_REACH) };
  };

  /** @param {InkPoint} point */
  const start = (point) => {
    line = { stroke: randomId(), style: { kind: kind.id, ...context.style(kind.id) }, points: [point] };
    context.ink.grew(line.stroke, line.style, line.points, false);
  };

  /** @param {Line} done */
  const finish = ({ stroke, style, points }) => {
    line = null;
    tool.drawn = stroke;
    const kept = simplified(points, TOLERANCE / context.camera().zoom, style.width);
    context.ink.done();
    context.commit([drawing(stroke, { ...kind.defaults, ...style, ...packPoints(kept) })]);
  };

  /** @param {import("./tool.js").Press} press */
  const add = (press) => {
    if (!line) return;
    const before = line.points[line.points.length - 1];
    const point = pressed(press, before);
    const pixels = distance(before, point) * context.camera().zoom;
    if (pixels < MIN_STEP) return;
    const follow = Math.max(MIN_FOLLOW, Math.min(1, pixels / SMOOTH_BELOW));
    const smoothed = { ...point, x: before.x + (point.x - before.x) * follow, y: before.y + (point.y - before.y) * follow };
    line.points.push(smoothed);
    if (line.points.length < SPLIT_AFTER) return;
    finish(line);
    start(smoothed);
  };

  /** @type {Tool} */
  const tool = {
    id: kind.id,
    cursor: "crosshair",
    drawn: null,
    down(press) {
      tool.drawn = null;
      lately = press.pixel;
      start(pressed(press));
    },
    move(presses) {
      for (const press of presses) add(press);
      if (line) context.ink.grew(line.stroke, line.style, line.points, false);
    },
    up() {
      if (line) finish(line);
    },
    cancel() {
      if (!line) return;
      line = null;
      context.ink.cancelled();
    },
    overlay: () => line && { bodies: [bodyOfInk({ ...kind.defaults, ...line.style }, line.points)] },
  };
  return tool;
}
