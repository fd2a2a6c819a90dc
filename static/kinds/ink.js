// @ts-check
/**
 * The outline of ink: a smooth line whose thickness follows the pressure, with tapered ends.
 *
 * It must never depend on the zoom, nor on more than points and width: the server computes the same.
 *
 * The formula, in units of the plane, for points p(0) … p(n−1) and a width w:
 *
 * 1. *Tangents.* With u and v the unit vectors of the segments before and after p(i), of lengths a and b,
 *    t(i) = normalised(u·b + v·a). It is zero at both ends, beside a segment of no length, and at a corner,
 *    where u·v < 0.2.
 * 2. *Samples.* Between p(i) and p(i+1), c apart, runs the Bézier curve with the control points
 *    p(i) + t(i)·c/3 and p(i+1) − t(i+1)·c/3. It is taken at k/m for k = 1 … m, where m is the larger of
 *    ⌈c / max(6, 2w)⌉ and 1 + ⌊turn / 0.3⌋, and 32 at most; turn is the sum of √(2 − 2·cos) of the angles of
 *    t(i) and of t(i+1) with the segment, zero tangents left out. A sample within 0.01 of the one before
 *    is left out. Pressure, from 0 to 255, is interpolated linearly; without one it is 127.5.
 * 3. *Radius* of a sample: w·(0.5 − 0.55·(0.5 − pressure / 255)) · taper(d) · taper(l − d), where l is the
 *    length of the polyline of points, d the length up to the sample (c is divided evenly), and
 *    taper(d) = 1 − h·(1 − d / r)² for d < r, else 1, with r = min(4w, l / 2) and h = 0.5·min(1, l / 4w).
 * 4. *Sharp* are the first and the last sample, and those between segments at an angle with
 *    q = √(2 − 2·cos) where q > 1, or where radius·q is more than the shorter of both segments.
 *    Each is a full circle.
 * 5. *Ribbons* run from each sharp sample to the next one. The sides of a sample are its position ± radius
 *    times the normal (−y, x) of the segment at sharp samples, of the sum of both unit normals elsewhere.
 *    A side is a curve: from its first point, with each inner point as the control point of a quadratic
 *    Bézier curve that ends in the middle to the next one, at last straight to its last point. The ribbon
 *    goes forward on the − side and back on the + side, and all is filled with the non-zero rule.
 *
 * What is drawn last changes only the last 4w of it, so a growing line is painted in parts.
 */

/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {Pick<Path2D, "moveTo"|"lineTo"|"quadraticCurveTo"|"bezierCurveTo"|"arc"|"closePath">} Sink What takes a path: the canvas, or SVG path data. */
/**
 * A part of a line: the indexes of its first and last point, and the lengths before and after them.
 * @typedef {{first: number, last: number, before: number, after: number}} Part
 */

const CORNER = 0.2;
const MIN_STEP = 6;
const STEP_WIDTHS = 2;
const TURN_PER_SAMPLE = 0.3;
const MAX_SAMPLES = 32;
const SAME_PLACE = 0.01;
const NOMINAL_PRESSURE = 127.5;
const THINNING = 0.55;
const TAPER_WIDTHS = 4;
const TAPER = 0.5;
const SHARP = 1;

/** How strongly a line is tapered, and how far from its ends.
 * @param {number} width
 * @param {number} length */
function taperOf(width, length) {
  const full = TAPER_WIDTHS * width;
  return { height: TAPER * Math.min(1, length / full), reach: Math.min(full, length / 2) };
}

/** The length at a growing end that may still change.
 * @param {number} width */
export function unsettledLength(width) {
  return 2 * TAPER_WIDTHS * width;
}

/**
 * Half the thickness of a line at a pressure.
 * @param {number} width
 * @param {number} [pressure] 0 to 255
 */
export function pressedRadius(width, pressure = NOMINAL_PRESSURE) {
  return width * (0.5 - THINNING * (0.5 - pressure / 255));
}

