// @ts-check
/**
 * The sticky note: a coloured paper with text that is wrapped in it. Its `colour` tints the paper; the text
 * is ink.
 *
 * It must never let text run out of the paper: that grows with it.
 */

import { INK, colourValue, noteColours } from "../model/palette.js";
import { quantised } from "../model/points.js";
import { boxDrag } from "./area.js";
import { cached, hitsFrame, makeKind, mappedBox } from "./kind.js";
import { letteringSvg, linesOf, paintLettering, placedLines } from "./lettering.js";
import { withStyle } from "./paint.js";
import { rounded } from "./stroke-path.js";
import { commonAttributes } from "./svg.js";

/** @typedef {import("../model/types.js").Body} Body */

/** Between the text and the edge, in line heights. */
const PADDING = 0.55;
/** The side of a note that is made with a click, and the least side, in units. */
export const NOTE_SIDE = 200;
const LEAST_SIDE = 24;
/** Radius of its corners, and depth of its shadow, in units. */
const RADIUS = 4;
const SHADOW = 4;

/** @param {Body} body */
function roomOf({ w = NOTE_SIDE, width: height = 0 }) {
  return Math.max(1, w - 2 * PADDING * height);
}

const lines = cached((body) => linesOf(body.text ?? "", body.width ?? 0, roomOf(body)));

/** @param {Body} body */
function frame(body) {
  const { x, y, w = NOTE_SIDE, h = NOTE_SIDE, width: height = 0 } = body;
  const needed = (lines(body).length + 2 * PADDING) * height;
  return { left: x, top: y, right: x + w, bottom: y + Math.max(h, body.text ? needed : 0) };
}

const lettering = cached((body) => {
  const { width: height = 0, align = "center" } = body;
  const { left, top, bottom } = frame(body);
  const corner = { x: left + PADDING * height, y: (top + bottom - lines(body).length * height) / 2 };
  return { corner, lines: placedLines(lines(body), corner.x, roomOf(body), height, align), height, room: roomOf(body) };
});

export const note = makeKind({
  id: "note",
  styles: ["colour", "width", "align", "opacity"],
  widths: [18, 24, 32, 48],
  defaults: { align: "center" },
  isValid: ({ width = 0, w = NOTE_SIDE, h = NOTE_SIDE }) => width > 0 && w > 0 && h > 0,
  frame,
  reach: () => SHADOW,
  bindable: true,
  polyline: () => [],
  hit: (body, from, tolerance, to = from) => note.isValid(body) && hitsFrame(body, note.frame(body), from, tolerance, to),
  mapped: (body, map) => mappedBox(frame(body), map, LEAST_SIDE),
  lettering,
  fromDrag: boxDrag,
  fromPoints([a, b = a]) {
    const [w, h] = [Math.abs(a.x - b.x), Math.abs(a.y - b.y)];
    const isClick = w < LEAST_SIDE && h < LEAST_SIDE;
    if (isClick) return { x: quantised(a.x - NOTE_SIDE / 2), y: quantised(a.y - NOTE_SIDE / 2), w: NOTE_SIDE, h: NOTE_SIDE };
    return {
      x: quantised(Math.min(a.x, b.x)),
      y: quantised(Math.min(a.y, b.y)),
      w: quantised(Math.max(LEAST_SIDE, w)),
      h: quantised(Math.max(LEAST_SIDE, h)),
    };
  },
  paint(context, body, { theme }) {
    if (!note.isValid(body)) return;
    const { left, top, right, bottom } = note.frame(body);
    const { paper, edge, shadow } = noteColours(body.colour, theme);
    withStyle(context, body, note, theme, () => {
      context.fillStyle = shadow;
      context.beginPath();
      context.roundRect(left + 1, top + SHADOW / 2, right - left - 2, bottom - top + SHADOW / 2, RADIUS);
      context.fill();
      context.fillStyle = paper;
      context.strokeStyle = edge;
      context.lineWidth = 1;
      context.beginPath();
      context.roundRect(left, top, right - left, bottom - top, RADIUS);
      context.fill();
      context.stroke();
      if (body.text) paintLettering(context, lettering(body), colourValue(INK, theme));
    });
  },
  toSvg(body, theme) {
    if (!note.isValid(body)) return "";
    const { left, top, right, bottom } = note.frame(body);
    const { paper, edge } = noteColours(body.colour, theme);
    const [x, y, w, h] = [left, top, right - left, bottom - top].map(rounded);
    const words = body.text ? letteringSvg(lettering(body), INK, theme, "") : "";
    return `<g${commonAttributes(body, note, theme)}><rect x="${x}" y="${y}" width="${w}" height="${h}" rx="${RADIUS}" fill="${paper}" stroke="${edge}"/>${words}</g>`;
  },
});
