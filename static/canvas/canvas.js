// @ts-check
/**
 * Two layers: the static one has the strokes and is repainted only where they changed; the dynamic one
 * has ink in progress and pointers and is repainted in each frame.
 *
 * It must never know who draws or how strokes arrive.
 */

import { shownBox, toScreen } from "./camera.js";
import { boxOfBoth, overlap } from "../model/geometry.js";
import { Carrier } from "./carrier.js";
import { kindOf, paint } from "../kinds/kinds.js";
import { MARKER_BLENDING } from "../kinds/svg.js";

/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("../model/palette.js").CanvasTheme} CanvasTheme */
/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("../model/types.js").Matrix} Matrix */
/** @typedef {{toScreen: (point: PlanePoint) => ScreenPoint, size: import("./camera.js").Size, zoom: number, theme: CanvasTheme}} View */
/**
 * What is shown above the strokes: bodies painted like strokes, others moved by a matrix of the plane, and marks in
 * pixels of the canvas, above them.
 * @typedef {{bodies?: Body[], carried?: {bodies: Body[], matrix: Matrix} | null, paint?: (context: CanvasRenderingContext2D, view: View) => void}} Overlay
 */
/** @typedef {{name: string, colour: string, point: PlanePoint}} DynamicPointer */
/** @typedef {{overlays: Overlay[], pointers: DynamicPointer[], moving: boolean}} DynamicContent */

/** Longest full repaint, in milliseconds, that is done in every frame while the camera moves. */
const FAST_REPAINT = 14;
/** Milliseconds without camera movement before a slow repaint, and the longest it is postponed. */
const REPAINT_DELAY = 90;
const MAX_REPAINT_DELAY = 700;
/** The shape of a pointer, and the font of its name. */
const ARROW = "M0 0L4.6 15.4L7.9 9.1L14.6 7.2Z";
const NAME_FONT = `600 12px "Avenir Next", "Segoe UI", system-ui, sans-serif`;

export class Canvas {
  /** @type {Camera} */
  camera = { x: 0, y: 0, zoom: 1 };
  size = { width: 1, height: 1 };
  #static;
  #dynamic;
  #source;
  #scale = 1;
  /** @type {Box | null} the part of the static layer to repaint, in units */
  #damaged = null;
  #allDamaged = true;
  /** The camera that the static layer was painted with. */
  #painted = this.camera;
  #cost = 0;
  #paintedAt = 0;
  #movedAt = 0;
  #frame = 0;
  #carrier = new Carrier();
  #arrow = new Path2D(ARROW);
  /** @type {CanvasTheme} */
  #theme = "light";

  /**
   * @param {HTMLCanvasElement} staticCanvas
   * @param {HTMLCanvasElement} dynamicCanvas
   * @param {object} source
   * @param {(box: Box) => readonly Stroke[]} source.inBox those that may be visible in a box, in painting order
   * @param {(now: number) => DynamicContent} source.dynamic
   */
  constructor(staticCanvas, dynamicCanvas, source) {
    this.#static = { element: staticCanvas, context: contextOf(staticCanvas) };
    this.#dynamic = { element: dynamicCanvas, context: contextOf(dynamicCanvas) };
    this.#source = source;
  }

