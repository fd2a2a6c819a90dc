// @ts-check
/**
 * Kinds that fill a box between two opposite corners, such as a rectangle and an ellipse.
 *
 * It must never depend on which of the corners came first.
 */

import { boxOfPoints, hasPoints, mappedPoints, reachOfLine } from "./body-points.js";
import { makeKind } from "./kind.js";

/** @typedef {import("./kind.js").Kind} Kind */
/** @typedef {import("./kind.js").KindParts} KindParts */

/** A box from one corner to the opposite one, or a square.
 * @type {import("./kind.js").FromDrag} */
export function boxDrag(from, to, straight) {
  if (!straight) return [from, to];
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const side = Math.max(Math.abs(dx), Math.abs(dy));
  return [from, { x: from.x + side * Math.sign(dx || 1), y: from.y + side * Math.sign(dy || 1) }];
}

/**
 * @param {Partial<Kind> & Pick<Kind, "id" | "outline"> & Pick<KindParts, "polyline">} parts
 * @returns {Kind}
 */
export function areaKind(parts) {
  return makeKind({
    styles: ["colour", "width", "fill", "dash", "opacity"],
    bindable: true,
    isValid: hasPoints,
    frame: boxOfPoints,
    reach: reachOfLine,
    mapped: mappedPoints,
    fromDrag: boxDrag,
    ...parts,
  });
}
