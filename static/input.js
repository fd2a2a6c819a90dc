// @ts-check
/**
 * Turns pointer and wheel events into gestures: drawing with one finger, panning and zooming with two,
 * and hovering.
 *
 * It must never know the tools: it reports screen points.
 */

/** @typedef {import("./types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("./types.js").InkPoint} InkPoint */
/**
 * @typedef {object} Gestures
 * @property {() => boolean} dismiss closes what a press beside it closes; if it returns true, the press does nothing else
 * @property {(pixel: ScreenPoint) => boolean} editable whether a double click edits something here
 * @property {(pixel: ScreenPoint, drew: boolean) => void} edit a double click on something editable; `drew`: its first press was a gesture of drawing
 * @property {(point: InkPoint, erasing: boolean) => void} begin
 * @property {(points: InkPoint[], straight: boolean) => void} move
 * @property {() => void} end
 * @property {() => void} cancel
 * @property {(pixel: ScreenPoint | null) => void} hover null: the pointer left
 * @property {(dx: number, dy: number) => void} pan
 * @property {(before: [ScreenPoint, ScreenPoint], after: [ScreenPoint, ScreenPoint]) => void} pinch
 * @property {(factor: number, pixel: ScreenPoint) => void} zoom
 */

/** Milliseconds within which a second finger turns a started stroke into a pinch. */
const SECOND_FINGER = 350;
/** Milliseconds between the two presses of a double click, and pixels that they may differ by. */
const DOUBLE_CLICK = 400;
const DOUBLE_CLICK_REACH = 6;
/** Pixels per line of a wheel that scrolls by lines. */
const WHEEL_LINE = 16;
const ZOOM_PER_PIXEL = 0.01;
const MAX_PIXELS_PER_ZOOM = 40;
/** The bit of a pen's eraser end in `buttons`. */
const ERASER_END = 32;

export class Input {
  /** Whether one pointer moves the view instead of drawing. */
  panning = false;
  /** @type {Map<number, ScreenPoint>} pointers that are down, by their id */
  #down = new Map();
  /** @type {"none"|"ignore"|"draw"|"pan"|"pinch"|"edit"} */
  #doing = "none";
  #drawer = -1;
  #beganAt = 0;
  /** @type {ScreenPoint | null} where the last press was, until it moves away */
  #tapped = null;
  /** Whether the last press drew. */
  #drew = false;
  #penUsed = false;
  /** @type {number | null} the pen that is down */
  #pen = null;
  #element;
  #on;

  /**
   * @param {HTMLElement} element
   * @param {Gestures} on
   */
  constructor(element, on) {
    this.#element = element;
    this.#on = on;
    element.addEventListener("pointerdown", (event) => this.#pressed(event));
    element.addEventListener("pointermove", (event) => this.#moved(event));
    element.addEventListener("pointerup", (event) => this.#released(event, false));
    element.addEventListener("pointercancel", (event) => this.#released(event, true));
    element.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch" && this.#doing === "none") on.hover(null);
    });
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    // Over a panel the wheel with Ctrl, and a pinch on a trackpad, would zoom the page and its panels.
    document.addEventListener("wheel", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.target !== element) this.#wheel(event);
    }, { passive: false });
    // On a touch screen a long press would open a menu in the middle of a stroke.
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    // Safari has its own events for a pinch on a trackpad, and would zoom the page.
    element.addEventListener("gesturestart", (event) => event.preventDefault());
  }

