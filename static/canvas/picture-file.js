// @ts-check
/**
 * Makes a picture fit to be stored: pixels only, and not too many of them.
 *
 * It must never pass on a file that could hold a program, such as SVG, nor where a photograph was taken.
 */

import { blobOf } from "./picture.js";

/** @typedef {{blob: Blob, width: number, height: number}} Prepared its size in pixels */

/** Longest side in pixels. */
const MAX_EDGE = 2_048;
/** Most bytes that the server stores, and up to which a picture that needs no other change is kept. */
const MAX_BYTES = 4 * 1024 * 1024;
const SMALL = 512 * 1024;
/** Types that are kept when small. A JPEG may say where it was taken, so that it is always made anew. */
const KEPT = ["image/png", "image/webp", "image/gif"];
/** Longest side of an SVG picture without a size of its own. */
const SVG_EDGE = 1_024;
const QUALITY = 0.86;
/** How much smaller a picture is made when its file is too large. */
const STEP = 0.75;

/** The file is no picture that this browser can read. */
export class PictureError extends Error {}

/**
 * @param {Blob} file
 * @returns {Promise<Prepared>}
 */
export async function preparedPicture(file) {
  const source = await loaded(file);
  const isVector = file.type === "image/svg+xml";
  const edge = Math.max(source.naturalWidth, source.naturalHeight);
  if (edge === 0) throw new PictureError("it has no size");
  if (!isVector && KEPT.includes(file.type) && file.size <= SMALL && edge <= MAX_EDGE) {
    return { blob: file, width: source.naturalWidth, height: source.naturalHeight };
  }
  const wanted = isVector ? SVG_EDGE / edge : 1;
  for (let scale = Math.min(wanted, MAX_EDGE / edge); ; scale *= STEP) {
    const canvas = drawn(source, scale);
    const blob = await encoded(canvas);
    if (blob.size <= MAX_BYTES) return { blob, width: canvas.width, height: canvas.height };
  }
}

/** @param {Blob} file */
async function loaded(file) {
  const image = new Image();
  const address = URL.createObjectURL(file);
  try {
    // An image element runs no program in an SVG, and loads nothing that it names.
    image.src = address;
    await image.decode();
    return image;
  } catch {
    throw new PictureError("it cannot be decoded");
  } finally {
    URL.revokeObjectURL(address);
  }
}

/**
 * @param {HTMLImageElement} source
 * @param {number} scale
 */
function drawn(source, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(source.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(source.naturalHeight * scale));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/**
 * As WebP; as PNG where the browser cannot write that, and is asked for JPEG if it is too large.
 * @param {HTMLCanvasElement} canvas
 */
async function encoded(canvas) {
  const webp = await blobOf(canvas, "image/webp", QUALITY);
  if (webp.type === "image/webp" || webp.size <= SMALL) return webp;
  return blobOf(canvas, "image/jpeg", QUALITY);
}
