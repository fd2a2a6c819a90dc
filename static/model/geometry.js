// @ts-check
/**
 * Plane geometry: distances, boxes, turns and maps, simplification, and what a dragged circle touches.
 *
 * It must never know what a stroke is.
 */

/** @typedef {import("./types.js").PlanePoint} PlanePoint */
/** @typedef {import("./types.js").InkPoint} InkPoint */
/** @typedef {import("./types.js").Box} Box */
/** @typedef {{left: number, top: number, scaleX: number, scaleY: number, x: number, y: number}} BoxMap Scales about the point left, top, and moves that to x, y. */

/**
 * @param {PlanePoint} a
 * @param {PlanePoint} b
 */
export function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/**
 * The distance from `p` to the segment a–b.
 * @param {PlanePoint} p
 * @param {PlanePoint} a
 * @param {PlanePoint} b
 */
export function distanceToSegment(p, a, b) {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.max(0, Math.min(1, ((p.x - a.x) * dx + (p.y - a.y) * dy) / length));
  return Math.hypot(p.x - a.x - along * dx, p.y - a.y - along * dy);
}

/**
 * Whether the segments a–b and c–d cross.
 * @param {PlanePoint} a
 * @param {PlanePoint} b
 * @param {PlanePoint} c
 * @param {PlanePoint} d
 */
function cross(a, b, c, d) {
  const side = (/** @type {PlanePoint} */ p, /** @type {PlanePoint} */ q, /** @type {PlanePoint} */ r) =>
    (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

/**
 * The distance between the segments a–b and c–d.
 * @param {PlanePoint} a
 * @param {PlanePoint} b
 * @param {PlanePoint} c
 * @param {PlanePoint} d
 */
export function distanceOfSegments(a, b, c, d) {
  if (cross(a, b, c, d)) return 0;
  return Math.min(
    distanceToSegment(a, c, d),
    distanceToSegment(b, c, d),
    distanceToSegment(c, a, b),
    distanceToSegment(d, a, b),
  );
}

/**
 * Simplifies a line (Douglas–Peucker): no dropped point is farther than `tolerance` from the result, and
 * both ends stay. Pressure counts as a third dimension; its full range is `pressureScale` units.
 * @param {InkPoint[]} points
 * @param {number} tolerance
 * @param {number} [pressureScale]
 */
export function simplified(points, tolerance, pressureScale = 0) {
  if (points.length < 3) return points;
  const kept = new Uint8Array(points.length);
  kept[0] = kept[points.length - 1] = 1;
  const spans = [[0, points.length - 1]];
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [from, to] = span;
    let farthest = tolerance;
    let at = -1;
    for (let i = from + 1; i < to; i += 1) {
      const away = deviation(points[i], points[from], points[to], pressureScale);
      if (away > farthest) {
        farthest = away;
        at = i;
      }
    }
    if (at >= 0) {
      kept[at] = 1;
      spans.push([from, at], [at, to]);
    }
  }
  return points.filter((_, i) => kept[i]);
}

/**
 * @param {InkPoint} p
 * @param {InkPoint} a
 * @param {InkPoint} b
 * @param {number} pressureScale
 */
function deviation(p, a, b, pressureScale) {
  const away = distanceToSegment(p, a, b);
  if (p.pressure === undefined || pressureScale === 0) return away;
  const whole = distance(a, b);
  const along = whole === 0 ? 0 : Math.min(1, distance(a, p) / whole);
  const expected = (a.pressure ?? 0) + ((b.pressure ?? 0) - (a.pressure ?? 0)) * along;
  return Math.hypot(away, ((p.pressure - expected) / 255) * pressureScale);
}

/**
 * @param {PlanePoint[]} points at least one
 * @param {number} margin
 * @returns {Box}
 */
export function boxAround(points, margin) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const { x, y } of points) {
    box.left = Math.min(box.left, x);
    box.top = Math.min(box.top, y);
    box.right = Math.max(box.right, x);
    box.bottom = Math.max(box.bottom, y);
  }
  return grown(box, margin);
}

/**
 * A box with `margin` more on each side.
 * @param {Box} box
 * @param {number} margin
 */
export function grown({ left, top, right, bottom }, margin) {
  return { left: left - margin, top: top - margin, right: right + margin, bottom: bottom + margin };
}

