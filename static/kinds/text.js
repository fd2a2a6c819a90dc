// @ts-check
/**
 * The text: lines whose height is the body's `width`; x and y are its upper left corner. With a `w` it is
 * wrapped at that width.
 *
 * It must never wrap a line that was typed as one, unless it has been given a width.
 */

import { centreOf, mappedPoint, rotatedPoint } from "../model/geometry.js";
import { colourValue } from "../model/palette.js";
import { quantised } from "../model/points.js";
import { MAX_WIDTH, MIN_WIDTH, cached, hitsFrame, makeKind, turned, upright } from "./kind.js";
import { FREE_LEFT, letteringSvg, linesOf, paintLettering, placedLines } from "./lettering.js";
import { EM_OF_LINE, lineWidth } from "./measure.js";
import { withStyle } from "./paint.js";
import { commonAttributes } from "./svg.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Fields} Fields */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */

/** The least width that it can be wrapped at, in line heights. */
const LEAST_ROOM = 1.5;

const lines = cached((/** @type {Body} */ { text: written = "", width: height = 0, w }) => linesOf(written, height, w));

/** The width of the box.
 * @param {Body} body */
function roomOf(body) {
  const { width: height = 0, w } = body;
  return w ?? Math.max(...lines(body).map((line) => lineWidth(line, height * EM_OF_LINE)));
}

const lettering = cached((body) => {
  const { x, y, width: height = 0, align } = body;
  return { corner: { x, y }, lines: placedLines(lines(body), x, roomOf(body), height, align), height, room: body.w };
});

/** @param {Body} body */
function boxOfText(body) {
  const { x, y, width: height = 0 } = body;
  return { left: x, top: y, right: x + roomOf(body), bottom: y + lines(body).length * height };
}

/**
 * Drags the side `e` or `w`: the text is wrapped anew, and the upper corner at the other side stays.
 * @param {Body} body
 * @param {"e" | "w"} side
 * @param {PlanePoint} to
 * @returns {Fields}
 */
function sideMoved(body, side, to) {
  const { width: height = 0, rotation = 0 } = body;
  const box = boxOfText(body);
  const local = upright(body, box, to);
  const w = quantised(Math.max(LEAST_ROOM * height, side === "e" ? local.x - box.left : box.right - local.x));
  const fixed = turned(body, box, { x: side === "e" ? box.left : box.right, y: box.top });
  const [halfWidth, halfHeight] = [w / 2, (linesOf(body.text ?? "", height, w).length * height) / 2];
  const toCentre = rotatedPoint({ x: side === "e" ? halfWidth : -halfWidth, y: halfHeight }, rotation, { x: 0, y: 0 });
  return { x: quantised(fixed.x + toCentre.x - halfWidth), y: quantised(fixed.y + toCentre.y - halfHeight), w };
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
  const free = (w - (right - x)) * FREE_LEFT[align ?? "start"];
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
  bindable: true,
  polyline: () => [],
  hit: (body, from, tolerance, to = from) => text.isValid(body) && hitsFrame(body, text.frame(body), from, tolerance, to),
  mapped(body, map) {
    const height = body.width ?? 0;
    const wanted = height * Math.sqrt(Math.abs(map.scaleX * map.scaleY));
    const width = quantised(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, wanted)));
    const box = boxOfText(body);
    const [scale, { x, y }] = [width / height, mappedPoint(centreOf(box), map)];
    const room = body.w === undefined ? {} : { w: quantised(body.w * scale) };
    return { x: quantised(x - ((box.right - box.left) * scale) / 2), y: quantised(y - ((box.bottom - box.top) * scale) / 2), width, ...room };
  },
  sides: (body) => {
    const { left, top, right, bottom } = boxOfText(body);
    const y = (top + bottom) / 2;
    return [{ id: "w", at: turned(body, text.frame(body), { x: left, y }) }, { id: "e", at: turned(body, text.frame(body), { x: right, y }) }];
  },
  sideMoved: (body, side, to) => sideMoved(body, side === "e" ? "e" : "w", to),
  lettering,
  paint(context, body, { theme }) {
    if (!text.isValid(body)) return;
    withStyle(context, body, text, theme, () => paintLettering(context, lettering(body), colourValue(body.colour, theme)));
  },
  toSvg: (body, theme) => (text.isValid(body) ? letteringSvg(lettering(body), body.colour, theme, commonAttributes(body, text, theme)) : ""),
});
