// @ts-check
/**
 * Strokes on the clipboard: JSON text with a mark, which any drawing of any page takes.
 *
 * It must never trust what it reads: anything may be on a clipboard.
 */

import { isBody } from "./body.js";

/** @typedef {import("./types.js").Body} Body */
/** @typedef {{id: string, body: Body}} Clipped */

const MARK = "whiteboard/strokes";
/** Most strokes that are pasted at once. */
const MAX_STROKES = 20_000;

/**
 * @param {readonly Clipped[]} strokes
 * @returns {string}
 */
export function clipOf(strokes) {
  return JSON.stringify({ type: MARK, strokes: strokes.map(({ id, body }) => ({ id, body })) });
}

/**
 * The texts among strokes, for programs that take no strokes.
 * @param {readonly Clipped[]} strokes
 */
export function plainTextOf(strokes) {
  return strokes.flatMap(({ body }) => (typeof body.text === "string" && body.text ? [body.text] : [])).join("\n");
}

/**
 * @param {string} text
 * @returns {Clipped[] | null} null if the text is none of `clipOf`
 */
export function readClip(text) {
  if (!text.includes(MARK)) return null;
  try {
    const { type, strokes } = JSON.parse(text);
    if (type !== MARK || !Array.isArray(strokes)) return null;
    return strokes.slice(0, MAX_STROKES).filter(isClipped);
  } catch {
    return null;
  }
}

/** @param {any} clipped
 * @returns {clipped is Clipped} */
function isClipped(clipped) {
  return typeof clipped?.id === "string" && isBody(clipped.body);
}
