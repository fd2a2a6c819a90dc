// @ts-check
/**
 * A place to write on the drawing: a text area that looks like the text it becomes.
 *
 * It must never lose what was written: leaving it is keeping it.
 */

import { EM_OF_LINE } from "./geometry.js";

/** @typedef {import("./types.js").Place} Place */

/** Bytes of UTF-8 that a text may have. */
const MOST_BYTES = 4 * 1024;
/** Pixels that stay free for the caret. */
const CARET = 4;
/** Milliseconds. */
const SAME_PRESS = 400;

export class Writing {
  /** @type {((text: string) => void) | null} */
  #written = null;
  /** @type {{place: Place, width: number} | null} */
  #where = null;
  #finishedAt = -Infinity;
  #area;
  #toWindow;

  /**
   * @param {HTMLTextAreaElement} area
   * @param {string} font
   * @param {(place: Place) => Place & {zoom: number}} toWindow
   */
  constructor(area, font, toWindow) {
    this.#area = area;
    this.#toWindow = toWindow;
    area.style.fontFamily = font;
    area.addEventListener("input", () => this.place());
    area.addEventListener("blur", () => this.finish());
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) area.blur();
    });
  }

  /**
   * @param {{place: Place, colour: string, width: number, text: string}} look `place` is the upper left corner
   * @param {(text: string) => void} written what was there in the end, without spaces after it
   */
  begin({ place, colour, width, text }, written) {
    this.finish();
    this.#written = written;
    this.#where = { place, width };
    this.#area.value = text;
    this.#area.style.color = colour;
    this.#area.hidden = false;
    this.place();
    this.#area.focus();
  }

  /** Whether leaving the text and now are the same press. */
  get justFinished() {
    return performance.now() - this.#finishedAt < SAME_PRESS;
  }

  finish() {
    const written = this.#written;
    if (!written) return;
    this.#written = null;
    this.#where = null;
    this.#finishedAt = performance.now();
    this.#area.hidden = true;
    written(fitting(this.#area.value.trimEnd()));
  }

  /** Moves with the camera, and grows with the text. */
  place() {
    if (!this.#where) return;
    const { place, width } = this.#where;
    const { x, y, zoom } = this.#toWindow(place);
    const { style } = this.#area;
    style.left = `${x}px`;
    style.top = `${y}px`;
    style.lineHeight = `${width * zoom}px`;
    style.fontSize = `${width * EM_OF_LINE * zoom}px`;
    style.width = style.height = "0";
    style.width = `${this.#area.scrollWidth + CARET}px`;
    style.height = `${this.#area.scrollHeight}px`;
  }
}

/** @param {string} text */
function fitting(text) {
  // Encoding and decoding replaces half characters, which are none in UTF-8.
  const decoder = new TextDecoder();
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MOST_BYTES) return decoder.decode(bytes);
  return decoder.decode(bytes.subarray(0, MOST_BYTES - 2)).replace(/\uFFFD+$/, "");
}
