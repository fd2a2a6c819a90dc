// @ts-check
/**
 * Aligning and distributing boxes.
 *
 * It must never change the size of a box.
 */

import { boxOfBoth } from "./geometry.js";

/** @typedef {import("./types.js").Box} Box */
/** @typedef {"left"|"centre"|"right"|"top"|"middle"|"bottom"} Side */
/** @typedef {{dx: number, dy: number}} Move */
/** @typedef {"x"|"y"} Axis */

/** Fraction of the free room before each box.
 * @type {Record<Side, {axis: Axis, at: number}>} */
const SIDES = {
  left: { axis: "x", at: 0 },
  centre: { axis: "x", at: 0.5 },
  right: { axis: "x", at: 1 },
  top: { axis: "y", at: 0 },
  middle: { axis: "y", at: 0.5 },
  bottom: { axis: "y", at: 1 },
};

/**
 * @param {Box} box
 * @param {Axis} axis
 */
function span(box, axis) {
  return axis === "x" ? { from: box.left, to: box.right } : { from: box.top, to: box.bottom };
}

/**
 * @param {Axis} axis
 * @param {number} by
 * @returns {Move}
 */
function along(axis, by) {
  return axis === "x" ? { dx: by, dy: 0 } : { dx: 0, dy: by };
}

/** @param {readonly Box[]} boxes
 * @returns {Box | null} */
export function boxOfAll(boxes) {
  /** @type {Box | null} */
  let all = null;
  for (const box of boxes) all = boxOfBoth(all, box);
  return all;
}

/**
 * How to move boxes to one side of the box around all of them.
 * @param {readonly Box[]} boxes
 * @param {Side} side
 * @returns {Move[]}
 */
export function aligned(boxes, side) {
  const { axis, at } = SIDES[side];
  const around = boxOfAll(boxes);
  if (!around) return [];
  const all = span(around, axis);
  return boxes.map((box) => {
    const { from, to } = span(box, axis);
    return along(axis, all.from + (all.to - all.from - (to - from)) * at - from);
  });
}

/**
 * How to move boxes so that the gaps between them are equal; the outermost ones stay.
 * @param {readonly Box[]} boxes
 * @param {Axis} axis
 * @returns {Move[]}
 */
export function distributed(boxes, axis) {
  const around = boxOfAll(boxes);
  if (!around || boxes.length < 3) return boxes.map(() => along(axis, 0));
  const middle = (/** @type {Box} */ box) => span(box, axis).from + span(box, axis).to;
  const order = boxes.map((_, i) => i).sort((a, b) => middle(boxes[a]) - middle(boxes[b]));
  const all = span(around, axis);
  const filled = boxes.reduce((sum, box) => sum + span(box, axis).to - span(box, axis).from, 0);
  const gap = (all.to - all.from - filled) / (boxes.length - 1);
  const moves = boxes.map(() => along(axis, 0));
  let next = all.from;
  for (const i of order) {
    const { from, to } = span(boxes[i], axis);
    moves[i] = along(axis, next - from);
    next += to - from + gap;
  }
  return moves;
}
