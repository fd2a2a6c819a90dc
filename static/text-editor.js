// @ts-check
/**
 * A text area on the drawing, styled like the text that it becomes.
 *
 * It must never discard what was typed: leaving it keeps the text.
 */

import { EM_OF_LINE } from "./geometry.js";

/** @typedef {import("./types.js").PlanePoint} PlanePoint */
/** @typedef {import("./types.js").ScreenPoint} ScreenPoint */

/** Maximum of a text in bytes of UTF-8. */
const MAX_BYTES = 4 * 1024;
/** Extra width for the caret, in pixels. */
const CARET = 4;
/** Milliseconds after closing in which a press is taken as the one that closed it. */
const SAME_PRESS = 400;

export class TextEditor {
  /** @type {((text: string) => void) | null} */
  #onDone = null;
  /** @type {{corner: PlanePoint, width: number} | null} */
  #position = null;
  #finishedAt = -Infinity;
  #area;
  #toScreen;

  /**
   * @param {HTMLTextAreaElement} area
   * @param {string} font
   * @param {(corner: PlanePoint) => ScreenPoint & {zoom: number}} toScreen
   */
  constructor(area, font, toScreen) {
    this.#area = area;
    this.#toScreen = toScreen;
    area.style.fontFamily = font;
    area.addEventListener("input", () => this.reposition());
    area.addEventListener("blur", () => this.finish());
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) area.blur();
    });
  }

  /**
   * @param {{corner: PlanePoint, colour: string, width: number, text: string}} options `corner` is the upper left one
   * @param {(text: string) => void} onDone receives the text without trailing white space
   */
  open({ corner, colour, width, text }, onDone) {
    this.finish();
    this.#onDone = onDone;
    this.#position = { corner, width };
    this.#area.value = text;
    this.#area.style.color = colour;
    this.#area.hidden = false;
    this.reposition();
    this.#area.focus();
  }

  /** Whether the current press is the one that closed the editor. */
  get justFinished() {
    return performance.now() - this.#finishedAt < SAME_PRESS;
  }

  finish() {
    const onDone = this.#onDone;
    if (!onDone) return;
    this.#onDone = null;
    this.#position = null;
    this.#finishedAt = performance.now();
    this.#area.hidden = true;
    onDone(truncated(this.#area.value.trimEnd()));
  }

  /** Fits the text area to the camera and to the text. */
  reposition() {
    if (!this.#position) return;
    const { corner, width } = this.#position;
    const { x, y, zoom } = this.#toScreen(corner);
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
function truncated(text) {
  // Encoding and decoding replaces unpaired surrogates, which UTF-8 cannot represent.
  const decoder = new TextDecoder();
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_BYTES) return decoder.decode(bytes);
  return decoder.decode(bytes.subarray(0, MAX_BYTES - 2)).replace(/\uFFFD+$/, "");
}