  /** Resizes both layers to the window. */
  resize() {
    const { clientWidth, clientHeight } = this.#dynamic.element;
    this.#scale = Math.min(3, devicePixelRatio || 1);
    this.size = { width: Math.max(1, clientWidth), height: Math.max(1, clientHeight) };
    for (const { element } of [this.#static, this.#dynamic]) {
      element.width = Math.round(this.size.width * this.#scale);
      element.height = Math.round(this.size.height * this.#scale);
    }
    this.damageAll();
  }

  /** @param {Camera} camera */
  setCamera(camera) {
    this.camera = camera;
    this.#movedAt = performance.now();
    this.refresh();
  }

  /** What strokes are painted on: their palette colours adapt to it. */
  get theme() {
    return this.#theme;
  }

  /** @param {CanvasTheme} theme */
  setTheme(theme) {
    this.#theme = theme;
    this.damageAll();
  }

  /** Marks a part of the static layer for repainting.
   * @param {Box} box */
  damage(box) {
    this.#damaged = boxOfBoth(this.#damaged, box);
    this.refresh();
  }

  damageAll() {
    this.#allDamaged = true;
    this.refresh();
  }

  /** Schedules a repaint for the next frame. */
  refresh() {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#paint(performance.now()));
  }

  /** @param {number} now */
  #paint(now) {
    this.#frame = 0;
    this.#paintStatic(now);
    const content = this.#source.dynamic(now);
    this.#paintDynamic(content);
    if (content.moving) this.refresh();
  }

  /** @param {number} now */
  #paintStatic(now) {
    const moved = this.camera !== this.#painted;
    const moves = now - this.#movedAt < REPAINT_DELAY && now - this.#paintedAt < MAX_REPAINT_DELAY;
    if (moved && moves && this.#cost > FAST_REPAINT) {
      // A full repaint is slow: transform the existing picture and repaint it a little later.
      const zoom = this.camera.zoom / this.#painted.zoom;
      const { x, y } = toScreen(this.camera, this.#painted);
      this.#static.element.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`;
      this.refresh();
      return;
    }
    if (!moved && !this.#allDamaged && !this.#damaged) return;
    const { context, element } = this.#static;
    const whole = moved || this.#allDamaged || !this.#damaged;
    const shown = shownBox(this.camera, this.size);
    const box = whole || !this.#damaged ? shown : this.#damaged;
    if (!overlap(box, shown)) {
      this.#damaged = null;
      return;
    }
    const began = performance.now();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.save();
    const from = toScreen(this.camera, { x: box.left, y: box.top });
    const to = toScreen(this.camera, { x: box.right, y: box.bottom });
    const left = Math.floor(from.x * this.#scale) - 1;
    const top = Math.floor(from.y * this.#scale) - 1;
    context.beginPath();
    context.rect(left, top, Math.ceil(to.x * this.#scale) + 1 - left, Math.ceil(to.y * this.#scale) + 1 - top);
    context.clip();
    context.clearRect(0, 0, element.width, element.height);
    this.#toPlane(context);
    for (const { body } of this.#source.inBox(box)) paint(context, body, this.#look);
    context.restore();
    element.style.transform = "";
    this.#damaged = null;
    this.#allDamaged = false;
    this.#painted = this.camera;
    if (whole) {
      this.#cost = performance.now() - began;
      this.#paintedAt = performance.now();
    }
  }

  /** @param {DynamicContent} content */
  #paintDynamic({ overlays, pointers }) {
    const { context, element } = this.#dynamic;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, element.width, element.height);
    // A marker in progress blends with the strokes of the layer below, as it will when it is one of them.
    const bodies = overlays.flatMap(({ bodies = [] }) => bodies);
    element.style.mixBlendMode = bodies.some((body) => kindOf(body).multiplies) ? MARKER_BLENDING[this.#theme] : "";
    this.#toPlane(context);
    for (const { carried } of overlays) {
      if (carried) this.#carrier.paint(context, carried, { camera: this.camera, size: this.size, look: this.#look });
    }
    for (const body of bodies) paint(context, body, this.#look);
    context.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    for (const { paint } of overlays) paint?.(context, this.#view);
    for (const pointer of pointers) this.#paintPointer(context, pointer);
  }

  /**
   * @param {CanvasRenderingContext2D} context in pixels
   * @param {DynamicPointer} pointer
   */
  #paintPointer(context, { name, colour, point }) {
    const { x, y } = toScreen(this.camera, point);
    context.save();
    context.translate(x, y);
    context.lineJoin = "round";
    context.lineWidth = 3;
    context.strokeStyle = "#fff";
    context.stroke(this.#arrow);
    context.fillStyle = colour;
    context.fill(this.#arrow);
    context.font = NAME_FONT;
    context.textBaseline = "middle";
    const width = context.measureText(name).width + 16;
    context.beginPath();
    context.roundRect(11, 14, width, 22, 11);
    context.fill();
    context.fillStyle = "#fff";
    context.fillText(name, 19, 25.5);
    context.restore();
  }

  get #look() {
    return { scale: this.camera.zoom * this.#scale, theme: this.#theme };
  }

  /** @returns {View} */
  get #view() {
    const { camera, size } = this;
    return { toScreen: (point) => toScreen(camera, point), size, zoom: camera.zoom, theme: this.#theme };
  }

  /** @param {CanvasRenderingContext2D} context */
  #toPlane(context) {
    const scale = this.#scale * this.camera.zoom;
    context.setTransform(scale, 0, 0, scale, -this.camera.x * scale, -this.camera.y * scale);
  }
}

/** @param {HTMLCanvasElement} element */
function contextOf(element) {
  return /** @type {CanvasRenderingContext2D} */ (element.getContext("2d"));
}
