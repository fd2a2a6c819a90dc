// @ts-check
/**
 * The font of texts on the drawing, and the widths of lines set in it. It comes with the page, so that a
 * text has the same box everywhere; scripts that it lacks are set in fonts of the system.
 *
 * It must never fail without a canvas: widths are estimated then.
 */

/** Font size as a fraction of the line height. */
export const EM_OF_LINE = 0.8;
/** The font that comes with the page: static/fonts, css/theme.css. */
export const BUNDLED = "Nunito";
export const FONT = `${BUNDLED}, "Noto Sans", "DejaVu Sans", system-ui, sans-serif`;
/**
 * Distance of the baseline from the top of a line, as a fraction of its height: the bundled font's ascent
 * and descent, 1.011 and 0.353 em, are centred in the line.
 */
export const BASELINE = (1 - (1.011 + 0.353) * EM_OF_LINE) / 2 + 1.011 * EM_OF_LINE;
/** The size in pixels at which text is measured: as large as an em of the font in its own units, whatever
 * the text's size, so that no rounding to pixels changes its box. The server measures the same. */
const MEASURED_AT = 1_000;
/** Assumed width of a character in em, where text cannot be measured. */
const GUESSED_CHARACTER = 0.62;

/** @type {CanvasRenderingContext2D | null | undefined} undefined: not created yet */
let context;

/**
 * Loads the bundled font: until then texts are measured in another one.
 * @returns {Promise<unknown>}
 */
export function loadFont() {
  return globalThis.document?.fonts.load(`16px ${BUNDLED}`) ?? Promise.resolve();
}

/**
 * @param {string} line
 * @param {number} em the font's size in units
 */
export function lineWidth(line, em) {
  if (context === undefined) context = globalThis.document?.createElement("canvas").getContext("2d") ?? null;
  if (!context) return line.length * em * GUESSED_CHARACTER;
  context.font = `${MEASURED_AT}px ${FONT}`;
  // Browsers are off by some thousandths of a pixel.
  return (Math.round(context.measureText(line).width) / MEASURED_AT) * em;
}