/**
 * @param {InkPoint} a
 * @param {InkPoint} b
 */
export function chord(a, b) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  return Math.sqrt(dx * dx + dy * dy);
}

/** All of a line.
 * @param {InkPoint[]} points
 * @returns {Part} */
export function whole(points) {
  return { first: 0, last: points.length - 1, before: 0, after: 0 };
}

/**
 * The unit tangent at a point, as x and y; zero at corners and ends.
 * @param {InkPoint[]} points
 * @param {number} i
 * @param {{x: number, y: number}} into
 */
export function tangentAt(points, i, into) {
  into.x = into.y = 0;
  if (i === 0 || i === points.length - 1) return into;
  const [before, point, after] = [points[i - 1], points[i], points[i + 1]];
  const [a, b] = [chord(before, point), chord(point, after)];
  if (a === 0 || b === 0) return into;
  const [ux, uy] = [(point.x - before.x) / a, (point.y - before.y) / a];
  const [vx, vy] = [(after.x - point.x) / b, (after.y - point.y) / b];
  if (ux * vx + uy * vy < CORNER) return into;
  // The shorter segment is weighted more: it says more about the direction at this point.
  const [x, y] = [ux * b + vx * a, uy * b + vy * a];
  const length = Math.sqrt(x * x + y * y);
  into.x = x / length;
  into.y = y / length;
  return into;
}

/** @param {number} cosine */
function turnOf(cosine) {
  return Math.sqrt(Math.max(0, 2 - 2 * cosine));
}

/**
 * The samples of a part of a line, as x, y and radius.
 * @param {InkPoint[]} points
 * @param {number} width
 * @param {Part} part
 */
function samplesOf(points, width, { first, last, before, after }) {
  let length = before + after;
  for (let i = first; i < last; i += 1) length += chord(points[i], points[i + 1]);
  const { height, reach } = taperOf(width, length);
  const taper = (/** @type {number} */ d) => (d < reach ? 1 - height * (1 - d / reach) ** 2 : 1);
  const [xs, ys, rs] = [[points[first].x], [points[first].y], [pressedRadius(width, points[first].pressure) * taper(before) * taper(length - before)]];
  const [t, u] = [{ x: 0, y: 0 }, { x: 0, y: 0 }];
  const step = Math.max(MIN_STEP, STEP_WIDTHS * width);
  let along = before;
  for (let i = first; i < last; i += 1) {
    const [p, q] = [points[i], points[i + 1]];
    const c = chord(p, q);
    if (c === 0) continue;
    tangentAt(points, i, t);
    tangentAt(points, i + 1, u);
    const [dx, dy] = [(q.x - p.x) / c, (q.y - p.y) / c];
    const turn = (t.x || t.y ? turnOf(t.x * dx + t.y * dy) : 0) + (u.x || u.y ? turnOf(u.x * dx + u.y * dy) : 0);
    const m = Math.min(MAX_SAMPLES, Math.max(Math.ceil(c / step), 1 + Math.floor(turn / TURN_PER_SAMPLE)));
    const [ax, ay, bx, by] = [p.x + (t.x * c) / 3, p.y + (t.y * c) / 3, q.x - (u.x * c) / 3, q.y - (u.y * c) / 3];
    const [from, to] = [p.pressure ?? NOMINAL_PRESSURE, q.pressure ?? NOMINAL_PRESSURE];
    for (let k = 1; k <= m; k += 1) {
      const f = k / m;
      const e = 1 - f;
      const [w0, w1, w2, w3] = [e * e * e, 3 * e * e * f, 3 * e * f * f, f * f * f];
      const x = w0 * p.x + w1 * ax + w2 * bx + w3 * q.x;
      const y = w0 * p.y + w1 * ay + w2 * by + w3 * q.y;
      const [ox, oy] = [x - xs[xs.length - 1], y - ys[ys.length - 1]];
      if (ox * ox + oy * oy <= SAME_PLACE * SAME_PLACE) continue;
      const d = along + c * f;
      xs.push(x);
      ys.push(y);
      rs.push(pressedRadius(width, from * e + to * f) * taper(d) * taper(length - d));
    }
    along += c;
  }
  return { xs, ys, rs };
}

