// @ts-check
/**
 * A text area on the drawing, styled like the text that it becomes.
 *
 * It must never discard what was typed: leaving it keeps the text.
 */

import { EM_OF_LINE, FONT } from "../kinds/measure.js";

/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("../model/types.js").Box} Box */

/** @typedef {{colour?: string, width?: number}} TextStyle `width` is the height of a line */

/** Maximum of a text in bytes of UTF-8. */
const MAX_BYTES = 4 * 1024;
/** Extra width for the caret, in pixels. */
const CARET = 4;
/** Distance that the caret keeps from the edges of the free area, in pixels. */
const CARET_MARGIN = 28;

export class TextEditor {
  /** @type {((text: string, style: TextStyle) => void) | null} */
  #onDone = null;
  /** @type {{corner: PlanePoint} & TextStyle | null} */
  #position = null;
  #measuring = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
  #area;
  #on;

  /**
   * @param {HTMLTextAreaElement} area
   * @param {object} on
   * @param {(colour: string | undefined) => string} on.colour the value of a stroke's colour
   * @param {(corner: PlanePoint) => ScreenPoint & {zoom: number}} on.toScreen
   * @param {() => Box} on.free the part of the window that no panel covers
   * @param {(dx: number, dy: number) => void} on.pan moves the drawing by pixels
   */
  constructor(area, on) {
    this.#area = area;
    this.#on = on;
    area.style.fontFamily = FONT;
    area.addEventListener("input", () => {
      this.reposition();
      this.reveal();
    });
    area.addEventListener("keyup", ({ key }) => /^(Arrow|Home|End|Page)/.test(key) && this.reveal());
    area.addEventListener("blur", () => this.finish());
    area.addEventListener("keydown", (event) => {
      // Escape may belong to an input method, which it cancels.
      if (event.isComposing) return;
      if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) area.blur();
    });
  }

  /**
   * @param {TextStyle & {corner: PlanePoint, text: string}} options `corner` is the upper left one
   * @param {(text: string, style: TextStyle) => void} onDone receives the text without trailing white space
   */
  open({ corner, colour, width, text }, onDone) {
    this.finish();
    this.#onDone = onDone;
    this.#position = { corner, colour, width };
    this.#area.value = text;
    this.#area.hidden = false;
    this.reposition();
    this.#area.focus({ preventScroll: true });
    this.reveal();
  }

  get isOpen() {
    return this.#position !== null;
  }

  /** Changes the style of the open text.
   * @param {Partial<TextStyle>} style */
  restyle(style) {
    if (!this.#position) return;
    Object.assign(this.#position, style);
    this.reposition();
    this.reveal();
  }

  /** Closes the editor and keeps its text. Returns whether it was open. */
  finish() {
    const onDone = this.#onDone;
    if (!onDone || !this.#position) return false;
    const { colour, width } = this.#position;
    this.#onDone = null;
    this.#position = null;
    this.#area.hidden = true;
    onDone(truncated(this.#area.value.trimEnd()), { colour, width });
    return true;
  }

  /** Fits the text area to the camera and to the text. */
  reposition() {
    if (!this.#position) return;
    const { corner, colour, width = 0 } = this.#position;
    const { x, y, zoom } = this.#on.toScreen(corner);
    const { style } = this.#area;
    style.color = this.#on.colour(colour);
    style.left = `${x}px`;
    style.top = `${y}px`;
    style.lineHeight = `${width * zoom}px`;
    style.fontSize = `${width * EM_OF_LINE * zoom}px`;
    style.width = style.height = "0";
    style.width = `${this.#area.scrollWidth + CARET}px`;
    style.height = `${this.#area.scrollHeight}px`;
  }

  /** Pans the drawing so that the caret is visible. */
  reveal() {
    if (!this.#position) return;
    const { corner, width = 0 } = this.#position;
    const { x, y, zoom } = this.#on.toScreen(corner);
    const lines = this.#area.value.slice(0, this.#area.selectionEnd).split("\n");
    this.#measuring.font = `${width * EM_OF_LINE * zoom}px ${FONT}`;
    const left = x + this.#measuring.measureText(lines[lines.length - 1]).width;
    const top = y + (lines.length - 1) * width * zoom;
    const free = this.#on.free();
    const dx = intoRange(left, left, free.left, free.right);
    const dy = intoRange(top, top + width * zoom, free.top, free.bottom);
    if (dx !== 0 || dy !== 0) this.#on.pan(dx, dy);
  }
}

/**
 * How far to move the span `low` to `high` so that it lies between `from` and `to`, its start first.
 * @param {number} low
 * @param {number} high
 * @param {number} from
 * @param {number} to
 */
function intoRange(low, high, from, to) {
  const [first, last] = [from + CARET_MARGIN, to - CARET_MARGIN];
  if (low < first) return first - low;
  return high > last ? Math.max(last - high, first - low) : 0;
}

/** @param {string} text */
function truncated(text) {
  // Encoding and decoding replaces unpaired surrogates, which UTF-8 cannot represent.
  const decoder = new TextDecoder();
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_BYTES) return decoder.decode(bytes);
  return decoder.decode(bytes.subarray(0, MAX_BYTES - 2)).replace(/\uFFFD+$/, "");
}
