// @ts-check
/**
 * A text area on the drawing, styled like the text that it becomes.
 *
 * It must never discard what was typed: leaving it keeps the text.
 */

import { EM_OF_LINE, FONT } from "../kinds/measure.js";
import { withFields } from "../model/edits.js";
import { limited } from "../model/text-limit.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Fields} Fields */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../tools/writing.js").Layout} Layout */
/** @typedef {import("../tools/writing.js").Written} Written */

/** Extra width for the caret, in pixels. */
const CARET = 4;
/** Distance that the caret keeps from the edges of the free area, in pixels. */
const CARET_MARGIN = 28;

export class TextEditor {
  /** @type {Written | null} */
  #written = null;
  /** @type {Body | null} */
  #body = null;
  #measuring = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
  #area;
  #on;

  /**
   * @param {HTMLTextAreaElement} area
   * @param {object} on
   * @param {(body: Body) => string} on.colour the value of a text's colour
   * @param {(body: Body) => Layout} on.layout
   * @param {(corner: PlanePoint) => ScreenPoint & {zoom: number}} on.toScreen
   * @param {() => Box} on.free the part of the window that no panel covers
   * @param {(dx: number, dy: number) => void} on.pan moves the drawing by pixels
   * @param {(element: EventTarget | null) => boolean} on.belongs whether the text is still written while this has the focus
   * @param {() => void} on.toggled it has been opened or closed
   */
  constructor(area, on) {
    this.#area = area;
    this.#on = on;
    area.style.fontFamily = FONT;
    area.addEventListener("input", () => {
      if (!this.#body) return;
      this.#body = { ...this.#body, text: area.value };
      this.reposition();
      this.reveal();
      this.#written?.changed(this.#body);
    });
    area.addEventListener("keyup", ({ key }) => /^(Arrow|Home|End|Page)/.test(key) && this.reveal());
    // A colour of one's own and the opacity have fields that take the focus meanwhile.
    area.addEventListener("blur", ({ relatedTarget }) => void (on.belongs(relatedTarget) || this.finish()));
    document.addEventListener("focusin", ({ target }) => void (target === area || on.belongs(target) || this.finish()));
    area.addEventListener("keydown", (event) => {
      // Escape may belong to an input method, which it cancels.
      if (event.isComposing) return;
      if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) area.blur();
    });
  }

  /**
   * @param {Body} body
   * @param {Written} written
   */
  open(body, written) {
    this.finish();
    this.#written = written;
    this.#body = body;
    this.#area.value = body.text ?? "";
    this.#area.hidden = false;
    this.reposition();
    this.#area.focus({ preventScroll: true });
    this.reveal();
    this.#on.toggled();
  }

  /** The text as it is now; null if the editor is closed. */
  get body() {
    return this.#body;
  }

  /** Changes the style of the open text, which is written on.
   * @param {Fields} style */
  restyle(style) {
    if (!this.#body) return;
    this.#body = withFields(this.#body, style);
    if (document.activeElement === document.body) this.#area.focus({ preventScroll: true });
    this.reposition();
    this.reveal();
    this.#written?.changed(this.#body);
  }

  /** Closes the editor and keeps its text. Returns whether it was open. */
  finish() {
    const [written, body] = [this.#written, this.#body];
    if (!written || !body) return false;
    this.#written = null;
    this.#body = null;
    this.#area.hidden = true;
    written.done({ ...body, text: limited(this.#area.value.trimEnd()) });
    this.#on.toggled();
    return true;
  }

  /** Fits the text area to the camera and to the text. */
  reposition() {
    if (!this.#body) return;
    const { corner, height, room, align, rotation, centre } = this.#on.layout(this.#body);
    const { x, y, zoom } = this.#on.toScreen(corner);
    const { style } = this.#area;
    style.color = this.#on.colour(this.#body);
    style.left = `${x}px`;
    style.top = `${y}px`;
    style.lineHeight = `${height * zoom}px`;
    style.fontSize = `${height * EM_OF_LINE * zoom}px`;
    style.textAlign = align ?? "start";
    style.whiteSpace = room === undefined ? "pre" : "pre-wrap";
    style.overflowWrap = "anywhere";
    style.transformOrigin = `${(centre.x - corner.x) * zoom}px ${(centre.y - corner.y) * zoom}px`;
    style.transform = rotation === 0 ? "" : `rotate(${rotation}rad)`;
    style.height = "0";
    style.width = room === undefined ? "0" : `${room * zoom}px`;
    if (room === undefined) style.width = `${this.#area.scrollWidth + CARET}px`;
    style.height = `${this.#area.scrollHeight}px`;
  }

  /** Pans the drawing so that the caret is visible. */
  reveal() {
    if (!this.#body) return;
    const { corner, height, room } = this.#on.layout(this.#body);
    const { x, y, zoom } = this.#on.toScreen(corner);
    const lines = this.#area.value.slice(0, this.#area.selectionEnd).split("\n");
    this.#measuring.font = `${height * EM_OF_LINE * zoom}px ${FONT}`;
    const before = this.#measuring.measureText(lines[lines.length - 1]).width;
    // Where lines wrap, the caret is somewhere in the box, and the end of the text is what matters.
    const left = room === undefined ? x + before : x;
    const last = room === undefined ? lines.length - 1 : this.#area.scrollHeight / (height * zoom) - 1;
    const top = y + last * height * zoom;
    const free = this.#on.free();
    const dx = intoRange(left, left, free.left, free.right);
    const dy = intoRange(top, top + height * zoom, free.top, free.bottom);
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