  /** Cancels the stroke in progress.
   * @returns {boolean} whether there was one */
  cancel() {
    if (this.#doing !== "draw") return false;
    this.#doing = "none";
    this.#on.cancel();
    return true;
  }

  /** @param {PointerEvent} event */
  #pressed(event) {
    if (event.pointerType === "mouse" && event.button > 1) return;
    event.preventDefault();
    // The pen outranks touch: a palm beside it does nothing.
    if (event.pointerType === "touch" && this.#pen !== null) return;
    const dismissed = this.#on.dismiss();
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    this.#capture(event.pointerId);
    if (event.pointerType === "pen") {
      this.#penUsed = true;
      this.#pen = event.pointerId;
      // The palm may have touched the screen before the pen: what it began ends.
      this.cancel();
      this.#stopAll();
    }
    const pixel = this.#pixel(event);
    this.#down.set(event.pointerId, pixel);
    if (this.#down.size === 2 && event.pointerType === "touch") {
      if (this.#doing === "draw") {
        if (performance.now() - this.#beganAt > SECOND_FINGER) return;
        this.#on.cancel();
      }
      this.#doing = "pinch";
      this.#on.hover(null);
      return;
    }
    if (this.#doing !== "none") return;
    if (dismissed) {
      this.#doing = "ignore";
      return;
    }
    const isSecond = this.#tapped !== null && isNear(this.#tapped, pixel) && performance.now() - this.#beganAt < DOUBLE_CLICK;
    this.#tapped = isSecond ? null : pixel;
    this.#beganAt = performance.now();
    this.#drawer = event.pointerId;
    if (isSecond && this.#on.editable(pixel)) {
      this.#tapped = pixel;
      this.#doing = "edit";
      return;
    }
    this.#drew = false;
    const byHand = event.pointerType === "touch" && this.#penUsed;
    if (this.panning || byHand || event.button === 1) {
      this.#doing = "pan";
      this.#element.classList.add("grabbing");
      return;
    }
    this.#draw(event);
  }

  /** Starts a stroke.
   * @param {PointerEvent} event */
  #draw(event) {
    this.#doing = "draw";
    this.#drew = true;
    this.#on.hover(this.#pixel(event));
    this.#on.begin(this.#point(event), event.pointerType === "pen" && (event.buttons & ERASER_END) !== 0);
  }

  /** @param {PointerEvent} event */
  #moved(event) {
    const pixel = this.#pixel(event);
    const before = this.#down.get(event.pointerId);
    if (!before) {
      if (this.#doing === "none" && event.pointerType !== "touch") this.#on.hover(pixel);
      return;
    }
    if (this.#doing === "pinch" && this.#down.size >= 2) {
      const [first, second] = [...this.#down.keys()];
      const pair = () => /** @type {[ScreenPoint, ScreenPoint]} */ ([this.#down.get(first), this.#down.get(second)]);
      const was = pair();
      this.#down.set(event.pointerId, pixel);
      this.#on.pinch(was, pair());
      return;
    }
    this.#down.set(event.pointerId, pixel);
    if (this.#tapped && !isNear(this.#tapped, pixel)) {
      this.#tapped = null;
      // Not a double click after all, but the start of a stroke.
      if (this.#doing === "edit") this.#draw(event);
    }
    if (this.#doing === "pan") {
      this.#on.pan(pixel.x - before.x, pixel.y - before.y);
    } else if (this.#doing === "draw" && event.pointerId === this.#drawer) {
      const events = event.getCoalescedEvents?.() ?? [];
      this.#on.move((events.length > 0 ? events : [event]).map((part) => this.#point(part)), event.shiftKey);
      this.#on.hover(pixel);
    }
  }

  /**
   * @param {PointerEvent} event
   * @param {boolean} cancelled
   */
  #released(event, cancelled) {
    if (event.pointerId === this.#pen) this.#pen = null;
    if (!this.#down.delete(event.pointerId)) return;
    const drew = this.#doing === "draw" && event.pointerId === this.#drawer;
    const edits = this.#doing === "edit" && !cancelled;
    if (drew) {
      this.#doing = "none";
      if (cancelled) this.#on.cancel();
      else this.#on.end();
      if (event.pointerType === "touch") this.#on.hover(null);
    }
    if (this.#down.size === 0) {
      this.#stopAll();
    } else if (this.#doing === "pinch") {
      this.#doing = "pan";
    }
    if (edits) this.#on.edit(this.#pixel(event), this.#drew);
  }

  #stopAll() {
    this.#down.clear();
    this.#doing = "none";
    this.#element.classList.remove("grabbing");
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
  #point(event) {
    const pixel = this.#pixel(event);
    return event.pointerType === "pen" ? { ...pixel, pressure: Math.round(event.pressure * 255) } : pixel;
  }
}

/**
 * @param {ScreenPoint} a
 * @param {ScreenPoint} b
 */
function isNear(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y) <= DOUBLE_CLICK_REACH;
}
