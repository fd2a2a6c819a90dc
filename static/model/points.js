// @ts-check
/**
 * The encoding of a stroke's points: deltas in eighths of a unit as zig-zag varints, then optional
 * pressures, as base64. The server has the same codec.
 *
 * The decoder must never throw anything but PointsError, nor allocate more than its input allows.
 */

/** @typedef {import("./types.js").InkPoint} InkPoint */

/** Steps per unit of the drawing's plane. */
export const STEPS_PER_UNIT = 8;
/** Maximum of points in one stroke. */
export const MAX_POINTS = 10_000;
/** Maximum distance of a point from the stroke's x and y, in steps per axis. */
export const MAX_STEPS = 1 << 27;

const WITH_PRESSURE = 1;
/** Numbers in a block, see `roomFor`. */
const BLOCK = 1 << 15;

let block = new Int32Array(0);
let used = 0;

/**
 * Room for numbers. Many strokes share a block: small arrays of their own would be copied by each garbage collection
 * while a large drawing is loaded.
 * @param {number} count
 */
function roomFor(count) {
  if (used + count > block.length) [block, used] = [new Int32Array(Math.max(BLOCK, count)), 0];
  const room = block.subarray(used, used + count);
  used += count;
  return room;
}

const NO_BASE64 = "points are not standard base64 with padding";

export class PointsError extends Error {}

/**
 * Encodes steps: pairs x, y in eighths of a unit.
 * @param {ArrayLike<number>} steps
 * @param {ArrayLike<number> | null} pressures one per point from 0 to 255, or null
 */
export function encodeSteps(steps, pressures) {
  const count = steps.length / 2;
  if (count > MAX_POINTS) throw new PointsError("too many points");
  /** @type {number[]} */
  const bytes = [pressures ? WITH_PRESSURE : 0];
  putVarint(bytes, count);
  let x = 0;
  let y = 0;
  for (let i = 0; i < steps.length; i += 2) {
    if (Math.abs(steps[i]) > MAX_STEPS || Math.abs(steps[i + 1]) > MAX_STEPS) {
      throw new PointsError("a point is too far away");
    }
    putVarint(bytes, zigZag(steps[i] - x));
    putVarint(bytes, zigZag(steps[i + 1] - y));
    x = steps[i];
    y = steps[i + 1];
  }
  if (pressures) {
    for (let i = 0; i < count; i += 1) bytes.push(pressures[i]);
  }
  return Uint8Array.from(bytes);
}

/**
 * Decodes what `encodeSteps` returned.
 * @param {Uint8Array} bytes
 * @returns {{steps: Int32Array, pressures: Uint8Array | null}}
 */
export function decodeSteps(bytes) {
  if (bytes.length === 0) throw new PointsError("points are truncated");
  if (bytes[0] > WITH_PRESSURE) throw new PointsError("the first byte of points is neither 0 nor 1");
  const pressed = bytes[0] === WITH_PRESSURE;
  const reader = { bytes, at: 1 };
  const count = takeVarint(reader);
  if (count > MAX_POINTS) throw new PointsError("too many points");
  if (bytes.length - reader.at < count * (pressed ? 3 : 2)) throw new PointsError("points are truncated");
  const steps = roomFor(2 * count);
  let x = 0;
  let y = 0;
  for (let i = 0; i < steps.length; i += 2) {
    x += takeDelta(reader);
    y += takeDelta(reader);
    if (x > MAX_STEPS || x < -MAX_STEPS || y > MAX_STEPS || y < -MAX_STEPS) throw new PointsError("a point is too far away");
    steps[i] = x;
    steps[i + 1] = y;
  }
  const end = reader.at + (pressed ? count : 0);
  if (end > bytes.length) throw new PointsError("points are truncated");
  if (end < bytes.length) throw new PointsError("points have bytes after their end");
  return { steps, pressures: pressed ? bytes.slice(reader.at) : null };
}

/**
 * Packs points for JSON: the position of the first one, and all of them relative to it. They have
 * pressures if the first one has.
 * @param {InkPoint[]} points at least one
 * @returns {{x: number, y: number, points: string}}
 */
export function packPoints(points) {
  const [first] = points;
  const x = quantised(first.x);
  const y = quantised(first.y);
  const steps = points.flatMap((point) => [
    Math.round((point.x - x) * STEPS_PER_UNIT),
    Math.round((point.y - y) * STEPS_PER_UNIT),
  ]);
  const pressures = first.pressure === undefined ? null : points.map((point) => Math.round(point.pressure ?? 0));
  return { x, y, points: toBase64(encodeSteps(steps, pressures)) };
}

/**
 * Unpacks what `packPoints` returned.
 * @param {{x: number, y: number, points?: string}} packed
 * @returns {InkPoint[]}
 */
