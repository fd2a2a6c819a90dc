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
 *    p(i) + t(i)·c/3 and p(i+1) − t(i+1)·c/3. If both tangents are zero it is straight instead, at an even
 *    speed; if only t(i) is, the first control point is p(i) + ⅔·(p(i+1) − t(i+1)·c/2 − p(i)), and
 *    accordingly if only t(i+1) is. It is taken at k/m for k = 1 … m, where m is the larger of
 *    ⌈c / s⌉ and 1 + ⌊turn / 0.3⌋, and 64 at most; turn is the sum of √(2 − 2·cos) of the angles of
 *    t(i) and of t(i+1) with the segment, zero tangents left out; s = max(2, w/2) for a segment of which
 *    any part is within r of an end, see below, and max(6, 2w) elsewhere. A sample within 0.01 of the one
 *    before is left out. Pressure, from 0 to 255, is interpolated linearly; without one it is 127.5.
 * 3. *Radius* of a sample: w·(0.5 − 0.55·(0.5 − pressure / 255)) · taper(d) · taper(l − d), where l is the
 *    length of the polyline of points, d the length up to the sample (c is divided evenly), and
 *    taper(d) = 1 − h·(1 − d / r)² for d < r, else 1, with r = min(3w, l / 2) and h = 0.5·min(1, l / 3w).
 * 4. *Sharp* are the first and the last sample, and those between segments at an angle with
 *    q = √(2 − 2·cos) where q > 1, or where radius·q is more than the shorter of both segments.
 *    Each is a full circle.
 * 5. *Ribbons* run from each sharp sample to the next one. The direction of a sample is that of the only
 *    segment of the ribbon at its first and last sample, elsewhere it is as in 1, without corners. The
 *    sides are the position ± radius times the direction turned, (−y, x). A side is a sequence of
 *    quadratic Bézier curves from sample to sample, whose control point is the middle of both sides, S and
 *    S', plus (direction − direction')·|SS'|/4. The ribbon goes forward on the − side, straight across,
 *    and back on the + side, and all is filled with the non-zero rule.
 *
 * What is drawn last changes only the last 3w of it, so a growing line is painted in parts.
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
const MAX_SAMPLES = 64;
const MIN_END_STEP = 2;
const SAME_PLACE = 0.01;
const NOMINAL_PRESSURE = 127.5;
const THINNING = 0.55;
const TAPER_WIDTHS = 3;
const TAPER = 0.5;
const SHARP = 1;
const NO_TANGENT = { x: 0, y: 0 };

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
 */
function tangentAt(points, i) {
  if (i === 0 || i === points.length - 1) return NO_TANGENT;
  const [before, point, after] = [points[i - 1], points[i], points[i + 1]];
  const [a, b] = [chord(before, point), chord(point, after)];
  if (a === 0 || b === 0) return NO_TANGENT;
  const [ux, uy] = [(point.x - before.x) / a, (point.y - before.y) / a];
  const [vx, vy] = [(after.x - point.x) / b, (after.y - point.y) / b];
  if (ux * vx + uy * vy < CORNER) return NO_TANGENT;
  // The shorter segment is weighted more: it says more about the direction at this point.
  const [x, y] = [ux * b + vx * a, uy * b + vy * a];
  const length = Math.sqrt(x * x + y * y);
  return { x: x / length, y: y / length };
}

/**
 * The control points of the curve from a point to the next one, and how much it turns.
 * @param {InkPoint[]} points
 * @param {number} i
 */
