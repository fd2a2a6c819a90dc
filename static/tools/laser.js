// @ts-check
/**
 * The laser pointer: a trail that everyone sees, and that fades.
 *
 * It must never make a stroke.
 */

import { bodyOfInk } from "../kinds/body-points.js";
import { distance } from "../model/geometry.js";
import { randomId } from "../model/ids.js";

/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("./tool.js").Tool} Tool */
/** @typedef {{stroke: string, points: InkPoint[], times: number[]}} Trail `times`: when each point was added */

/** Closer points, in pixels, are dropped. */
const MIN_STEP = 1;
/** Points after which others get a new trail. */
const SPLIT_AFTER = 800;
const COLOUR = "red";
/** Width in pixels, at any zoom. */
const WIDTH = 4;

/**
 * @param {import("../kinds/kind.js").Kind & {fades: number}} kind
 * @param {import("./tool.js").ToolContext} context
 * @returns {Tool}
 */
export function laserTool(kind, context) {
  /** @type {Trail[]} the last one grows while the pointer is down */
  let trails = [];
  let isDown = false;

  const style = () => ({ kind: kind.id, colour: COLOUR, width: Math.min(400, Math.max(0.25, WIDTH / context.camera().zoom)) });

  /** @param {InkPoint} point */
  const start = ({ x, y }) => {
    trails.push({ stroke: randomId(), points: [{ x, y }], times: [performance.now()] });
  };
  const tell = () => {
    const trail = trails[trails.length - 1];
    if (trail) context.ink.grew(trail.stroke, style(), trail.points, false);
  };
  const end = () => {
    if (isDown) context.ink.done();
    isDown = false;
  };

  return {
    id: kind.id,
    cursor: "crosshair",
    down({ point }) {
      isDown = true;
      start(point);
      tell();
    },
    move(presses) {
      for (const { point: { x, y } } of presses) {
        const trail = trails[trails.length - 1];
        if (!trail || distance(trail.points[trail.points.length - 1], { x, y }) * context.camera().zoom < MIN_STEP) continue;
        trail.points.push({ x, y });
        trail.times.push(performance.now());
        if (trail.points.length < SPLIT_AFTER) continue;
        tell();
        context.ink.done();
        start({ x, y });
      }
      tell();
    },
    up: end,
    cancel: end,
    overlay() {
      const since = performance.now() - kind.fades;
      const growing = isDown ? trails[trails.length - 1] : null;
      trails = trails.filter((trail) => trail === growing || trail.times[trail.times.length - 1] > since);
      if (trails.length === 0) return null;
      // It fades without anyone doing anything.
      context.refresh();
      const shown = trails.map((trail) => {
        const young = trail.times.findIndex((time) => time > since);
        return trail.points.slice(young < 0 ? -1 : young);
      });
      return { bodies: shown.map((points) => bodyOfInk(style(), points)) };
    },
  };
}
