// @ts-check
/**
 * The font of texts on the drawing, and the widths of lines set in it.
 *
 * It must never fail without a canvas: widths are estimated then.
 */

/** Font size as a fraction of the line height. */
export const EM_OF_LINE = 0.8;
export const FONT = `"Avenir Next", "Segoe UI", "Nunito Sans", "Noto Sans", "DejaVu Sans", system-ui, sans-serif`;
/** Assumed width of a character in em, where text cannot be measured. */
const GUESSED_CHARACTER = 0.62;

/** @type {CanvasRenderingContext2D | null | undefined} undefined: not created yet */
let context;

/**
 * @param {string} line
 * @param {number} em the font's size in units
 */
export function lineWidth(line, em) {
  if (context === undefined) context = globalThis.document?.createElement("canvas").getContext("2d") ?? null;
  if (!context) return line.length * em * GUESSED_CHARACTER;
  context.font = `${em}px ${FONT}`;
  return context.measureText(line).width;
}
