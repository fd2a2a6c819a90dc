// @ts-check
/**
 * A drawing, or a part of one, as a picture of pixels.
 *
 * It must never be larger than what every browser can hold.
 */

import { paint } from "../kinds/kinds.js";
import { pictureBox } from "../kinds/drawing-svg.js";
import { PAPER } from "../model/palette.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../kinds/drawing-svg.js").Options} Options */

/** Largest side and area in pixels: above them some browsers give an empty picture. */
const MAX_SIDE = 8_192;
const MAX_AREA = 16_000_000;

/**
 * Paints strokes on a new canvas.
 * @param {readonly Body[]} bodies in painting order
 * @param {Options & {scale: number, most?: {width: number, height: number}}} options pixels per unit, fewer
 *   if the picture would be too large or larger than `most`
 */
export function paintedPicture(bodies, { theme, background, scale, most }) {
  const { left, top, right, bottom } = pictureBox(bodies);
  const [width, height] = [right - left, bottom - top];
  const largest = Math.min(
    scale,
    MAX_SIDE / Math.max(width, height),
    Math.sqrt(MAX_AREA / (width * height)),
    ...(most ? [most.width / width, most.height / height] : []),
  );
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * largest));
  canvas.height = Math.max(1, Math.round(height * largest));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  if (background) {
    context.fillStyle = PAPER[theme];
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  context.setTransform(largest, 0, 0, largest, -left * largest, -top * largest);
  for (const body of bodies) paint(context, body, { scale: largest, theme });
  return canvas;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {string} type
 * @param {number} [quality]
 * @returns {Promise<Blob>}
 */
export function blobOf(canvas, type, quality) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the canvas is too large"))), type, quality);
  });
}
