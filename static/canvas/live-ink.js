// @ts-check
/**
 * Paints long ink while it grows: what can no longer change is painted once, into a picture of the view,
 * and only the end again in each frame. Of a layer with nothing else only the part with that end is painted again.
 *
 * It must never paint anything else than the whole outline would look like.
 */

import { unsettledLength, chord } from "../kinds/ink.js";
import { kindOf } from "../kinds/kinds.js";
import { pointsOf } from "../kinds/body-points.js";
import { withStyle } from "../kinds/paint.js";
import { lineColour } from "../kinds/svg.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("../kinds/kind.js").Look} Look */
/** @typedef {import("../kinds/freehand.js").Trace} Trace */
/**
 * @typedef {object} Growth
 * @property {string} view what the picture depends on besides the points
 * @property {CanvasRenderingContext2D} context of the picture
 * @property {number[]} lengths from the first point to each one
 * @property {number} settled index of the last point in the picture
 * @property {boolean} used in this frame
 */

/** Shorter ink is painted as a whole, and that many points are settled at a time. */
const LONG = 150;
const SETTLE = 24;
/** Points whose tangents may still change. */
const UNSETTLED = 2;
/** How far ink may be painted beyond its points: in widths, in addition to the longest distance of two points, and in pixels. */
const REACH_WIDTHS = 3;
const REACH_PIXELS = 2;

export class LiveInk {
  /** @type {Map<InkPoint[], Growth>} */
  #growths = new Map();
  /** @type {WeakSet<InkPoint[]>} long ink of an earlier frame */
  #seen = new WeakSet();
  /** @type {Growth | undefined} all that the layer has shown in the last frame */
  #alone;

