// @ts-check
/**
 * The text: lines whose height is the body's `width`; x and y are its upper left corner.
 *
 * It must never wrap a line that was typed as one.
 */

import { centreOf, mappedPoint } from "../model/geometry.js";
import { colourValue } from "../model/palette.js";
import { quantised } from "../model/points.js";
import { MAX_WIDTH, MIN_WIDTH, hitsFrame, makeKind } from "./kind.js";
import { BASELINE, EM_OF_LINE, FONT, lineWidth } from "./measure.js";
import { withStyle } from "./paint.js";
import { rounded } from "./stroke-path.js";
import { commonAttributes, escaped } from "./svg.js";

/** @typedef {import("../model/types.js").Body} Body */

/** Fraction of the free width left of a line. */
const FREE_LEFT = { start: 0, center: 0.5, end: 1 };

/** @param {Body} body */
function linesOf({ text = "" }) {
  return text.split("\n");
}

/**
 * Each line with its left edge, as its alignment says.
 * @param {Body} body
 */
function placedLines(body) {
  const { width: height = 0, align = "start" } = body;
  const widths = linesOf(body).map((line) => lineWidth(line, height * EM_OF_LINE));
  const widest = Math.max(...widths);
  return linesOf(body).map((line, i) => ({ line, x: body.x + (widest - widths[i]) * (FREE_LEFT[align] ?? 0) }));
}

/** @param {Body} body */
function boxOfText(body) {
  const { x, y, width: height = 0 } = body;
  const lines = linesOf(body);
  const widest = Math.max(...lines.map((line) => lineWidth(line, height * EM_OF_LINE)));
  return { left: x, top: y, right: x + widest, bottom: y + lines.length * height };
}

/** @type {Record<string, Body["align"]>} */
const EXCALIDRAW_ALIGN = { center: "center", right: "end" };

/**
 * A text of Excalidraw, centred in its box there: its font is another one.
 * @param {import("./excalidraw-element.js").Element} element
 * @param {import("./excalidraw-element.js").ElementStyle} style
 * @returns {Body[]}
 */
function textBodies({ x, y, width: w = 0, height: h = 0, text: words, fontSize, textAlign = "" }, { fill: _, dash: __, ...style }) {
  if (typeof words !== "string" || !words.trim() || typeof fontSize !== "number" || ![w, h].every(Number.isFinite)) return [];
  const width = quantised(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, fontSize / EM_OF_LINE)));
  const align = EXCALIDRAW_ALIGN[textAlign];
  /** @type {Body} */
  const body = { kind: "text", ...style, x, y, text: words, width, ...(align ? { align } : {}) };
  const { right, bottom } = boxOfText(body);
  const free = (w - (right - x)) * (FREE_LEFT[align ?? "start"] ?? 0);
  return [{ ...body, x: quantised(x + free), y: quantised(y + (h - (bottom - y)) / 2) }];
}

export const text = makeKind({
  id: "text",
  fromExcalidraw: (element, style) => (element.type === "text" ? textBodies(element, style) : null),
  styles: ["colour", "width", "opacity", "align"],
  widths: [22, 32, 48, 80],
  isValid: ({ width = 0 }) => width > 0,
  frame: boxOfText,
  reach: () => 0,
  proportional: true,
  polyline: () => [],
  hit: (body, from, tolerance, to = from) => text.isValid(body) && hitsFrame(body, text.frame(body), from, tolerance, to),
  mapped(body, map) {
    const height = body.width ?? 0;
    const wanted = height * Math.sqrt(Math.abs(map.scaleX * map.scaleY));
    const width = quantised(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, wanted)));
    const box = boxOfText(body);
    const [scale, { x, y }] = [width / height, mappedPoint(centreOf(box), map)];
    return { x: quantised(x - ((box.right - box.left) * scale) / 2), y: quantised(y - ((box.bottom - box.top) * scale) / 2), width };
  },
  paint(context, body, { theme }) {
    const { width: height = 0 } = body;
    if (!text.isValid(body)) return;
    withStyle(context, body, text, theme, () => {
      context.font = `${height * EM_OF_LINE}px ${FONT}`;
      context.textBaseline = "alphabetic";
      context.fillStyle = colourValue(body.colour, theme);
      placedLines(body).forEach(({ line, x }, i) => context.fillText(line, x, body.y + (i + BASELINE) * height));
    });
  },
  toSvg(body, theme) {
    const { y, width: height = 0 } = body;
    const spans = placedLines(body).map(({ line, x }, i) =>
      `<tspan x="${rounded(x)}" y="${rounded(y + (i + BASELINE) * height)}">${escaped(line)}</tspan>`);
    return `<text xml:space="preserve" font-family="${escaped(FONT)}" font-size="${rounded(height * EM_OF_LINE)}" fill="${colourValue(body.colour, theme)}"${commonAttributes(body, text, theme)}>${spans.join("")}</text>`;
  },
});
