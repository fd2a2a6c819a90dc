// @ts-check
/**
 * Kinds that are drawn by hand: smooth lines, whose thickness may follow the pressure.
 *
 * It must never depend on the zoom, except that far out a line is painted with fewer points.
 */

import { simplified } from "../model/geometry.js";
import { boxOfPoints, hasPoints, mappedPoints, pointsOf, reachOfLine } from "./body-points.js";
import { cached, makeKind } from "./kind.js";
import { paintOutline, paintPath } from "./paint.js";
import { polylineData } from "./stroke-path.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("./kind.js").Kind} Kind */

/** Below this many pixels per unit, lines thinner than this many pixels are painted as plain polylines. */
const COARSE_SCALE = 0.4;
const COARSE_PIXELS = 3;
/** Tolerance of such a polyline in units: less than half a pixel. */
const COARSE_TOLERANCE = 0.8;

const coarsePath = cached(new WeakMap(), (body) => new Path2D(polylineData(simplified(pointsOf(body), COARSE_TOLERANCE))));

/**
 * @param {Partial<Kind> & Pick<Kind, "id" | "outline">} parts
 * @returns {Kind}
 */
export function freehandKind(parts) {
  const kind = makeKind({
    freehand: true,
    isValid: hasPoints,
    frame: boxOfPoints,
    reach: reachOfLine,
    polyline: pointsOf,
    mapped: mappedPoints,
    paint(context, body, look) {
      const coarse = look.scale < COARSE_SCALE && (body.width ?? 1) * look.scale < COARSE_PIXELS;
      if (coarse && hasPoints(body)) paintPath(context, body, kind, coarsePath(body), false, look);
      else paintOutline(context, body, kind, look);
    },
    ...parts,
  });
  return kind;
}
