// @ts-check
/**
 * The pen: ink whose thickness follows the pressure, or the speed where the device reports no pressure.
 *
 * It must never be painted with a fill of its own outline.
 */

import { simplified } from "../model/geometry.js";
import { MAX_POINTS, packPoints } from "../model/points.js";
import { arePairs } from "./excalidraw-element.js";
import { freehandKind } from "./freehand.js";
import { traceInk } from "./ink.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("./excalidraw-element.js").Element} Element */
/** @typedef {import("./excalidraw-element.js").ElementStyle} ElementStyle */

/** How much thicker Excalidraw draws ink than lines of the same width. */
const EXCALIDRAW_INK = 2.5;
/** Tolerance in units with which ink of too many points is simplified. */
const COARSE = 0.5;

/**
 * @param {Element} element
 * @param {ElementStyle} style
 * @returns {Body[]}
 */
function inkBodies({ x, y, points, pressures, simulatePressure }, style) {
  if (!arePairs(points) || points.length === 0) return [];
  const isPressed = simulatePressure === false && Array.isArray(pressures) && pressures.length === points.length;
  const all = points.map(([dx, dy], i) => ({
    x: x + dx,
    y: y + dy,
    ...(isPressed ? { pressure: Math.round(Math.min(1, Math.max(0, Number(pressures[i]) || 0)) * 255) } : {}),
  }));
  const ink = all.length > MAX_POINTS ? simplified(all, COARSE).slice(0, MAX_POINTS) : all;
  return [{ kind: "pen", ...style, width: style.width * EXCALIDRAW_INK, ...packPoints(ink) }];
}

export const pen = freehandKind({
  id: "pen",
  styles: ["colour", "width", "opacity"],
  filled: true,
  trace: traceInk,
  fromExcalidraw: (element, style) => (element.type === "freedraw" ? inkBodies(element, style) : null),
});
