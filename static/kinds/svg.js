// @ts-check
/**
 * Strokes as SVG elements, with the same geometry and styles as on the canvas.
 *
 * It must never emit a value of a body without escaping or checking it.
 */

import { centreOf } from "../model/geometry.js";
import { colourValue, fillValue, markerValue } from "../model/palette.js";
import { pointsOf } from "./body-points.js";
import { rounded, smoothLine } from "./stroke-path.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/palette.js").CanvasTheme} CanvasTheme */
/** @typedef {import("./kind.js").Kind} Kind */

/** How a marker blends with what is below: plain paint would lighten dark ink, or darken light ink.
 * @type {Record<CanvasTheme, "multiply" | "screen">} */
export const MARKER_BLENDING = { light: "multiply", dark: "screen" };
/** Opacity of a marker. */
export const MARKER_ALPHA = 0.38;

/**
 * The lengths of dashes and gaps, in units; none for a solid line. Caps are round, so that a dot is a dash
 * of hardly any length.
 * @param {Body} body
 * @param {number} width
 */
export function dashOf({ dash }, width) {
  if (dash === "dashed") return [width * 2.5, width * 2.5];
  return dash === "dotted" ? [0.01, width * 2] : [];
}

/**
 * The colour that a body's line is painted with.
 * @param {Body} body
 * @param {Kind} kind
 * @param {CanvasTheme} theme
 */
export function lineColour({ colour }, kind, theme) {
  return kind.multiplies ? markerValue(colour, theme) : colourValue(colour, theme);
}

/** @param {Body} body
 * @returns {body is Body & {fill: string}} */
export function isFilled(body) {
  return body.fill !== undefined && body.fill !== "none";
}

/**
 * Path data of the area inside a smooth line: the outline of a line with pressure encloses only the line itself.
 * @param {Body} body
 */
export function areaData(body) {
  return smoothLine(pointsOf(body));
}

/** Text for XML, which cannot have all characters.
 * @param {string} text */
export function escaped(text) {
  const printable = text.replace(/[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
  return printable.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * Attributes for opacity, blending and rotation.
 * @param {Body} body
 * @param {Kind} kind
 * @param {CanvasTheme} theme
 */
export function commonAttributes(body, kind, theme) {
  const { rotation = 0, opacity = 1 } = body;
  const alpha = opacity * (kind.multiplies ? MARKER_ALPHA : 1);
  const { x, y } = centreOf(kind.frame(body));
  return [
    alpha === 1 ? "" : ` opacity="${rounded(alpha)}"`,
    kind.multiplies ? ` style="mix-blend-mode:${MARKER_BLENDING[theme]}"` : "",
    rotation === 0 ? "" : ` transform="rotate(${rounded((rotation * 180) / Math.PI)} ${rounded(x)} ${rounded(y)})"`,
  ].join("");
}

/**
 * @param {Body} body
 * @param {Kind} kind
 * @param {CanvasTheme} theme
 */
export function outlineSvg(body, kind, theme) {
  const outline = kind.isValid(body) ? kind.outline(body) : null;
  if (!outline) return "";
  const colour = lineColour(body, kind, theme);
  const common = commonAttributes(body, kind, theme);
  const fill = isFilled(body) ? fillValue(body.fill, theme) : "none";
  if (outline.filled) {
    const area = fill === "none" ? "" : `<path d="${areaData(body)}" fill="${fill}"${common}/>`;
    return `${area}<path d="${outline.data}" fill="${colour}"${common}/>`;
  }
  const width = kind.lineWidth(body);
  const dash = dashOf(body, width);
  const dashes = dash.length > 0 ? ` stroke-dasharray="${dash.map(rounded).join(" ")}"` : "";
  return `<path d="${outline.data}" fill="${fill}" stroke="${colour}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"${dashes}${common}/>`;
}
