// @ts-check
/**
 * Paints strokes on a canvas and computes their bounding boxes and hits. Results are cached per body.
 *
 * It must never change a body: the cache would be wrong.
 */

import { EM_OF_LINE, boxAround, boxOfText, overlap, polylineOf, simplified, touchesBox, touchesLine } from "./geometry.js";
import { strokePath, polylineData } from "./stroke-path.js";
import { PointsError, unpackPoints } from "./points.js";

/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").Box} Box */
/** @typedef {import("./types.js").PlanePoint} PlanePoint */
/** @typedef {import("./types.js").InkPoint} InkPoint */
/** @typedef {{points: InkPoint[], box: Box, path: Path2D | null, filled: boolean, coarse: Path2D | null}} Shape */

export const FONT = `"Avenir Next", "Segoe UI", "Nunito Sans", "Noto Sans", "DejaVu Sans", system-ui, sans-serif`;
/** Opacity of a marker, which darkens what is below it like a real one: plain paint would lighten dark ink. */
const MARKER_ALPHA = 0.38;
const MARKER_BLENDING = "multiply";
/** How far a line may extend beyond its points, in line widths and at least in units: arrow head, bends, pressure. */
const REACH = 2.5;
const MIN_REACH = 6;
/** Below this many pixels per unit, lines thinner than this many pixels are painted as plain polylines. */
const COARSE_SCALE = 0.4;
const COARSE_PIXELS = 3;
/** Tolerance of such a polyline in units: less than half a pixel. */
const COARSE_TOLERANCE = 0.8;
const NOWHERE = { left: 0, top: 0, right: -1, bottom: -1 };

/** @type {WeakMap<Body, Shape>} */
const shapes = new WeakMap();
const measuring = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));

/** @param {Body} body */
function shapeOf(body) {
  let shape = shapes.get(body);
  if (!shape) {
    shape = createShape(body);
    shapes.set(body, shape);
  }
  return shape;
}

/**
 * @param {Body} body
 * @returns {Shape}
 */
function createShape(body) {
  if (body.kind === "text") return { points: [], box: boxOfText(body, measureLine), path: null, filled: false, coarse: null };
  try {
    const points = unpackPoints(body);
    if (points.length === 0) return { points, box: NOWHERE, path: null, filled: false, coarse: null };
    return { points, box: boxAround(points, reachOf(body.width)), path: null, filled: false, coarse: null };
  } catch (error) {
    if (error instanceof PointsError) return { points: [], box: NOWHERE, path: null, filled: false, coarse: null };
    throw error;
  }
}

/** @param {number} width */
function reachOf(width) {
  return Math.max(MIN_REACH, width * REACH);
}

/**
 * @param {string} line
 * @param {number} em
 */
function measureLine(line, em) {
  measuring.font = `${em}px ${FONT}`;
  return measuring.measureText(line).width;
}

/**
 * The bounding box of everything that a stroke paints.
 * @param {Body} body
 */
export function boxOf(body) {
  return shapeOf(body).box;
}

/**
 * Whether an eraser dragged from `from` to `to` touches a stroke.
 * @param {Body} body
 * @param {PlanePoint} from
 * @param {PlanePoint} to
 * @param {number} radius
 */
export function touches(body, from, to, radius) {
  const { box, points } = shapeOf(body);
  if (!overlap(box, boxAround([from, to], radius))) return false;
  if (body.kind === "text") return touchesBox(box, from, to, radius);
  return touchesLine(polylineOf(body.kind, points), body.width, from, to, radius);
}

/**
 * @param {CanvasRenderingContext2D} context in units of the plane
 * @param {Body} body
 * @param {number} scale device pixels per unit
 */
export function paint(context, body, scale) {
  if (body.kind === "text") {
    paintText(context, body);
    return;
  }
  const shape = shapeOf(body);
  if (shape.points.length === 0) return;
  const freehand = body.kind === "pen" || body.kind === "marker";
  if (freehand && scale < COARSE_SCALE && body.width * scale < COARSE_PIXELS) {
    shape.coarse ??= new Path2D(polylineData(simplified(shape.points, COARSE_TOLERANCE)));
    paintPath(context, body, shape.coarse, false);
    return;
  }
  if (!shape.path) {
    const { data, filled } = strokePath(body.kind, shape.points, body.width);
    shape.path = new Path2D(data);
    shape.filled = filled;
  }
  paintPath(context, body, shape.path, shape.filled);
}

/**
 * Paints a stroke in progress, without caching.
 * @param {CanvasRenderingContext2D} context
 * @param {{kind: Body["kind"], colour: string, width: number}} style
 * @param {InkPoint[]} points
 */
export function paintInk(context, style, points) {
  if (points.length === 0) return;
  const { data, filled } = strokePath(style.kind, points, style.width);
  paintPath(context, style, new Path2D(data), filled);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{kind: Body["kind"], colour: string, width: number, fill?: string}} style
 * @param {Path2D} path
 * @param {boolean} filled
 */
function paintPath(context, style, path, filled) {
  const isMarker = style.kind === "marker";
  context.globalAlpha = isMarker ? MARKER_ALPHA : 1;
  context.globalCompositeOperation = isMarker ? MARKER_BLENDING : "source-over";
  if (style.fill) {
    context.fillStyle = style.fill;
    context.fill(path);
  }
  if (filled) {
    context.fillStyle = style.colour;
    context.fill(path);
  } else {
    context.strokeStyle = style.colour;
    context.lineWidth = style.width;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.stroke(path);
  }
  context.globalAlpha = 1;
  context.globalCompositeOperation = "source-over";
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Body} body
 */
function paintText(context, body) {
  context.font = `${body.width * EM_OF_LINE}px ${FONT}`;
  context.textBaseline = "alphabetic";
  context.fillStyle = body.colour;
  const { fontBoundingBoxAscent: ascent, fontBoundingBoxDescent: descent } = context.measureText("x");
  const baseline = (body.width - ascent - descent) / 2 + ascent;
  (body.text ?? "").split("\n").forEach((line, i) => {
    context.fillText(line, body.x, body.y + baseline + i * body.width);
  });
}
