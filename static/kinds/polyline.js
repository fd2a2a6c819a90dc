// @ts-check
/**
 * A line of several straight parts, which may enclose an area. None is drawn here by hand: they come from
 * files of other programs.
 *
 * It must never round a corner.
 */

import { boxOfPoints, hasPoints, mappedPoints, pointsOf, reachOfLine } from "./body-points.js";
import { inkOfLine, linePoints } from "./excalidraw-element.js";
import { packPoints } from "../model/points.js";
import { makeKind } from "./kind.js";
import { polylineData } from "./stroke-path.js";

export const polyline = makeKind({
  id: "polyline",
  styles: ["colour", "width", "fill", "dash", "opacity"],
  isValid: hasPoints,
  frame: boxOfPoints,
  reach: reachOfLine,
  polyline: pointsOf,
  mapped: mappedPoints,
  outline: (body) => ({ data: polylineData(pointsOf(body)), filled: false }),
  fromExcalidraw(element, { rotation, ...style }) {
    if (element.type !== "line") return null;
    const points = linePoints(element, rotation);
    if (points.length === 2) return null;
    return points.length > 0 ? [{ kind: "polyline", ...style, ...packPoints(inkOfLine(points, Boolean(element.roundness))) }] : [];
  },
});
