// @ts-check
/**
 * The file of a drawing, as JSON: its title, its strokes in painting order and its pictures. Documented in
 * docs/format.md.
 *
 * It must never fail for one bad stroke: that one is skipped and counted.
 */

import { isBody } from "./body.js";
import { FORMAT, isDrawingFile } from "./file-formats.js";

/** @typedef {import("./types.js").Body} Body */
/** @typedef {{id: string, body: Body}} FileStroke */
/** @typedef {Record<string, string>} Assets `data:` addresses of pictures by hash */
/** @typedef {{title: string, strokes: FileStroke[], assets: Assets, skipped: number}} DrawingFile */

/** Raised when an older page could not read a newer file; new fields and kinds do not raise it. */
export const VERSION = 1;

/** The file is of another format, or of a newer version of this one. */
export class FileError extends Error {
  /** @param {"format"|"version"} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * @param {object} drawing
 * @param {string} drawing.title
 * @param {readonly FileStroke[]} drawing.strokes in painting order
 * @param {Assets} [drawing.assets]
 */
export function fileText({ title, strokes, assets = {} }) {
  const head = { format: FORMAT, version: VERSION, title };
  const lines = strokes.map(({ id, body }) => JSON.stringify({ id, body }));
  const hashes = Object.keys(assets).sort().map((hash) => `${JSON.stringify(hash)}:${JSON.stringify(assets[hash])}`);
  // A stroke a line, so that two versions can be compared.
  return `${JSON.stringify(head).slice(0, -1)},"strokes":[${joined(lines)}],"assets":{${joined(hashes)}}}\n`;
}

/** @param {string[]} lines */
function joined(lines) {
  return lines.length > 0 ? `\n${lines.join(",\n")}\n` : "";
}

/**
 * @param {any} value parsed JSON
 * @returns {DrawingFile}
 */
export function readDrawingFile(value) {
  if (!isDrawingFile(value) || !Array.isArray(value.strokes)) throw new FileError("format");
  if (value.version !== VERSION) throw new FileError("version");
  /** @type {FileStroke[]} */
  const strokes = value.strokes.filter((/** @type {any} */ stroke) => typeof stroke?.id === "string" && isBody(stroke.body));
  const assets = Object.entries(value.assets ?? {}).filter(([, address]) => typeof address === "string" && address.startsWith("data:image/"));
  return {
    title: typeof value.title === "string" ? value.title : "",
    strokes,
    assets: Object.fromEntries(assets),
    skipped: value.strokes.length - strokes.length,
  };
}
