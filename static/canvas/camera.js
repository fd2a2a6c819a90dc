// @ts-check
/**
 * The visible part of the plane, as its upper left corner and a zoom factor.
 *
 * It must never know what is drawn.
 */

/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {{x: number, y: number, zoom: number}} Camera */
/** @typedef {{width: number, height: number}} Size in pixels */

/** Pixels per unit. */
export const MIN_ZOOM = 0.05;
export const MAX_ZOOM = 8;
/** Largest coordinate of the camera, in units. Strokes may be slightly farther out. */
const FARTHEST = 9_000_000;
/** Margin around fitted content, in pixels. */
const FIT_MARGIN = 96;

/** @param {any} value */
export function isCamera(value) {
  return [value.x, value.y, value.zoom].every(Number.isFinite) && value.zoom >= MIN_ZOOM && value.zoom <= MAX_ZOOM;
}

/**
 * @param {Camera} camera
 * @param {ScreenPoint} pixel
 * @returns {PlanePoint}
 */
export function toPlane(camera, pixel) {
  return { x: camera.x + pixel.x / camera.zoom, y: camera.y + pixel.y / camera.zoom };
}

/**
 * @param {Camera} camera
 * @param {PlanePoint} point
 * @returns {ScreenPoint}
 */
export function toScreen(camera, point) {
  return { x: (point.x - camera.x) * camera.zoom, y: (point.y - camera.y) * camera.zoom };
}

/**
 * @param {Camera} camera
 * @param {number} dx pixels
 * @param {number} dy pixels
 * @returns {Camera}
 */
export function panned(camera, dx, dy) {
  return clampedCamera({ ...camera, x: camera.x - dx / camera.zoom, y: camera.y - dy / camera.zoom });
}

/**
 * Zooms so that the point under `pixel` stays there.
 * @param {Camera} camera
 * @param {number} zoom
 * @param {ScreenPoint} pixel
 * @returns {Camera}
 */
export function zoomedTo(camera, zoom, pixel) {
  const allowed = Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, zoom));
  const point = toPlane(camera, pixel);
  return clampedCamera({ x: point.x - pixel.x / allowed, y: point.y - pixel.y / allowed, zoom: allowed });
}

/** @param {Camera} camera */
function clampedCamera({ x, y, zoom }) {
  const clamped = (/** @type {number} */ value) => Math.min(FARTHEST, Math.max(-FARTHEST, value));
  return { x: clamped(x), y: clamped(y), zoom };
}

/**
 * Shows all of `box`, at 100 % at most.
 * @param {Box} box
 * @param {Size} size
 * @returns {Camera}
 */
export function fitted(box, size) {
  const width = Math.max(1, box.right - box.left);
  const height = Math.max(1, box.bottom - box.top);
  const margin = Math.min(FIT_MARGIN, size.width / 8);
  const fit = Math.min((size.width - 2 * margin) / width, (size.height - 2 * FIT_MARGIN) / height);
  const zoom = Math.min(1, Math.max(MIN_ZOOM, fit));
  return centred({ x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 }, zoom, size);
}

/**
 * @param {PlanePoint} point
 * @param {number} zoom
 * @param {Size} size
 * @returns {Camera}
 */
export function centred(point, zoom, size) {
  return { x: point.x - size.width / 2 / zoom, y: point.y - size.height / 2 / zoom, zoom };
}

/**
 * @param {Camera} camera
 * @param {Size} size
 * @returns {Box}
 */
export function shownBox(camera, size) {
  return {
    left: camera.x,
    top: camera.y,
    right: camera.x + size.width / camera.zoom,
    bottom: camera.y + size.height / camera.zoom,
  };
}

/**
 * Pans and zooms as two fingers moved, so that the points under them stay under them.
 * @param {Camera} camera
 * @param {[ScreenPoint, ScreenPoint]} before
 * @param {[ScreenPoint, ScreenPoint]} after
 * @returns {Camera}
 */
export function pinched(camera, before, after) {
  const middle = ([p, q] = before) => ({ x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 });
  const apart = ([p, q] = before) => Math.max(1, Math.hypot(p.x - q.x, p.y - q.y));
  const moved = panned(camera, middle(after).x - middle(before).x, middle(after).y - middle(before).y);
  return zoomedTo(moved, (moved.zoom * apart(after)) / apart(before), middle(after));
}

/**
 * The camera that shows all of `box` without a margin, as far as the zoom may go.
 * @param {Box} box
 * @param {Size} size
 * @returns {Camera}
 */
export function showing(box, size) {
  const fit = Math.min(size.width / (box.right - box.left), size.height / (box.bottom - box.top));
  const zoom = Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, fit));
  return clampedCamera(centred({ x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 }, zoom, size));
}

/**
 * Part of the way from one camera to another, so that the middle of the canvas moves in a straight line.
 * @param {Camera} from
 * @param {Camera} to
 * @param {number} fraction
 * @param {Size} size
 * @returns {Camera}
 */
export function towards(from, to, fraction, size) {
  const middle = { x: size.width / 2, y: size.height / 2 };
  const [a, b] = [toPlane(from, middle), toPlane(to, middle)];
  const zoom = from.zoom * (to.zoom / from.zoom) ** fraction;
  return centred({ x: a.x + (b.x - a.x) * fraction, y: a.y + (b.y - a.y) * fraction }, zoom, size);
}

/**
 * The largest distance in pixels between what two cameras show at the corners of the canvas.
 * @param {Camera} a
 * @param {Camera} b
 * @param {Size} size
 */
export function distance(a, b, size) {
  const corners = [{ x: 0, y: 0 }, { x: size.width, y: size.height }];
  return Math.max(...corners.map((corner) => {
    const seen = toScreen(a, toPlane(b, corner));
    return Math.hypot(seen.x - corner.x, seen.y - corner.y);
  }));
}
