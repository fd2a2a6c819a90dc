// @ts-check
/**
 * The drawing tools: turn the points of a gesture into ink, figures, erased strokes or a text.
 *
 * It must never paint or send anything: it reports what was drawn.
 */

import { toPlane } from "./camera.js";
import { distance, simplified } from "./geometry.js";
import { randomId } from "./ids.js";
import { packPoints, quantised } from "./points.js";

/** @typedef {import("./types.js").PlanePoint} PlanePoint */
/** @typedef {import("./types.js").InkPoint} InkPoint */
/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").ToolName} ToolName */
/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {ToolName | "eraser" | "hand"} Choice */
/** @typedef {{stroke: string, kind: ToolName, colour: string, width: number, points: InkPoint[]}} ActiveStroke */
/**
 * @typedef {object} ToolEvents
 * @property {(ink: ActiveStroke, moved: boolean) => void} ink the stroke in progress grew; with `moved`, earlier points changed
 * @property {(stroke: string, body: Body) => void} drawn
 * @property {() => void} cancelled the stroke in progress was cancelled
 * @property {(from: PlanePoint, to: PlanePoint, radius: number) => void} erase strokes touched by this movement of the eraser
 * @property {() => void} erased the drag of the eraser ended
 * @property {(point: PlanePoint) => void} text a text is to be typed at this point
 */

/** In pixels: closer points are dropped, and simplification moves the line by less than the tolerance. */
const MIN_STEP = 0.5;
const TOLERANCE = 0.35;
/** Steps shorter than this many pixels are smoothed: they are more likely a tremble than intended. */
const SMOOTH_BELOW = 5;
const MIN_FOLLOW = 0.5;
/** Points after which a freehand line is split into another stroke. */
const SPLIT_AFTER = 4_000;
/** Radius of the eraser in pixels. */
export const ERASER_RADIUS = 9;
/** Length of an arrow in line widths below which its line is thinner, so that the head is no blob. */
const ARROW_WIDTHS = 6;
/** Straight lines snap to multiples of this angle, in radians. */
const SNAP = Math.PI / 12;

export class Tools {
  /** @type {Choice} */
  choice = "pen";
  colour = "#22201d";
  width = 4;
  /** @type {ActiveStroke | null} */
  active = null;
  /** @type {string | null} the stroke that the last gesture drew */
  drawn = null;
  /** @type {PlanePoint | null} the last point of the eraser */
  #erasedAt = null;
  /** @type {PlanePoint | null} where the text editor opens when the pointer is lifted */
  #textAt = null;
  #camera;
  #on;

  /**
   * @param {() => Camera} camera
   * @param {ToolEvents} on
   */
  constructor(camera, on) {
    this.#camera = camera;
    this.#on = on;
  }

  /**
   * @param {InkPoint} pixel
   * @param {boolean} erasing erases, whatever the chosen tool is
   */
  begin(pixel, erasing) {
    const point = this.#inPlane(pixel);
    this.drawn = null;
    if (erasing || this.choice === "eraser") {
      this.#erasedAt = point;
      this.#on.erase(point, point, ERASER_RADIUS / this.#camera().zoom);
    } else if (this.choice === "text") {
      this.#textAt = point;
    } else if (this.choice !== "hand") {
      this.#startStroke(this.choice, [point]);
    }
  }

