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

/** What a note is mixed of: its tint, and the paper below. @type {Record<CanvasTheme, {paper: string, part: number}>} */
const NOTE_PAPER = { light: { paper: "#ffffff", part: 0.42 }, dark: { paper: "#1d1a17", part: 0.32 } };

/**
 * The colours of a sticky note, on which ink is legible in both themes.
 * @param {string | undefined} colour of the note; ink stands for the yellow of plain notes
 * @param {CanvasTheme} theme
 */
export function noteColours(colour, theme) {
  const tint = colourValue(colour === undefined || colour === INK ? "yellow" : colour, theme);
  const { paper, part } = NOTE_PAPER[theme];
  return { paper: mixed(tint, paper, part), edge: mixed(tint, paper, part + 0.22), shadow: "rgb(60 40 20 / 0.16)" };
}

/**
 * @param {string} a `#rrggbb`
 * @param {string} b
 * @param {number} part of a
 */
function mixed(a, b, part) {
  const channel = (/** @type {string} */ colour, /** @type {number} */ i) => parseInt(colour.slice(i, i + 2), 16);
  const hex = [1, 3, 5].map((i) => Math.round(channel(a, i) * part + channel(b, i) * (1 - part)).toString(16).padStart(2, "0"));
  return `#${hex.join("")}`;
}
