// @ts-check
/**
 * Moves the camera, and the paper's dots with it.
 *
 * It must never paint strokes.
 */

import { isWithin } from "../model/geometry.js";
import { centred, fitted, panned, pinched, shownBox, toPlane, toScreen, zoomedTo } from "./camera.js";

/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("./camera.js").Size} Size */

/** Zoom factor of the plus and minus buttons. */
const ZOOM_STEP = 1.25;

export class Viewport {
  /** @type {Camera} */
  camera = { x: 0, y: 0, zoom: 1 };
  #grid;
  #on;

  /**
   * @param {import("./grid.js").Grid} grid
   * @param {object} on
   * @param {() => Size} on.size
   * @param {() => Box | null} on.bounds the box around all strokes
   * @param {(box: Box) => boolean} on.shows whether anything is painted in a box
   * @param {(camera: Camera, jumps: boolean) => void} on.onCamera `jumps`: it rests there, and is not moved by a hand
   */
  constructor(grid, on) {
    this.#grid = grid;
    this.#on = on;
  }

  /**
   * @param {number} dx pixels
   * @param {number} dy pixels
   */
  pan(dx, dy) {
    this.setCamera(panned(this.camera, dx, dy));
  }

  /**
   * @param {[ScreenPoint, ScreenPoint]} before pixels
   * @param {[ScreenPoint, ScreenPoint]} after
   */
  pinch(before, after) {
    this.setCamera(pinched(this.camera, before, after));
  }

  /**
   * @param {number} factor
   * @param {ScreenPoint} [pixel] the fixed point, by default the middle
   */
  zoom(factor, pixel = this.#middle()) {
    this.setCamera(zoomedTo(this.camera, this.camera.zoom * factor, pixel));
  }

  /**
   * @param {"in"|"out"|"one"|"fit"} to
   * @param {Box | null} [box] to fit, by default the whole drawing
   */
  command(to, box) {
    if (to === "in") this.zoom(ZOOM_STEP);
    else if (to === "out") this.zoom(1 / ZOOM_STEP);
    else if (to === "one") this.zoom(1 / this.camera.zoom);
    else this.fit(box);
  }

  /** Whether there are strokes, but nothing of them is shown, as also inside a large outline. */
  get isAstray() {
    return !this.#on.shows(this.shown) && this.#on.bounds() !== null;
  }

  /** Shows all of a box, by default of the drawing. */
  fit(box = this.#on.bounds()) {
    const size = this.#on.size();
    this.setCamera(box ? fitted(box, size) : centred({ x: 0, y: 0 }, 1, size), true);
  }

  /** What is shown of the plane. */
  get shown() {
    return shownBox(this.camera, this.#on.size());
  }

  /** Shows a box, unless all of it is shown already.
   * @param {Box} box */
  reveal(box) {
    if (!isWithin(box, this.shown)) this.setCamera(fitted(box, this.#on.size()), true);
  }

  /** @param {ScreenPoint} pixel */
  toPlane(pixel) {
    return toPlane(this.camera, pixel);
  }

  /** @param {PlanePoint} point */
  toScreen(point) {
    return toScreen(this.camera, point);
  }

  #middle() {
    const { width, height } = this.#on.size();
    return { x: width / 2, y: height / 2 };
  }

  /**
   * @param {Camera} camera
   * @param {boolean} [jumps]
   */
  setCamera(camera, jumps = false) {
    this.camera = camera;
    this.#grid.show(camera);
    this.#on.onCamera(camera, jumps);
  }
}
