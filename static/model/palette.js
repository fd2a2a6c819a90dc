// @ts-check
/**
 * The palette: colour tokens of strokes, with their values on a light and on a dark canvas.
 *
 * It must never reject a colour: an unknown one is painted like ink.
 */

/** @typedef {"light" | "dark"} CanvasTheme What strokes are painted on. */
/** @typedef {{light: string, dark: string}} Shades */

/** The token that new strokes have by default, and that stands in for unknown colours. */
export const INK = "ink";

/** What is drawn on, in exported pictures; on the page it is the token `--paper` of css/theme.css.
 * @type {Shades} */
export const PAPER = { light: "#fbf7ef", dark: "#1d1a17" };

/** In the order of the toolbar.
 * @type {Record<string, Shades>} */
export const PALETTE = {
  ink: { light: "#22201d", dark: "#f1e9dd" },
  red: { light: "#d6402b", dark: "#ff7d68" },
  orange: { light: "#ee8a1d", dark: "#ffab54" },
  yellow: { light: "#efbf26", dark: "#f7d560" },
  green: { light: "#3c9a5f", dark: "#6fce92" },
  blue: { light: "#2f7fc1", dark: "#70b6f2" },
  violet: { light: "#7f52b5", dark: "#b893ea" },
  pink: { light: "#df6a99", dark: "#f597bd" },
};

/** The tokens in the order of the toolbar. */
export const TOKENS = Object.keys(PALETTE);

/** @param {string} colour */
function isCustom(colour) {
  return /^#[0-9a-f]{6}$/.test(colour);
}

/** Whether a value is a colour of strokes.
 * @param {unknown} value */
export function isColour(value) {
  return typeof value === "string" && (Object.hasOwn(PALETTE, value) || isCustom(value));
}

/**
 * The value of a stroke's colour on a canvas, as `#rrggbb`.
 * @param {string | undefined} colour a token or `#rrggbb`
 * @param {CanvasTheme} theme
 */
export function colourValue(colour, theme) {
  if (colour !== undefined && isCustom(colour)) return colour;
  const token = colour !== undefined && Object.hasOwn(PALETTE, colour) ? colour : INK;
  return PALETTE[token][theme];
}
