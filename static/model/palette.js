// @ts-check
/**
 * The palette: colour tokens of strokes, with their values on a light and on a dark canvas, on which each
 * is legible.
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
  orange: { light: "#d8700a", dark: "#ffab54" },
  yellow: { light: "#a98000", dark: "#f7d560" },
  green: { light: "#3c9a5f", dark: "#6fce92" },
  blue: { light: "#2f7fc1", dark: "#70b6f2" },
  violet: { light: "#7f52b5", dark: "#b893ea" },
  pink: { light: "#d95a8d", dark: "#f597bd" },
};

/** Values of the marker where it looks better with another one: it need not be as dark as a thin line.
 * @type {Record<string, Shades>} */
const MARKER = {
  orange: { light: "#ee8a1d", dark: "#ffab54" },
  yellow: { light: "#efbf26", dark: "#f7d560" },
};

/** The least contrast of a custom colour with the paper, and the steps in which it is mixed with ink until then. */
const MIN_CONTRAST = 2;
/** The least contrast of ink with a custom fill on dark paper. */
const FILL_CONTRAST = 4.5;
const MIX_STEPS = 16;

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
 * The value of a stroke's colour on a canvas, as `#rrggbb`. A custom colour that would hardly be seen on the
 * paper is mixed with ink, sixteenth by sixteenth, until it is.
 * @param {string | undefined} colour a token or `#rrggbb`
 * @param {CanvasTheme} theme
 */
export function colourValue(colour, theme) {
  if (colour !== undefined && isCustom(colour)) return adapted(colour, theme);
  const token = colour !== undefined && Object.hasOwn(PALETTE, colour) ? colour : INK;
  return PALETTE[token][theme];
}

/**
 * The value of a marker's colour.
 * @param {string | undefined} colour
 * @param {CanvasTheme} theme
 */
export function markerValue(colour, theme) {
  return colour !== undefined && Object.hasOwn(MARKER, colour) ? MARKER[colour][theme] : colourValue(colour, theme);
}

/**
 * The value of a fill. A custom one, chosen on light paper, is mixed with dark paper until ink is legible
 * on it; on light paper it stays as it is.
 * @param {string} colour
 * @param {CanvasTheme} theme
 */
export function fillValue(colour, theme) {
  if (!isCustom(colour)) return colourValue(colour, theme);
  if (theme === "light") return colour;
  return mixedUntil(colour, PAPER.dark, (value) => contrast(value, PALETTE[INK].dark) >= FILL_CONTRAST);
}

/**
 * @param {string} colour
 * @param {CanvasTheme} theme
 */
function adapted(colour, theme) {
  return mixedUntil(colour, PALETTE[INK][theme], (value) => contrast(value, PAPER[theme]) >= MIN_CONTRAST);
}

/** @type {Map<string, string>} */
const known = new Map();
/** Entries after which the memory of custom colours starts over. */
const MAX_KNOWN = 500;

/**
 * Mixes a colour with another one, sixteenth by sixteenth, until it will do.
 * @param {string} colour
 * @param {string} other
 * @param {(value: string) => boolean} isEnough
 */
function mixedUntil(colour, other, isEnough) {
  const key = colour + other;
  let value = known.get(key);
  if (value === undefined) {
    const [own, added] = [channelsOf(colour), channelsOf(other)];
    value = colour;
    for (let step = 1; step <= MIX_STEPS && !isEnough(value); step += 1) {
      value = `#${own.map((channel, i) => Math.round(channel + ((added[i] - channel) * step) / MIX_STEPS).toString(16).padStart(2, "0")).join("")}`;
    }
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, value);
  }
  return value;
}

/** @param {string} colour `#rrggbb` */
function channelsOf(colour) {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

/**
 * The relative luminance, as WCAG defines it.
 * @param {string} colour
 */
function luminance(colour) {
  const [r, g, b] = channelsOf(colour).map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/**
 * The contrast of two colours, from 1 to 21, as WCAG defines it.
 * @param {string} a
 * @param {string} b
 */
export function contrast(a, b) {
  const [x, y] = [luminance(a) + 0.05, luminance(b) + 0.05];
  return Math.max(x, y) / Math.min(x, y);
}

/** What a note is mixed of: its tint, and the paper below. @type {Record<CanvasTheme, {paper: string, part: number}>} */
const NOTE_PAPER = { light: { paper: "#ffffff", part: 0.42 }, dark: { paper: "#1d1a17", part: 0.32 } };

/**
 * The colours of a sticky note, on which ink is legible in both themes.
 * @param {string | undefined} colour of the note; ink stands for the yellow of plain notes
 * @param {CanvasTheme} theme
 */
export function noteColours(colour, theme) {
  const tint = markerValue(colour === undefined || colour === INK ? "yellow" : colour, theme);
  const { paper, part } = NOTE_PAPER[theme];
  return { paper: mixed(tint, paper, part), edge: mixed(tint, paper, part + 0.22), shadow: "rgb(60 40 20 / 0.16)" };
}

/**
 * @param {string} a `#rrggbb`
 * @param {string} b
 * @param {number} part of a
 */
function mixed(a, b, part) {
  const other = channelsOf(b);
  return `#${channelsOf(a).map((channel, i) => Math.round(channel * part + other[i] * (1 - part)).toString(16).padStart(2, "0")).join("")}`;
}
