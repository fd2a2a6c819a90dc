// @ts-check
/**
 * Which formats of files there are, and which one a parsed file claims to be of.
 *
 * It must never read what a file holds: most pages never need that.
 */

export const FORMAT = "whiteboard";
/** Excalidraw's types of files and of its clipboard. */
const EXCALIDRAW = ["excalidraw", "excalidraw/clipboard", "excalidrawlib"];

/** @param {any} value */
export function isDrawingFile(value) {
  return value?.format === FORMAT;
}

/** @param {any} value */
export function isExcalidraw(value) {
  return EXCALIDRAW.includes(value?.type) && (Array.isArray(value.elements) || Array.isArray(value.libraryItems));
}

/**
 * The parsed file in a text.
 * @param {string} text
 * @returns {any} null if it is none
 */
export function fileIn(text) {
  if (!text.startsWith("{")) return null;
  try {
    const parsed = JSON.parse(text);
    return isDrawingFile(parsed) || isExcalidraw(parsed) ? parsed : null;
  } catch {
    return null;
  }
}
