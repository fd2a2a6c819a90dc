// @ts-check
/**
 * Lines as they are painted far out: through points some pixels apart, from the steps as they are packed, in a fraction
 * of the time.
 *
 * It must never remember a path: that would cost more than tracing it anew.
 */

import { pressedRadius } from "./ink.js";

/** @typedef {import("./body-points.js").Line} Line */
/** @typedef {Pick<CanvasRenderingContext2D, "moveTo"|"lineTo"|"quadraticCurveTo">} Sink What takes a path, and has none. */

/** Pixels between points. */
const STEP = 3;
/** Bounds how far out a sharp corner of a ribbon reaches. */
const MAX_MITRE = 1.2;
/** Thickness of the ends of a ribbon, as a part of that of its middle: as ink is tapered. */
const TAPER = 0.5;

/**
 * Traces the middle of a line, to be stroked. Bends are round, but a long straight part stays straight.
 * @param {Sink} sink
 * @param {Line} line
 * @param {number} lod level of detail: device pixels per unit, or somewhat more
 */
export function traceMiddle(sink, { x, y, unit, steps }, lod) {
  const least = (STEP / lod / unit) ** 2;
  const end = steps.length - 2;
  let lastX = steps[0];
  let lastY = steps[1];
  sink.moveTo(x + lastX * unit, y + lastY * unit);
  if (end === 0) sink.lineTo(x + lastX * unit + 0.01, y + lastY * unit);
  for (let i = 2; i <= end; i += 2) {
    const dx = steps[i] - lastX;
    const dy = steps[i + 1] - lastY;
    const square = dx * dx + dy * dy;
    if (i < end && square < least) continue;
    const bent = square > 4 * least ? Math.sqrt(least / square) : 0.5;
    sink.quadraticCurveTo(x + lastX * unit, y + lastY * unit, x + (lastX + dx * bent) * unit, y + (lastY + dy * bent) * unit);
    if (bent < 0.5) sink.lineTo(x + (lastX + dx * (1 - bent)) * unit, y + (lastY + dy * (1 - bent)) * unit);
    lastX += dx;
    lastY += dy;
  }
  sink.lineTo(x + lastX * unit, y + lastY * unit);
}

/**
 * How wide a line is by its mean pressure.
 * @param {Line} line
 * @param {number} width
 */
export function meanWidth({ pressures }, width) {
  if (!pressures) return 2 * pressedRadius(width);
  let sum = 0;
  for (let i = 0; i < pressures.length; i += 1) sum += pressures[i];
  return 2 * pressedRadius(width, sum / pressures.length);
}

/** The far side of a ribbon as pairs of x and y: it is traced after the near one. @type {number[]} */
const farSide = [];

/**
 * Traces a line of ink as a ribbon of straight parts, to be filled with the non-zero rule: a browser fills it in two
 * thirds of the time in which it strokes a line, and its thickness follows the pressure.
 * @param {Sink} sink
 * @param {Line} line of at least two points
 * @param {number} lod level of detail: device pixels per unit, or somewhat more
 * @param {number} width
 */
export function traceRibbon(sink, { x, y, unit, steps, pressures }, lod, width) {
  const least = (STEP / lod / unit) ** 2;
  const end = steps.length - 2;
  // The direction of the segment that led to the last point that is taken.
  let fromX = 0;
  let fromY = 0;
  let last = 0;
  let count = 0;
  for (let i = 2; i <= end + 2; i += 2) {
    let toX = 0;
    let toY = 0;
    if (i <= end) {
      const dx = steps[i] - steps[last];
      const dy = steps[i + 1] - steps[last + 1];
      const square = dx * dx + dy * dy;
      if (square === 0 || (i < end && square < least)) continue;
      const length = Math.sqrt(square);
      toX = dx / length;
      toY = dy / length;
    }
    const sumX = fromX + toX;
    const sumY = fromY + toY;
    const part = last === 0 || i > end ? TAPER : Math.min(MAX_MITRE, 2 / (sumX * sumX + sumY * sumY));
    const radius = part * pressedRadius(width, pressures?.[last / 2]);
    const middleX = x + steps[last] * unit;
    const middleY = y + steps[last + 1] * unit;
    // The first of them begins the path, and a fill closes it.
    sink.lineTo(middleX - sumY * radius, middleY + sumX * radius);
    farSide[count] = middleX + sumY * radius;
    farSide[count + 1] = middleY - sumX * radius;
    count += 2;
    fromX = toX;
    fromY = toY;
    last = i;
  }
  while (count > 0) sink.lineTo(farSide[(count -= 2)], farSide[count + 1]);
}