/**
 * @param {Box} a
 * @param {Box} b
 */
export function overlap(a, b) {
  return a.left <= b.right && b.left <= a.right && a.top <= b.bottom && b.top <= a.bottom;
}

/**
 * @param {Box} inner
 * @param {Box} outer
 */
export function isWithin(inner, outer) {
  return inner.left >= outer.left && inner.top >= outer.top && inner.right <= outer.right && inner.bottom <= outer.bottom;
}

/**
 * @param {Box | null} a
 * @param {Box} b
 * @returns {Box}
 */
export function boxOfBoth(a, b) {
  if (!a) return b;
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

/** @param {Box} box
 * @returns {PlanePoint} */
export function centreOf({ left, top, right, bottom }) {
  return { x: (left + right) / 2, y: (top + bottom) / 2 };
}

/**
 * @param {PlanePoint} point
 * @param {number} angle radians, clockwise on the screen
 * @param {PlanePoint} about
 * @returns {PlanePoint}
 */
export function rotatedPoint(point, angle, about) {
  const [dx, dy, cos, sin] = [point.x - about.x, point.y - about.y, Math.cos(angle), Math.sin(angle)];
  return { x: about.x + dx * cos - dy * sin, y: about.y + dx * sin + dy * cos };
}

/**
 * The map of one box to another. A box of no width or height is only moved in that direction; a target
 * whose left is right of its right mirrors.
 * @param {Box} from
 * @param {Box} to
 * @returns {BoxMap}
 */
export function boxMap(from, to) {
  const scale = (/** @type {number} */ before, /** @type {number} */ after) => (before === 0 ? 1 : after / before);
  return {
    left: from.left,
    top: from.top,
    scaleX: scale(from.right - from.left, to.right - to.left),
    scaleY: scale(from.bottom - from.top, to.bottom - to.top),
    x: to.left,
    y: to.top,
  };
}

/**
 * @param {PlanePoint} point
 * @param {BoxMap} map
 * @returns {PlanePoint}
 */
export function mappedPoint({ x, y }, map) {
  return { x: map.x + (x - map.left) * map.scaleX, y: map.y + (y - map.top) * map.scaleY };
}

/**
 * Whether a circle dragged from `from` to `to` touches a line.
 * @param {PlanePoint[]} polyline at least one point
 * @param {number} width
 * @param {PlanePoint} from
 * @param {PlanePoint} to
 * @param {number} radius
 */
export function touchesLine(polyline, width, from, to, radius) {
  const reach = radius + width / 2;
  if (polyline.length === 1) return distanceToSegment(polyline[0], from, to) <= reach;
  for (let i = 1; i < polyline.length; i += 1) {
    if (distanceOfSegments(polyline[i - 1], polyline[i], from, to) <= reach) return true;
  }
  return false;
}

/** Part of half a box's height that the circles along its sides have as their radius: what is painted there is often
 * narrower than its own box, which reaches beyond the side. */
const SIDE = 1 / 32;

/**
 * Circles that are dragged across a box: the first one covers all of it; the others its middle and its sides, one
 * of which is crossed by a line that is partly in the box.
 * @param {Box} box
 * @returns {{from: PlanePoint, to: PlanePoint, radius: number}[]}
 */
export function sweepsOf({ left, top, right, bottom }) {
  const corners = [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
  const radius = Math.min(right - left, bottom - top) / 2;
  const middle = { from: { x: left + radius, y: top + radius }, to: { x: right - radius, y: bottom - radius }, radius };
  return [{ ...middle, radius: radius * Math.SQRT2 }, middle, ...corners.map((from, at) => ({ from, to: corners[(at + 1) % 4], radius: radius * SIDE }))];
}

/**
 * Whether a circle dragged from `from` to `to` touches a box.
 * @param {Box} box
 * @param {PlanePoint} from
 * @param {PlanePoint} to
 * @param {number} radius
 */
export function touchesBox(box, from, to, radius) {
  const { left, top, right, bottom } = grown(box, radius);
  const inside = (/** @type {PlanePoint} */ p) => p.x >= left && p.x <= right && p.y >= top && p.y <= bottom;
  if (inside(from) || inside(to)) return true;
  return (
    cross(from, to, { x: left, y: top }, { x: right, y: bottom }) ||
    cross(from, to, { x: right, y: top }, { x: left, y: bottom })
  );
}