export function curveAt(points, i) {
  const [p, q] = [points[i], points[i + 1]];
  const c = chord(p, q);
  const t = tangentAt(points, i);
  const u = tangentAt(points, i + 1);
  const [bends, arrives] = [t.x !== 0 || t.y !== 0, u.x !== 0 || u.y !== 0];
  const [dx, dy] = [(q.x - p.x) / (c || 1), (q.y - p.y) / (c || 1)];
  const curve = { ax: p.x + (t.x * c) / 3, ay: p.y + (t.y * c) / 3, bx: q.x - (u.x * c) / 3, by: q.y - (u.y * c) / 3, c, turn: 0 };
  if (bends) curve.turn += turnOf(t.x * dx + t.y * dy);
  if (arrives) curve.turn += turnOf(u.x * dx + u.y * dy);
  if (!bends) {
    curve.ax = p.x + (2 / 3) * (q.x - (u.x * c) / 2 - p.x) * (arrives ? 1 : 0.5);
    curve.ay = p.y + (2 / 3) * (q.y - (u.y * c) / 2 - p.y) * (arrives ? 1 : 0.5);
  }
  if (!arrives) {
    curve.bx = q.x + (2 / 3) * (p.x + (t.x * c) / 2 - q.x) * (bends ? 1 : 0.5);
    curve.by = q.y + (2 / 3) * (p.y + (t.y * c) / 2 - q.y) * (bends ? 1 : 0.5);
  }
  return curve;
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
  const [step, endStep] = [Math.max(MIN_STEP, STEP_WIDTHS * width), Math.max(MIN_END_STEP, width / 2)];
  let along = before;
  for (let i = first; i < last; i += 1) {
    const [p, q] = [points[i], points[i + 1]];
    const { ax, ay, bx, by, c, turn } = curveAt(points, i);
    if (c === 0) continue;
    const atEnd = along < reach || length - along - c < reach;
    const m = Math.min(MAX_SAMPLES, Math.max(Math.ceil(c / (atEnd ? endStep : step)), 1 + Math.floor(turn / TURN_PER_SAMPLE)));
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
  const samples = samplesOf(points, width, part);
  const { xs, ys, rs } = samples;
  const count = xs.length;
  // The unit vector and the length of each segment.
  const [ux, uy, lengths] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  for (let i = 0; i + 1 < count; i += 1) {
    const [dx, dy] = [xs[i + 1] - xs[i], ys[i + 1] - ys[i]];
    lengths[i] = Math.sqrt(dx * dx + dy * dy);
    ux[i] = dx / lengths[i];
    uy[i] = dy / lengths[i];
  }
  const isSharp = (/** @type {number} */ i) => {
    if (i === 0 || i === count - 1) return true;
    const turn = turnOf(ux[i - 1] * ux[i] + uy[i - 1] * uy[i]);
    return turn > SHARP || rs[i] * turn > Math.min(lengths[i - 1], lengths[i]);
  };
  for (let from = 0, i = 0; i < count; i += 1) {
    if (!isSharp(i)) continue;
    sink.moveTo(xs[i] + rs[i], ys[i]);
    sink.arc(xs[i], ys[i], rs[i], 0, 2 * Math.PI);
    sink.closePath();
    if (i > from) traceRibbon(sink, samples, { ux, uy, lengths }, from, i);
    from = i;
  }
}

/**
 * @param {Sink} sink
 * @param {{xs: number[], ys: number[], rs: number[]}} samples
 * @param {{ux: Float64Array, uy: Float64Array, lengths: Float64Array}} segments
 * @param {number} from a sharp sample
 * @param {number} to the next one
 */
function traceRibbon(sink, { xs, ys, rs }, { ux, uy, lengths }, from, to) {
  const last = to - from;
  const [tx, ty] = [new Float64Array(last + 1), new Float64Array(last + 1)];
  for (let i = 0; i <= last; i += 1) {
    const [before, after] = [from + Math.max(0, i - 1), from + Math.min(last - 1, i)];
    const x = ux[before] * lengths[after] + ux[after] * lengths[before];
    const y = uy[before] * lengths[after] + uy[after] * lengths[before];
    const length = Math.sqrt(x * x + y * y);
    tx[i] = x / length;
    ty[i] = y / length;
  }
  const sideX = (/** @type {number} */ i, /** @type {number} */ sign) => xs[from + i] - sign * ty[i] * rs[from + i];
  const sideY = (/** @type {number} */ i, /** @type {number} */ sign) => ys[from + i] + sign * tx[i] * rs[from + i];
  const curve = (/** @type {number} */ i, /** @type {number} */ j, /** @type {number} */ sign) => {
    const [ax, ay, bx, by] = [sideX(i, sign), sideY(i, sign), sideX(j, sign), sideY(j, sign)];
    const quarter = ((j - i) * Math.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay))) / 4;
    sink.quadraticCurveTo((ax + bx) / 2 + (tx[i] - tx[j]) * quarter, (ay + by) / 2 + (ty[i] - ty[j]) * quarter, bx, by);
  };
  sink.moveTo(sideX(0, -1), sideY(0, -1));
  for (let i = 0; i < last; i += 1) curve(i, i + 1, -1);
  sink.lineTo(sideX(last, 1), sideY(last, 1));
  for (let i = last; i > 0; i -= 1) curve(i, i - 1, 1);
  sink.closePath();
}
