// @ts-check
/**
 * Lines of text in a box: wrapping, alignment, painting and SVG, for all kinds that hold text.
 *
 * It must never drop a character: a word wider than the box is broken.
 */

import { colourValue } from "../model/palette.js";
import { BASELINE, EM_OF_LINE, FONT, lineWidth } from "./measure.js";
import { rounded } from "./stroke-path.js";
import { escaped } from "./svg.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {{line: string, x: number}} PlacedLine `x`: its left edge */
/** @typedef {{corner: PlanePoint, lines: PlacedLine[], height: number, room?: number}} Lettering `corner`: the upper left one of all lines; `height` of one line; `room`: the width that they are wrapped at */

/** Fraction of the free width left of a line. */
export const FREE_LEFT = { start: 0, center: 0.5, end: 1 };

/**
 * The lines of a text in a box of some width.
 * @param {string} text
 * @param {number} height of a line
 * @param {number} [room] without it only the text's own line breaks count
 * @returns {string[]}
 */
export function linesOf(text, height, room) {
  const lines = text.split("\n");
  if (room === undefined) return lines;
  const fits = (/** @type {string} */ line) => lineWidth(line.trimEnd(), height * EM_OF_LINE) <= room;
  return lines.flatMap((line) => wrapped(line, fits));
}

/**
 * @param {string} line
 * @param {(line: string) => boolean} fits
 */
function wrapped(line, fits) {
  if (fits(line)) return [line];
  const lines = [];
  let current = "";
  // Each word has the space that follows it; text without spaces breaks between any two characters.
  for (const word of line.match(/\S+\s*|\s+/g) ?? []) {
    if (fits(current + word)) {
      current += word;
      continue;
    }
    if (current) lines.push(current.trimEnd());
    current = "";
    for (const character of word) {
      if (current && !fits(current + character)) {
        lines.push(current);
        current = "";
      }
      current += character;
    }
  }
  lines.push(current.trimEnd());
  return lines;
}

/**
 * Each line with its left edge, as the alignment says.
 * @param {string[]} lines
 * @param {number} left of the box
 * @param {number} room its width
 * @param {number} height of a line
 * @param {Body["align"]} align
 * @returns {PlacedLine[]}
 */
export function placedLines(lines, left, room, height, align = "start") {
  return lines.map((line) => ({ line, x: left + (room - lineWidth(line, height * EM_OF_LINE)) * (FREE_LEFT[align] ?? 0) }));
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Lettering} lettering
 * @param {string} colour a value
 */
export function paintLettering(context, { corner, lines, height }, colour) {
  context.font = `${height * EM_OF_LINE}px ${FONT}`;
  context.textBaseline = "alphabetic";
  context.fillStyle = colour;
  lines.forEach(({ line, x }, i) => context.fillText(line, x, corner.y + (i + BASELINE) * height));
}

/**
 * @param {Lettering} lettering
 * @param {string | undefined} colour of a stroke
 * @param {import("../model/palette.js").CanvasTheme} theme
 * @param {string} attributes
 */
export function letteringSvg({ corner, lines, height }, colour, theme, attributes) {
  const spans = lines.map(({ line, x }, i) =>
    `<tspan x="${rounded(x)}" y="${rounded(corner.y + (i + BASELINE) * height)}">${escaped(line)}</tspan>`);
  return `<text xml:space="preserve" font-family="${escaped(FONT)}" font-size="${rounded(height * EM_OF_LINE)}" fill="${colourValue(colour, theme)}"${attributes}>${spans.join("")}</text>`;
}