  /**
   * Clears and paints a layer for a frame. If only a part of it will look different, only that is cleared, and painting is limited to it.
   * @param {CanvasRenderingContext2D} context
   * @param {Body | undefined} body all that the layer is about to show, if it is one
   * @param {Look} look
   * @param {DOMMatrix} plane
   * @param {() => void} paint
   */
  paintLayer(context, body, look, plane, paint) {
    const before = this.#alone;
    const alone = body && this.#growths.get(pointsOf(body));
    // After a frame that was not painted to its end, the whole layer is.
    this.#alone = undefined;
    context.save();
    try {
      context.setTransform(1, 0, 0, 1, 0, 0);
      if (body && before && before === alone && before.view === viewOf(context, body, look, plane)) clipToEnd(context, before, body, plane);
      context.clearRect(0, 0, context.canvas.width, context.canvas.height);
      paint();
      this.#alone = alone;
    } finally {
      context.restore();
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Body} body of ink in progress: its points are the same array in each frame
   * @param {Look} look
   * @param {DOMMatrix} plane the transformation to the plane
   * @returns {boolean} false if it is not long, or does not grow
   */
  paint(context, body, look, plane) {
    const kind = kindOf(body);
    if (body.points !== undefined || !kind.growing || (body.rotation ?? 0) !== 0) return false;
    const points = pointsOf(body);
    if (points.length < LONG) return false;
    if (!this.#seen.has(points)) {
      // Ink that is played back has other points in each frame: a picture of it would serve one frame only.
      this.#seen.add(points);
      return false;
    }
    const { width: w, height: h } = context.canvas;
    const colour = lineColour(body, kind, look.theme);
    const width = body.width ?? 1;
    const view = viewOf(context, body, look, plane);
    let growth = this.#growths.get(points);
    if (!growth || growth.view !== view) {
      growth = { view, context: growth?.context ?? contextOfSize(w, h), lengths: [0], settled: 0, used: true };
      reset(growth.context, w, h);
      this.#growths.set(points, growth);
    }
    growth.used = true;
    const { lengths } = growth;
    for (let i = lengths.length; i < points.length; i += 1) lengths.push(lengths[i - 1] + chord(points[i - 1], points[i]));
    const picture = growth.context;
    picture.setTransform(plane);
    const last = points.length - 1;
    let settled = last - UNSETTLED;
    while (settled > growth.settled && lengths[last] - lengths[settled] < unsettledLength(width)) settled -= 1;
    if (settled - growth.settled >= SETTLE && lengths[last] >= unsettledLength(width)) {
      fillPart(picture, kind.growing, points, lengths, Math.max(0, growth.settled - 1), settled, width, colour);
      growth.settled = settled;
    }
    const { settled: from } = growth;
    const growing = kind.growing;
    withStyle(context, body, kind, look.theme, () => {
      // The end is opaque too, so that what is translucent is so as a whole: see `joined`.
      const both = context.globalAlpha === 1 ? null : joined(picture);
      const target = both ?? context;
      if (!both) drawPicture(context, picture.canvas);
      target.setTransform(plane);
      fillPart(target, growing, points, lengths, Math.max(0, from - 1), last, width, colour);
      if (both) drawPicture(context, both.canvas);
      context.setTransform(plane);
    });
    return true;
  }

  /** Forgets what was not painted since the last call. */
  endFrame() {
    for (const [points, growth] of this.#growths) {
      if (!growth.used) this.#growths.delete(points);
      growth.used = false;
    }
  }

  clear() {
    this.#growths.clear();
  }
}

/**
 * What a picture of growing ink depends on besides its points.
 * @param {CanvasRenderingContext2D} context
 * @param {Body} body
 * @param {Look} look
 * @param {DOMMatrix} plane
 */
function viewOf({ canvas }, body, look, plane) {
  return `${plane} ${canvas.width} ${canvas.height} ${lineColour(body, kindOf(body), look.theme)} ${body.width}`;
}

/**
 * Lets only the whole pixels be painted in which the end of ink was or may be painted: what is not in its picture yet.
 * @param {CanvasRenderingContext2D} context
 * @param {Growth} growth
 * @param {Body} body
 * @param {DOMMatrix} plane
 */
function clipToEnd(context, { settled }, body, { a: scale, e, f }) {
  const end = pointsOf(body).slice(Math.max(0, settled - 1));
  const longest = Math.max(...end.map((point, i) => chord(end[Math.max(0, i - 1)], point)));
  const reach = (REACH_WIDTHS * (body.width ?? 1) + longest) * scale + REACH_PIXELS;
  const [xs, ys] = [end.map(({ x }) => x * scale + e), end.map(({ y }) => y * scale + f)];
  const [left, top] = [xs, ys].map((all) => Math.floor(Math.min(...all) - reach));
  const [right, bottom] = [xs, ys].map((all) => Math.ceil(Math.max(...all) + reach));
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  context.clip();
}

/** @type {CanvasRenderingContext2D | undefined} */
let joining;

/**
 * A copy of a picture, to which an end is added before both are painted translucently at once.
 * @param {CanvasRenderingContext2D} picture
 */
function joined({ canvas }) {
  joining ??= contextOfSize(canvas.width, canvas.height);
  reset(joining, canvas.width, canvas.height);
  joining.drawImage(canvas, 0, 0);
  return joining;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {HTMLCanvasElement} picture
 */
function drawPicture(context, picture) {
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(picture, 0, 0);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Trace} growing
 * @param {InkPoint[]} points
 * @param {number[]} lengths
 * @param {number} first
 * @param {number} last
 * @param {number} width
 * @param {string} colour
 */
function fillPart(context, { filled, trace }, points, lengths, first, last, width, colour) {
  const path = new Path2D();
  trace(path, points, width, { first, last, before: lengths[first], after: lengths[points.length - 1] - lengths[last] });
  context.fillStyle = context.strokeStyle = colour;
  if (filled) {
    context.fill(path);
    return;
  }
  context.lineWidth = width;
  context.lineCap = context.lineJoin = "round";
  context.stroke(path);
}

/**
 * @param {number} width
 * @param {number} height
 */
function contextOfSize(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/**
 * Empties a picture.
 * @param {CanvasRenderingContext2D} context
 * @param {number} width
 * @param {number} height
 */
function reset(context, width, height) {
  const { canvas } = context;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
}
