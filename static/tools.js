// @ts-check
/**
 * What a pointer does with each tool, from its first point to its last: ink, figures, erasing, text.
 *
 * It must never reach the screen or the server: it tells what was drawn, and that is all.
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
/** @typedef {{stroke: string, tool: ToolName, colour: string, width: number, points: InkPoint[]}} ActiveStroke */
/**
 * @typedef {object} ToolEvents
 * @property {(ink: ActiveStroke, moved: boolean) => void} ink a stroke grows; with `moved`, its points are elsewhere
 * @property {(stroke: string, body: Body) => void} drawn
 * @property {() => void} cancelled the stroke is given up
 * @property {(from: PlanePoint, to: PlanePoint, radius: number) => void} erase whatever is touched
 * @property {() => void} erased the drag of the eraser ended
 * @property {(point: PlanePoint) => void} text something is to be written there
 */

/** Pixels: nearer points are dropped, and what is nearer to the line than this is simplified. */
const MIN_STEP = 0.5;
const TOLERANCE = 0.35;
/** Pixels: a hand that moves less than this at a time trembles, and is smoothed. */
const TREMBLE = 5;
const MIN_FOLLOW = 0.5;
/** Points after which a line by hand is cut and goes on as another stroke. */
const CUT_AFTER = 4_000;
/** Pixels from the middle of the eraser that it touches. */
export const ERASER_RADIUS = 9;
/** Directions that a straight line snaps to, in radians. */
const SNAP = Math.PI / 12;

export class Tools {
  /** @type {Choice} */
  choice = "pen";
  colour = "#22201d";
  width = 4;
  /** @type {ActiveStroke | null} */
  active = null;
  /** @type {PlanePoint | null} where the eraser was */
  #erasedAt = null;
  /** @type {PlanePoint | null} where something is to be written once the pointer is lifted */
  #writeAt = null;
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
   * @param {boolean} erasing whatever the chosen tool is
   */
  begin(pixel, erasing) {
    const point = this.#inPlane(pixel);
    if (erasing || this.choice === "eraser") {
      this.#erasedAt = point;
      this.#on.erase(point, point, ERASER_RADIUS / this.#camera().zoom);
    } else if (this.choice === "text") {
      this.#writeAt = point;
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
    } else if (this.active && byHand(this.active.tool)) {
      pixels.forEach((pixel) => this.#add(this.#inPlane(pixel)));
      if (this.active) this.#on.ink(this.active, false);
    } else if (this.active) {
      const [from] = this.active.points;
      const to = withoutPressure(this.#inPlane(pixels[pixels.length - 1]));
      this.active.points = [from, straight ? straightened(this.active.tool, from, to) : to];
      this.#on.ink(this.active, true);
    }
  }

  end() {
    if (this.#erasedAt) {
      this.#erasedAt = null;
      this.#on.erased();
    }
    if (this.active) this.#finish(this.active);
    if (this.#writeAt) this.#on.text(this.#writeAt);
    this.#writeAt = null;
  }

  cancel() {
    this.#writeAt = null;
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
    const started = byHand(tool) ? points : points.map(withoutPressure);
    this.active = { stroke: randomId(), tool, colour: this.colour, width: this.width, points: started };
    if (byHand(tool)) this.#on.ink(this.active, false);
  }

  /** @param {InkPoint} point */
  #add(point) {
    if (!this.active) return;
    const { points, tool } = this.active;
    const before = points[points.length - 1];
    const pixels = distance(before, point) * this.#camera().zoom;
    if (pixels < MIN_STEP) return;
    const follow = Math.max(MIN_FOLLOW, Math.min(1, pixels / TREMBLE));
    const smoothed = { ...point, x: before.x + (point.x - before.x) * follow, y: before.y + (point.y - before.y) * follow };
    points.push(smoothed);
    if (points.length >= CUT_AFTER) {
      this.#finish(this.active);
      this.#startStroke(tool, [smoothed]);
    }
  }

  /** @param {ActiveStroke} active */
  #finish({ stroke, tool, colour, width, points }) {
    this.active = null;
    const zoom = this.#camera().zoom;
    const isLine = byHand(tool);
    if (!isLine && (points.length < 2 || distance(points[0], points[1]) * zoom < 2)) {
      this.#on.cancelled();
      return;
    }
    const kept = isLine ? simplified(points, TOLERANCE / zoom, width) : points;
    this.#on.drawn(stroke, { tool, colour, width, ...packPoints(kept) });
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

/** @param {ToolName} tool */
function byHand(tool) {
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
 * Where a figure ends so that it is regular: a square, a circle, a line in a round direction.
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