/**
 * The outline of a part of a line, to be filled with the non-zero rule.
 * @param {Sink} sink
 * @param {InkPoint[]} points at least one
 * @param {number} width
 * @param {Part} [part]
 */
export function traceInk(sink, points, width, part = whole(points)) {
  const { xs, ys, rs } = samplesOf(points, width, part);
  const count = xs.length;
  // Of each segment the unit normal and the length; of each sample, whether it is sharp, and its sides.
  const [nx, ny, lengths] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  for (let i = 0; i + 1 < count; i += 1) {
    const [dx, dy] = [xs[i + 1] - xs[i], ys[i + 1] - ys[i]];
    const length = Math.sqrt(dx * dx + dy * dy);
    lengths[i] = length;
    nx[i] = -dy / length;
    ny[i] = dx / length;
  }
  const isSharp = (/** @type {number} */ i) => {
    if (i === 0 || i === count - 1) return true;
    const turn = turnOf(nx[i - 1] * nx[i] + ny[i - 1] * ny[i]);
    return turn > SHARP || rs[i] * turn > Math.min(lengths[i - 1], lengths[i]);
  };
  for (let from = 0, i = 0; i < count; i += 1) {
    if (!isSharp(i)) continue;
    sink.moveTo(xs[i] + rs[i], ys[i]);
    sink.arc(xs[i], ys[i], rs[i], 0, 2 * Math.PI);
    sink.closePath();
    if (i > from) traceRibbon(sink, { xs, ys, rs }, nx, ny, from, i);
    from = i;
  }
}

/**
 * @param {Sink} sink
 * @param {{xs: number[], ys: number[], rs: number[]}} samples
 * @param {Float64Array} nx
 * @param {Float64Array} ny
 * @param {number} from a sharp sample
 * @param {number} to the next one
 */
function traceRibbon(sink, { xs, ys, rs }, nx, ny, from, to) {
  const count = to - from + 1;
  const [ox, oy] = [new Float64Array(count), new Float64Array(count)];
  for (let i = from; i <= to; i += 1) {
    let [x, y] = [nx[i === to ? i - 1 : i], ny[i === to ? i - 1 : i]];
    if (i > from && i < to) {
      x += nx[i - 1];
      y += ny[i - 1];
      const length = Math.sqrt(x * x + y * y);
      x /= length;
      y /= length;
    }
    ox[i - from] = x * rs[i];
    oy[i - from] = y * rs[i];
  }
  const x = (/** @type {number} */ i, /** @type {number} */ sign) => xs[from + i] + sign * ox[i];
  const y = (/** @type {number} */ i, /** @type {number} */ sign) => ys[from + i] + sign * oy[i];
  sink.moveTo(x(0, -1), y(0, -1));
  for (let i = 1; i + 1 < count; i += 1) {
    sink.quadraticCurveTo(x(i, -1), y(i, -1), (x(i, -1) + x(i + 1, -1)) / 2, (y(i, -1) + y(i + 1, -1)) / 2);
  }
  sink.lineTo(x(count - 1, -1), y(count - 1, -1));
  sink.lineTo(x(count - 1, 1), y(count - 1, 1));
  for (let i = count - 2; i > 0; i -= 1) {
    sink.quadraticCurveTo(x(i, 1), y(i, 1), (x(i, 1) + x(i - 1, 1)) / 2, (y(i, 1) + y(i - 1, 1)) / 2);
  }
  sink.lineTo(x(0, 1), y(0, 1));
  sink.closePath();
}
