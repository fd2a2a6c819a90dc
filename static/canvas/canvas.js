// @ts-check
/**
 * Two layers: the static one shows the strokes, put together from tiles that are painted within a budget
 * of each frame; the dynamic one has ink in progress and pointers and is repainted in each frame.
 *
 * It must never know who draws or how strokes arrive.
 */

import { boxOfBoth } from "../model/geometry.js";
import { boundsOf, kindOf, paint } from "../kinds/kinds.js";
import { MARKER_BLENDING } from "../kinds/svg.js";
import { shownBox, toScreen } from "./camera.js";
import { Carrier } from "./carrier.js";
import { LiveInk } from "./live-ink.js";
import { paintPointer } from "./pointer.js";
import { TilePainter, contextOf } from "./tile-painter.js";
import { TILE, Tiles, tileScale } from "./tiles.js";

/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("../model/palette.js").CanvasTheme} CanvasTheme */
/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("../model/types.js").Matrix} Matrix */
/** @typedef {import("./tile-painter.js").Tile} Tile */
/** @typedef {{toScreen: (point: PlanePoint) => ScreenPoint, size: import("./camera.js").Size, zoom: number, theme: CanvasTheme}} View */
/**
 * What is shown above the strokes: bodies painted like strokes, others moved by a matrix of the plane, and marks in
 * pixels of the canvas, above them.
 * @typedef {{bodies?: Body[], carried?: {bodies: Body[], matrix: Matrix} | null, paint?: (context: CanvasRenderingContext2D, view: View) => void}} Overlay
 */
/** @typedef {{name: string, colour: string, point: PlanePoint}} DynamicPointer */
/** @typedef {{overlays: Overlay[], pointers: DynamicPointer[], moving: boolean}} DynamicContent */

/**
 * Milliseconds of a frame for painting tiles: while something moves, at rest, and after a jump, when there is
 * little to see before all is painted, and each frame costs some of its own.
 */
const MOVING_BUDGET = 3;
const RESTING_BUDGET = 30;
const JUMP_BUDGET = 500;
/** Milliseconds after which the view, or its zoom, counts as at rest. */
const REST_AFTER = 160;
const MAX_PIXEL_RATIO = 3;