export function unpackPoints({ x, y, points }) {
  if (points === undefined) return [];
  const { steps, pressures } = unpackSteps(points);
  return pointsOfSteps(x, y, steps, pressures);
}

/**
 * @param {number} x of what the steps are relative to
 * @param {number} y
 * @param {ArrayLike<number>} steps pairs in eighths of a unit
 * @param {ArrayLike<number> | null} pressures
 * @returns {InkPoint[]}
 */
export function pointsOfSteps(x, y, steps, pressures) {
  const points = [];
  for (let i = 0; i < steps.length; i += 2) {
    /** @type {InkPoint} */
    const point = { x: x + steps[i] / STEPS_PER_UNIT, y: y + steps[i + 1] / STEPS_PER_UNIT };
    if (pressures) point.pressure = pressures[i / 2];
    points.push(point);
  }
  return points;
}

/**
 * The box around points that are steps; null if there are none.
 * @param {number} x of what the steps are relative to
 * @param {number} y
 * @param {ArrayLike<number>} steps
 * @returns {import("./types.js").Box | null}
 */
export function boxOfSteps(x, y, steps) {
  if (steps.length === 0) return null;
  let left = steps[0];
  let top = steps[1];
  let right = left;
  let bottom = top;
  for (let i = 2; i < steps.length; i += 2) {
    const stepX = steps[i];
    const stepY = steps[i + 1];
    if (stepX < left) left = stepX;
    else if (stepX > right) right = stepX;
    if (stepY < top) top = stepY;
    else if (stepY > bottom) bottom = stepY;
  }
  return { left: x + left / STEPS_PER_UNIT, top: y + top / STEPS_PER_UNIT, right: x + right / STEPS_PER_UNIT, bottom: y + bottom / STEPS_PER_UNIT };
}

/** @param {number} value */
export function quantised(value) {
  // Adding 0 turns -0 into 0.
  return Math.round(value * STEPS_PER_UNIT) / STEPS_PER_UNIT + 0;
}

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x2000) {
    text += String.fromCharCode(...bytes.subarray(i, i + 0x2000));
  }
  return btoa(text);
}

/** Where stored points are decoded, one stroke after the other: memory of their own would cost more than the decoding. */
const shared = new Uint8Array(1 << 17);
/** Whether the browser decodes base64 itself, which is five times as fast: those of 2025 and later do. */
const isBuiltIn = "setFromBase64" in shared;

/**
 * The bytes of points, which are valid until the next call. Whoever keeps them copies them.
 * @param {string} text
 * @returns {Uint8Array}
 */
function bytesOf(text) {
  if (!isBuiltIn || text.length * 0.75 > shared.length) return fromBase64(text);
  try {
    return shared.subarray(0, /** @type {any} */ (shared).setFromBase64(text, { lastChunkHandling: "strict" }).written);
  } catch {
    throw new PointsError(NO_BASE64);
  }
}

/**
 * Decodes what `packPoints` has packed.
 * @param {string} points
 */
export function unpackSteps(points) {
  return decodeSteps(bytesOf(points));
}

/** @param {string} text */
export function fromBase64(text) {
  let binary;
  try {
    binary = atob(text);
  } catch {
    throw new PointsError(NO_BASE64);
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** @param {number} value */
function zigZag(value) {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

/** @param {number} value */
function unZigZag(value) {
  return (value >>> 1) ^ -(value & 1);
}

/**
 * @param {number[]} bytes
 * @param {number} value
 */
function putVarint(bytes, value) {
  while (value >= 0x80) {
    bytes.push((value & 0x7f) | 0x80);
    value >>>= 7;
  }
  bytes.push(value);
}

/**
 * A difference. Most are one byte.
 * @param {{bytes: Uint8Array, at: number}} reader
 */
function takeDelta(reader) {
  const byte = reader.bytes[reader.at];
  // At the end there is no byte, which is not less either: the longer way reports it.
  if (!(byte < 0x80)) return unZigZag(takeVarint(reader));
  reader.at += 1;
  return unZigZag(byte);
}

/** @param {{bytes: Uint8Array, at: number}} reader */
function takeVarint(reader) {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    if (reader.at >= reader.bytes.length) throw new PointsError("points are truncated");
    const byte = reader.bytes[reader.at];
    reader.at += 1;
    // The fifth byte holds four bits, and a number must not be longer than necessary.
    if (shift === 28 && byte > 0x0f) break;
    value = (value | ((byte & 0x7f) << shift)) >>> 0;
    if (byte < 0x80) {
      if (shift > 0 && byte === 0) break;
      return value;
    }
  }
  throw new PointsError("a number in points is too long");
}
