// @ts-check
/**
 * A drawing, or a part of one, as an SVG document that needs no other file.
 *
 * It must never include a value without escaping or checking it, nor name another address.
 */

import { boxOfBoth } from "../model/geometry.js";
import { PAPER } from "../model/palette.js";
import { boundsOf, kindOf } from "./kinds.js";
import { BUNDLED } from "./measure.js";
import { pictureId } from "./image.js";
import { rounded } from "./stroke-path.js";
import { escaped } from "./svg.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/palette.js").CanvasTheme} CanvasTheme */
/** @typedef {{theme: CanvasTheme, background: boolean}} Options whether it has the paper's colour, or is transparent */

/** Units around the strokes. */
export const MARGIN = 16;
/** The side of an empty drawing. */
const EMPTY = 64;

/**
 * The box that a picture of strokes shows.
 * @param {readonly Body[]} bodies
 * @returns {Box}
 */
export function pictureBox(bodies) {
  /** @type {Box | null} */
  let box = null;
  for (const body of bodies) {
    const bounds = boundsOf(body);
    if (bounds.left <= bounds.right) box = boxOfBoth(box, bounds);
  }
  if (!box) return { left: 0, top: 0, right: EMPTY, bottom: EMPTY };
  const { left, top, right, bottom } = box;
  return {
    left: Math.floor(left - MARGIN), top: Math.floor(top - MARGIN),
    right: Math.ceil(right + MARGIN), bottom: Math.ceil(bottom + MARGIN),
  };
}

/**
 * @param {readonly Body[]} bodies in painting order
 * @param {Options & {title: string, pictures?: Record<string, string>, font?: string}} options `pictures`:
 *   `data:` addresses by hash; `font`: the `data:` address of the bundled font
 */
export function drawingSvg(bodies, { theme, background, title, pictures = {}, font }) {
  const { left, top, right, bottom } = pictureBox(bodies);
  const [width, height] = [right - left, bottom - top];
  const used = [...new Set(bodies.flatMap(({ asset = "" }) => (Object.hasOwn(pictures, asset) ? [asset] : [])))];
  const images = used.map((hash) =>
    `<image id="${pictureId(hash)}" width="1" height="1" preserveAspectRatio="none" href="${escaped(pictures[hash])}"/>`);
  const hasText = bodies.some(({ text }) => text !== undefined);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${left} ${top} ${width} ${height}" width="${rounded(width)}" height="${rounded(height)}">`,
    title ? `<title>${escaped(title)}</title>` : "",
    font && hasText ? `<style>@font-face{font-family:${BUNDLED};src:url(${escaped(font)})}</style>` : "",
    images.length > 0 ? `<defs>${images.join("")}</defs>` : "",
    background ? `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="${PAPER[theme]}"/>` : "",
    ...bodies.map((body) => kindOf(body).toSvg(body, theme)),
    "</svg>",
  ].filter(Boolean).join("\n") + "\n";
}
