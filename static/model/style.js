// @ts-check
/**
 * The style that was chosen, for new strokes and for selected ones.
 *
 * It must never set a field that a kind does not have.
 */

import { INK, isColour } from "./palette.js";

/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").Fields} Fields */
/** @typedef {{styles: readonly string[], widths: readonly number[]}} Styled what a kind says */
/**
 * @typedef {object} Chosen
 * @property {string} colour
 * @property {number} size index of a kind's widths
 * @property {string} fill a colour, or `none`
 * @property {"solid"|"dashed"|"dotted"} dash
 * @property {number} opacity 0 to 1
 * @property {"start"|"center"|"end"} [align] without it each kind has its own
 */

export const DASHES = /** @type {const} */ (["solid", "dashed", "dotted"]);
export const ALIGNS = /** @type {const} */ (["start", "center", "end"]);
export const SIZES = 4;

/** @type {Chosen} */
export const FIRST_STYLE = { colour: INK, size: 1, fill: "none", dash: "solid", opacity: 1 };

/** @param {any} value */
export function isChosen({ colour, size, fill, dash, opacity, align }) {
  return isColour(colour) && Number.isInteger(size) && size >= 0 && size < SIZES
    && (fill === "none" || isColour(fill)) && DASHES.includes(dash) && opacity > 0 && opacity <= 1
    && (align === undefined || ALIGNS.includes(align));
}

/**
 * The fields of a new stroke.
 * @param {Chosen} chosen
 * @param {Styled} kind
 * @returns {Pick<Body, "colour"|"width"|"fill"|"dash"|"opacity"|"align">}
 */
export function styleOf({ colour, size, fill, dash, opacity, align }, { styles, widths }) {
  return {
    colour,
    width: widths[size],
    ...(styles.includes("fill") && fill !== "none" ? { fill } : {}),
    ...(styles.includes("dash") && dash !== "solid" ? { dash } : {}),
    ...(styles.includes("opacity") && opacity < 1 ? { opacity } : {}),
    ...(styles.includes("align") && align ? { align } : {}),
  };
}

/**
 * The fields that change a stroke to what was picked.
 * @param {Partial<Chosen>} picked
 * @param {Styled} kind
 * @returns {Fields}
 */
export function restyled({ colour, size, fill, dash, opacity, align }, { styles, widths }) {
  /** @type {Fields} */
  const fields = {};
  if (colour !== undefined && styles.includes("colour")) fields.colour = colour;
  if (size !== undefined && styles.includes("width")) fields.width = widths[size];
  if (fill !== undefined && styles.includes("fill")) fields.fill = fill === "none" ? null : fill;
  if (dash !== undefined && styles.includes("dash")) fields.dash = dash === "solid" ? null : dash;
  if (opacity !== undefined && styles.includes("opacity")) fields.opacity = opacity === 1 ? null : opacity;
  if (align !== undefined && styles.includes("align")) fields.align = align;
  return fields;
}

/**
 * The style of a stroke.
 * @param {Body} body
 * @param {Styled & {defaults: Partial<Body>}} kind
 * @returns {Partial<Chosen>} `size` is missing if it is none of those offered
 */
export function chosenOf(body, { widths, defaults }) {
  const size = widths.indexOf(body.width ?? 0);
  const { colour, fill = "none", dash = "solid", opacity = 1 } = body;
  return { colour, ...(size < 0 ? {} : { size }), fill, dash, opacity, align: body.align ?? defaults.align ?? "start" };
}

/**
 * What styles have in common.
 * @param {Iterable<Partial<Chosen>>} all
 * @returns {Partial<Chosen>}
 */
export function commonOf(all) {
  /** @type {Record<string, unknown> | null} */
  let shared = null;
  for (const one of all) {
    /** @type {Record<string, unknown>} */
    const values = one;
    shared ??= { ...values };
    for (const field in shared) if (shared[field] !== values[field]) delete shared[field];
  }
  return shared ?? {};
}