export class Canvas {
  /** @type {Camera} */
  camera = { x: 0, y: 0, zoom: 1 };
  size = { width: 1, height: 1 };
  #static;
  #dynamic;
  #source;
  #ratio = 1;
  /** @type {Tiles<import("./tile-painter.js").Picture>} */
  #tiles = new Tiles();
  #painter;
  #liveInk = new LiveInk();
  /** @type {ReadonlyMap<string, Stroke>} shown otherwise */
  #hidden = new Map();
  /** Whether the static layer may differ from what the tiles say. */
  #stale = true;
  #movedAt = -Infinity;
  #zoomedAt = -Infinity;
  /** Whether the view has jumped to where it is and is not painted yet. */
  #jumped = false;
  /** The scale of the tiles that the static layer shows. */
  #tileScale = 0;
  /** The frame that is awaited, if any; before the start no frame is. */
  #frame = -1;
  #carrier = new Carrier();
  #dynamicEmpty = true;
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
    this.#painter = new TilePainter(this.#tiles, (box) => this.#shownIn(box));
    // All canvases come back empty, for example after the graphics card was reset.
    for (const canvas of [staticCanvas, dynamicCanvas]) canvas.addEventListener("contextrestored", () => this.repaint());
  }

  /** Resizes both layers to the window. */
  resize() {
    const { clientWidth, clientHeight } = this.#dynamic.element;
    this.#ratio = ratioNow();
    this.size = { width: Math.max(1, clientWidth), height: Math.max(1, clientHeight) };
    for (const { element } of [this.#static, this.#dynamic]) {
      const [width, height] = [Math.round(this.size.width * this.#ratio), Math.round(this.size.height * this.#ratio)];
      // Setting a size clears the picture, also if it is the same.
      if (element.width !== width) element.width = width;
      if (element.height !== height) element.height = height;
    }
    this.#stale = true;
    this.refresh();
  }

  /**
   * @param {Camera} camera
   * @param {boolean} jumps whether it comes to rest there at once, and is not moved by a hand
   */
  setCamera(camera, jumps) {
    const now = jumps ? -Infinity : performance.now();
    if (camera.zoom !== this.camera.zoom) this.#zoomedAt = now;
    this.camera = camera;
    this.#movedAt = now;
    this.#jumped = jumps;
    this.#stale = true;
    this.refresh();
  }

  /** What strokes are painted on: their palette colours adapt to it. */
  get theme() {
    return this.#theme;
  }

  /** @param {CanvasTheme} theme */
  setTheme(theme) {
    if (theme === this.#theme) return;
    this.#theme = theme;
    this.#painter.theme = theme;
    this.repaint();
  }

  /** Whether all strokes in sight are painted as they are, and sharp. */
  get isComplete() {
    return !this.#stale && this.#tileScale === this.#scale && this.#tiles.isComplete;
  }

  /** A stroke was added, changed or removed.
   * @param {Stroke | null} before
   * @param {Stroke | null} after */
  changed(before, after) {
    const [old, now] = [before && boundsOf(before.body), after && boundsOf(after.body)];
    if (old ?? now) this.#tiles.changed(before, after, old && now ? boxOfBoth(old, now) : /** @type {Box} */ (old ?? now));
    this.refresh();
  }

  /** Hides strokes that are shown otherwise while they are changed, in place of those before.
   * @param {readonly Stroke[]} strokes */
  hide(strokes) {
    const before = this.#hidden;
    this.#hidden = new Map(strokes.map((stroke) => [stroke.id, stroke]));
    for (const [id, stroke] of before) if (!this.#hidden.has(id)) this.changed(stroke, stroke);
    for (const [id, stroke] of this.#hidden) if (!before.has(id)) this.changed(stroke, stroke);
  }

  /** Everything looks different now. */
  repaint() {
    this.#tiles.clear();
    this.#painter.reset();
    this.#liveInk.clear();
    this.#carrier.clear();
    this.#stale = true;
    this.refresh();
  }

  /** The drawing is here: shows it from now on. */
  start() {
    if (this.#frame < 0) this.#frame = 0;
    this.refresh();
  }

  /** Schedules a repaint for the next frame. */
  refresh() {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#paint(performance.now()));
  }

  /** @param {Box} box */
  #shownIn(box) {
    const strokes = this.#source.inBox(box);
    return this.#hidden.size === 0 ? strokes : strokes.filter(({ id }) => !this.#hidden.has(id));
  }

  get #scale() {
    return this.camera.zoom * this.#ratio;
  }

  /** @param {number} now */
  #paint(now) {
    this.#frame = 0;
    if (ratioNow() !== this.#ratio) this.resize();
    const content = this.#source.dynamic(now);
    const moving = now - this.#movedAt < REST_AFTER || content.overlays.some(({ bodies = [] }) => bodies.length > 0);
    this.#paintStatic(now, moving ? MOVING_BUDGET : this.#jumped ? JUMP_BUDGET : RESTING_BUDGET);
    if (this.isComplete) this.#jumped = false;
    this.#paintDynamic(content);
    if (content.moving || !this.isComplete || !this.#painter.isIdle) this.refresh();
  }

  /**
   * @param {number} now
   * @param {number} budget milliseconds
   */
  #paintStatic(now, budget) {
    const scale = tileScale(this.#scale, now - this.#zoomedAt < REST_AFTER);
    if (this.#stale || scale !== this.#tileScale) {
      this.#tiles.show(shownBox(this.camera, this.size), scale);
      this.#tileScale = scale;
      this.#stale = true;
    }
    const changed = this.#painter.work(performance.now() + budget);
    if (changed || this.#stale) this.#compose();
    this.#stale = false;
  }

  /** Puts the static layer together. A place whose tile is missing shows tiles of another scale meanwhile. */
  #compose() {
    const { context, element } = this.#static;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, element.width, element.height);
    context.imageSmoothingQuality = "low";
    for (const tile of this.#tiles.visible) {
      if (tile.painted) {
        this.#draw(context, tile);
        continue;
      }
      const { left, top, width, height } = this.#placeOf(tile);
      context.save();
      context.beginPath();
      context.rect(left, top, width, height);
      context.clip();
      for (const other of this.#tiles.standIns(tile.box, tile.scale)) this.#draw(context, other);
      context.restore();
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Tile} tile
   */
  #draw(context, tile) {
    if (!tile.picture) return;
    const { left, top, width, height } = this.#placeOf(tile);
    context.drawImage(tile.picture, left, top, width, height);
  }

  /**
   * The place of a tile on the layer: whole pixels, so that tiles meet without a seam.
   * @param {Tile} tile
   */
  #placeOf({ scale, x, y }) {
    const side = (TILE * this.#scale) / scale;
    const at = (/** @type {number} */ index, /** @type {number} */ origin) => Math.round(index * side) - origin;
    const [originX, originY] = this.#origin;
    const [left, top] = [at(x, originX), at(y, originY)];
    return { left, top, width: at(x + 1, originX) - left, height: at(y + 1, originY) - top };
  }

  /** The upper left corner of the view in device pixels of the plane: whole ones, so that pictures stay sharp. */
  get #origin() {
    return [Math.round(this.camera.x * this.#scale), Math.round(this.camera.y * this.#scale)];
  }

  /** @param {DynamicContent} content */
  #paintDynamic({ overlays, pointers }) {
    const { context, element } = this.#dynamic;
    const bodies = overlays.flatMap(({ bodies = [] }) => bodies);
    const all = [...bodies, ...overlays.flatMap(({ carried }) => carried?.bodies ?? [])];
    const isBare = pointers.length === 0 && overlays.every(({ paint }) => !paint);
    if (isBare && all.length === 0 && this.#dynamicEmpty) return;
    this.#dynamicEmpty = isBare && all.length === 0;
    // A marker in progress, or moved, blends with the strokes of the layer below, as it will when it is one of them.
    element.style.mixBlendMode = all.some((body) => kindOf(body).multiplies) ? MARKER_BLENDING[this.#theme] : "";
    const scale = this.#scale;
    const [x, y] = this.#origin;
    const look = { scale, theme: this.#theme };
    const plane = new DOMMatrix([scale, 0, 0, scale, -x, -y]);
    this.#liveInk.paintLayer(context, isBare && all.length === 1 ? bodies[0] : undefined, look, plane, () => {
      context.setTransform(plane);
      for (const { carried } of overlays) if (carried) this.#carrier.paint(context, carried, { camera: this.camera, size: this.size, look });
      for (const body of bodies) if (!this.#liveInk.paint(context, body, look, plane)) paint(context, body, look);
      this.#liveInk.endFrame();
      context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
      for (const { paint } of overlays) paint?.(context, this.#view);
      for (const { point, ...pointer } of pointers) paintPointer(context, toScreen(this.camera, point), pointer);
    });
  }

  /** @returns {View} */
  get #view() {
    const { camera, size } = this;
    return { toScreen: (point) => toScreen(camera, point), size, zoom: camera.zoom, theme: this.#theme };
  }
}

function ratioNow() {
  return Math.min(MAX_PIXEL_RATIO, devicePixelRatio || 1);
}
