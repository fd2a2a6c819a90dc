// @ts-check
/**
 * A drawing to measure with: wavy strokes of 40 points, the same in each run, as the server's answer.
 *
 * It must never depend on the tree that is measured: it encodes points itself.
 */

/** Points of a stroke, and units between two of them. */
const POINTS = 40;
const STEP = 5;
const COLOURS = ["ink", "red", "orange", "yellow", "green", "blue", "violet", "pink"];
const WIDTHS = [2, 4, 8];
/** One stroke of so many is a marker's; every second one of a pen has pressure. */
const MARKER_EVERY = 20;

/** A seeded generator of numbers from 0 to 1 (mulberry32). @param {number} seed */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Base64 of points relative to the first one, in eighths of a unit.
 * @param {number[]} steps
 * @param {number[] | null} pressures
 */
function encoded(steps, pressures) {
  const bytes = [pressures ? 1 : 0, POINTS];
  const put = (/** @type {number} */ delta) => {
    let value = ((delta << 1) ^ (delta >> 31)) >>> 0;
    for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
    bytes.push(value);
  };
  for (let i = 0; i < steps.length; i += 2) {
    put(steps[i] - (steps[i - 2] ?? 0));
    put(steps[i + 1] - (steps[i - 1] ?? 0));
  }
  return Buffer.from([...bytes, ...(pressures ?? [])]).toString("base64");
}

/**
 * The changes of a drawing whose strokes lie evenly on an area of `width` by `height` units.
 * @param {number} count
 * @param {{width: number, height: number}} area
 */
export function changesOf(count, { width, height }) {
  const roll = random(1);
  return Array.from({ length: count }, (_, i) => {
    const marker = i % MARKER_EVERY === 0;
    const pressed = !marker && i % 2 === 0;
    let [x, y, angle, bend] = [0, 0, roll() * 6.28, 0];
    const steps = [];
    const pressures = [];
    for (let k = 0; k < POINTS; k += 1) {
      steps.push(Math.round(x * 8), Math.round(y * 8));
      pressures.push(Math.round(60 + 150 * Math.sin((k / POINTS) * Math.PI)));
      bend = Math.max(-0.5, Math.min(0.5, bend + (roll() - 0.5) * 0.4));
      angle += bend;
      x += Math.cos(angle) * STEP;
      y += Math.sin(angle) * STEP;
    }
    return {
      seq: i + 1, stroke: i.toString(36).padStart(22, "0"), author: "a".repeat(22), writer: "b".repeat(22), n: i + 1,
      body: {
        kind: marker ? "marker" : "pen", x: Math.round(roll() * width), y: Math.round(roll() * height),
        points: encoded(steps, pressed ? pressures : null), colour: COLOURS[Math.floor(roll() * 8)], width: marker ? 20 : WIDTHS[Math.floor(roll() * 3)],
      },
    };
  });
}

/**
 * The answer to a first load.
 * @param {ReturnType<typeof changesOf>} changes
 */
export function answerOf(changes) {
  return { epoch: "e".repeat(32), from: 0, head: changes.length, more: false, title: "Bench", reset: true, changes };
}
