// @ts-check
/**
 * Two layers: the static one has the strokes and is repainted only where they changed; the dynamic one
 * has ink in progress and pointers and is repainted in each frame.
 *
 * It must never know who draws or how strokes arrive.
 */

import { shownBox, toScreen } from "./camera.js";
import { boxOfBoth, overlap } from "./geometry.js";
import { boxOf, paint, paintInk } from "./renderer.js";

/** @typedef {import("./types.js").Box} Box */
/** @typedef {import("./types.js").PlanePoint} PlanePoint */
/** @typedef {import("./types.js").Stroke} Stroke */
/** @typedef {import("./types.js").InkPoint} InkPoint */
/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {{kind: import("./types.js").ToolName, colour: string, width: number, points: InkPoint[]}} DynamicInk */
/** @typedef {{name: string, colour: string, point: PlanePoint}} DynamicPointer */
/** @typedef {{inks: DynamicInk[], pointers: DynamicPointer[], ring: {centre: PlanePoint, radius: number} | null, moving: boolean}} DynamicContent */

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
  #arrow = new Path2D(ARROW);

  /**
   * @param {HTMLCanvasElement} staticCanvas
   * @param {HTMLCanvasElement} dynamicCanvas
   * @param {object} source
   * @param {() => Stroke[]} source.strokes in painting order
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
    for (const { body } of this.#source.strokes()) {
      if (overlap(boxOf(body), box)) paint(context, body, this.camera.zoom * this.#scale);
    }
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
  #paintDynamic({ inks, pointers, ring }) {
    const { context, element } = this.#dynamic;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, element.width, element.height);
    // A marker in progress blends with the strokes of the layer below, as it will when it is one of them.
    element.style.mixBlendMode = inks.some(({ kind }) => kind === "marker") ? "multiply" : "";
    this.#toPlane(context);
    for (const { points, ...style } of inks) paintInk(context, style, points);
    context.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    if (ring) {
      const { x, y } = toScreen(this.camera, ring.centre);
      context.beginPath();
      context.arc(x, y, ring.radius, 0, 2 * Math.PI);
      context.fillStyle = "rgb(120 110 100 / 0.16)";
      context.fill();
      context.lineWidth = 1.25;
      context.strokeStyle = "rgb(90 80 70 / 0.7)";
      context.stroke();
    }
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