  /**
   * @param {InkPoint[]} pixels
   * @param {boolean} straight
   */
  move(pixels, straight) {
    if (this.#erasedAt) {
      for (const pixel of pixels) {
        const to = this.#inPlane(pixel);
        this.#on.erase(this.#erasedAt, to, ERASER_RADIUS / this.#camera().zoom);
        this.#erasedAt = to;
      }
    } else if (this.active && isFreehand(this.active.kind)) {
      pixels.forEach((pixel) => this.#add(this.#inPlane(pixel)));
      if (this.active) this.#on.ink(this.active, false);
    } else if (this.active) {
      const [from] = this.active.points;
      const to = withoutPressure(this.#inPlane(pixels[pixels.length - 1]));
      const end = straight ? straightened(this.active.kind, from, to) : to;
      this.active.points = [from, end];
      if (this.active.kind === "arrow") this.active.width = arrowWidth(this.width, distance(from, end));
      this.#on.ink(this.active, true);
    }
  }

  end() {
    if (this.#erasedAt) {
      this.#erasedAt = null;
      this.#on.erased();
    }
    if (this.active) this.#finish(this.active);
    if (this.#textAt) this.#on.text(this.#textAt);
    this.#textAt = null;
  }

  cancel() {
    this.#textAt = null;
    if (this.#erasedAt) {
      this.#erasedAt = null;
      this.#on.erased();
    }
    if (!this.active) return;
    this.active = null;
    this.#on.cancelled();
  }

  /**
   * @param {ToolName} tool
   * @param {InkPoint[]} points
   */
  #startStroke(tool, points) {
    const started = isFreehand(tool) ? points : points.map(withoutPressure);
    this.active = { stroke: randomId(), kind: tool, colour: this.colour, width: this.width, points: started };
    if (isFreehand(tool)) this.#on.ink(this.active, false);
  }

  /** @param {InkPoint} point */
  #add(point) {
    if (!this.active) return;
    const { points, kind } = this.active;
    const before = points[points.length - 1];
    const pixels = distance(before, point) * this.#camera().zoom;
    if (pixels < MIN_STEP) return;
    const follow = Math.max(MIN_FOLLOW, Math.min(1, pixels / SMOOTH_BELOW));
    const smoothed = { ...point, x: before.x + (point.x - before.x) * follow, y: before.y + (point.y - before.y) * follow };
    points.push(smoothed);
    if (points.length >= SPLIT_AFTER) {
      this.#finish(this.active);
      this.#startStroke(kind, [smoothed]);
    }
  }

  /** @param {ActiveStroke} active */
  #finish({ stroke, kind, colour, width, points }) {
    this.active = null;
    const zoom = this.#camera().zoom;
    const isLine = isFreehand(kind);
    if (!isLine && (points.length < 2 || distance(points[0], points[1]) * zoom < 2)) {
      this.#on.cancelled();
      return;
    }
    this.drawn = stroke;
    const kept = isLine ? simplified(points, TOLERANCE / zoom, width) : points;
    this.#on.drawn(stroke, { kind, colour, width, ...packPoints(kept) });
  }

  /**
   * @param {InkPoint} pixel
   * @returns {InkPoint}
   */
  #inPlane(pixel) {
    const { x, y } = toPlane(this.#camera(), pixel);
    /** @type {InkPoint} */
    const point = { x: quantised(x), y: quantised(y) };
    if (pixel.pressure !== undefined) point.pressure = pixel.pressure;
    return point;
  }
}

/**
 * The line width of an arrow of some length.
 * @param {number} chosen
 * @param {number} length
 */
export function arrowWidth(chosen, length) {
  return Math.min(chosen, Math.max(1, quantised(length / ARROW_WIDTHS)));
}

/** @param {ToolName} tool */
function isFreehand(tool) {
  return tool === "pen" || tool === "marker";
}

/**
 * @param {PlanePoint} point
 * @returns {InkPoint}
 */
function withoutPressure({ x, y }) {
  return { x, y };
}

/**
 * The end point that makes a figure regular: a square, a circle, or a line at a multiple of SNAP.
 * @param {ToolName} tool
 * @param {PlanePoint} from
 * @param {PlanePoint} to
 * @returns {InkPoint}
 */
export function straightened(tool, from, to) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  if (tool === "line" || tool === "arrow") {
    const angle = Math.round(Math.atan2(dy, dx) / SNAP) * SNAP;
    const length = Math.hypot(dx, dy);
    return { x: quantised(from.x + length * Math.cos(angle)), y: quantised(from.y + length * Math.sin(angle)) };
  }
  const side = Math.max(Math.abs(dx), Math.abs(dy));
  return { x: from.x + side * Math.sign(dx || 1), y: from.y + side * Math.sign(dy || 1) };
}
