// @ts-check
/**
 * Turns events of the browser into presses and moves of pointers, and the wheel into panning and zooming.
 *
 * It must never decide what a pointer does: that is the state machine's.
 */

import { Pointers } from "./pointers.js";

/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("./pointers.js").Gestures} Gestures */
/** @typedef {import("./pointers.js").Pointer} Pointer */
/** @typedef {Omit<Gestures, "grabbing"> & {zoom: (factor: number, pixel: ScreenPoint) => void, menu: (pixel: ScreenPoint) => void, held: (pixel: ScreenPoint) => boolean}} InputEvents `menu`: a click with the right button; `held`: a finger has rested, and whether that was meant */

/** Pixels per line of a wheel that scrolls by lines. */
const WHEEL_LINE = 16;
const ZOOM_PER_PIXEL = 0.01;
const MAX_PIXELS_PER_ZOOM = 40;
/** The bit of a pen's eraser end in `buttons`. */
const ERASER_END = 32;
const MIDDLE_BUTTON = 1;
const RIGHT_BUTTON = 2;
/** Milliseconds that a finger rests until it is held, and pixels that it may move by. */
const HELD_AFTER = 500;
const HELD_REACH = 8;

export class Input {
  #element;
  #on;
  #pointers;
  /** @type {{id: number, pixel: ScreenPoint, timer: ReturnType<typeof setTimeout>} | null} a finger that rests */
  #resting = null;

  /**
   * @param {HTMLElement} element
   * @param {InputEvents} on
   */
  constructor(element, on) {
    this.#element = element;
    this.#on = on;
    this.#pointers = new Pointers({ ...on, grabbing: (grabbing) => element.classList.toggle("grabbing", grabbing) });
    element.addEventListener("pointerdown", (event) => this.#pressed(event));
    element.addEventListener("pointermove", (event) => {
      const parts = event.getCoalescedEvents?.() ?? [];
      if (this.#resting?.id === event.pointerId && away(this.#resting.pixel, this.#pixel(event)) > HELD_REACH) this.#stirred();
      const pixels = (parts.length > 0 ? parts : [event]).map((part) => this.#inkPoint(part));
      this.#pointers.move(this.#pointer(event), pixels, hasEraserEnd(event));
    });
    for (const type of /** @type {const} */ (["pointerup", "pointercancel"])) {
      element.addEventListener(type, (event) => {
        this.#stirred();
        this.#pointers.release(this.#pointer(event), type === "pointercancel");
      });
    }
    element.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch" && this.#pointers.isIdle) on.hover(null, modifiersOf(event));
    });
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    // Over a panel the wheel with Ctrl, and a pinch on a trackpad, would zoom the page and its panels.
    document.addEventListener("wheel", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.target !== element) this.#wheel(event);
    }, { passive: false });
    // On a touch screen a long press would open the browser's menu in the middle of a stroke.
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    // After a fast stroke Chromium takes the canvas for a list that still scrolls: it would lose the next tap on a button.
    element.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    // Safari has its own events for a pinch on a trackpad, and would zoom the page.
    element.addEventListener("gesturestart", (event) => event.preventDefault());
  }

  /** Cancels the gesture of drawing.
   * @returns {boolean} whether there was one */
  cancel() {
    return this.#pointers.cancel();
  }

  /** @param {PointerEvent} event */
  #pressed(event) {
    this.#stirred();
    if (event.pointerType === "mouse" && event.button > MIDDLE_BUTTON) {
      if (event.button === RIGHT_BUTTON) this.#rightButton(event);
      return;
    }
    event.preventDefault();
    if (this.#pointers.isOutranked(event.pointerType)) return;
    if (event.pointerType === "touch") this.#rests(event);
    this.#capture(event.pointerId);
    const middle = event.pointerType === "mouse" && event.button === MIDDLE_BUTTON;
    this.#pointers.press({ ...this.#pointer(event), middle, eraserEnd: hasEraserEnd(event) });
  }

  /** @param {PointerEvent} event */
  #rightButton(event) {
    event.preventDefault();
    this.#pointers.cancel();
    this.#on.menu(this.#pixel(event));
  }

  /** @param {PointerEvent} event */
  #rests(event) {
    const pixel = this.#pixel(event);
    const timer = setTimeout(() => {
      this.#resting = null;
      if (this.#on.held(pixel)) this.#pointers.cancel();
    }, HELD_AFTER);
    this.#resting = { id: event.pointerId, pixel, timer };
  }

  /** No finger rests any more. */
  #stirred() {
    if (this.#resting) clearTimeout(this.#resting.timer);
    this.#resting = null;
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINE : 1;
    if (event.ctrlKey || event.metaKey) {
      const turn = Math.max(-MAX_PIXELS_PER_ZOOM, Math.min(MAX_PIXELS_PER_ZOOM, event.deltaY * unit));
      this.#on.zoom(Math.exp(-turn * ZOOM_PER_PIXEL), this.#pixel(event));
    } else {
      this.#on.pan(-event.deltaX * unit, -event.deltaY * unit);
    }
  }

  /** @param {number} pointer */
  #capture(pointer) {
    try {
      this.#element.setPointerCapture(pointer);
    } catch {
      // The pointer has been lifted already, so there is nothing to capture.
    }
  }

  /**
   * @param {PointerEvent} event
   * @returns {Pointer}
   */
  #pointer(event) {
    const type = event.pointerType === "touch" || event.pointerType === "pen" ? event.pointerType : "mouse";
    return { id: event.pointerId, type, pixel: this.#inkPoint(event), modifiers: modifiersOf(event), now: performance.now() };
  }

  /**
   * @param {MouseEvent} event
   * @returns {ScreenPoint}
   */
  #pixel(event) {
    const { left, top } = this.#element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  /**
   * @param {PointerEvent} event
   * @returns {InkPoint}
   */
  #inkPoint(event) {
    const pixel = { ...this.#pixel(event), time: event.timeStamp };
    return event.pointerType === "pen" ? { ...pixel, pressure: Math.round(event.pressure * 255) } : pixel;
  }
}

/** @param {MouseEvent} event */
function modifiersOf(event) {
  const { shiftKey, ctrlKey, metaKey, altKey } = event;
  const touch = event instanceof PointerEvent && event.pointerType === "touch";
  return { shift: shiftKey, mod: ctrlKey || metaKey, alt: altKey, touch };
}

/**
 * @param {ScreenPoint} a
 * @param {ScreenPoint} b
 */
function away(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** @param {PointerEvent} event */
function hasEraserEnd({ pointerType, buttons }) {
  return pointerType === "pen" && (buttons & ERASER_END) !== 0;
}
