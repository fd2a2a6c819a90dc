// @ts-check
/**
 * The state machine of pointers: one draws, two touches pan and zoom, and a pen outranks touches.
 *
 * It must never read an event of the browser or a clock: it is given what it needs.
 */

/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {{shift: boolean, mod: boolean, alt: boolean, touch?: boolean}} Modifiers `mod`: Ctrl or Command; `touch`: a finger */
/** @typedef {{id: number, type: "mouse"|"touch"|"pen", pixel: InkPoint, modifiers: Modifiers, now: number}} Pointer `now` in milliseconds */
/** @typedef {Pointer & {middle: boolean, eraserEnd: boolean}} Pressed `middle`: the middle button of a mouse */
/**
 * @typedef {object} Gestures
 * @property {() => boolean} dismiss closes what a press beside it closes; if it returns true, the press does nothing else
 * @property {() => boolean} pans whether one pointer moves the view
 * @property {(pixel: ScreenPoint) => boolean} editable whether a double click edits something here
 * @property {(pixel: ScreenPoint, drew: boolean) => void} edit a double click on something editable; `drew`: its first press was a gesture of drawing
 * @property {(point: InkPoint, modifiers: Modifiers, erasing: boolean) => void} begin
 * @property {(points: InkPoint[], modifiers: Modifiers) => void} move
 * @property {() => void} end
 * @property {() => void} cancel
 * @property {(pixel: ScreenPoint | null, modifiers: Modifiers) => void} hover null: the pointer left
 * @property {(dx: number, dy: number) => void} pan
 * @property {(before: [ScreenPoint, ScreenPoint], after: [ScreenPoint, ScreenPoint]) => void} pinch
 * @property {(grabbing: boolean) => void} grabbing one pointer moves the view now
 */
/**
 * What the pointers that are down do. `ignored`: the press closed something; `second`: the second press of
 * a double click, until it is lifted or moves away; `idle` with pointers down: what is left of a gesture.
 * @typedef {{name: "idle"} | {name: "ignored"} | {name: "second", pointer: number} | {name: "drawing", pointer: number, since: number} | {name: "panning"} | {name: "pinching"}} State
 */

/** Milliseconds within which a second finger turns a started stroke into a pinch. */
const SECOND_FINGER = 350;
/** Milliseconds between the two presses of a double click, and pixels that they may differ by; and that a click may move by. */
const DOUBLE_CLICK = 500;
const APART = { mouse: 6, pen: 12, touch: 24 };
const REACH = 6;

/** @type {State} */
const IDLE = { name: "idle" };

export class Pointers {
  /** @type {State} */
  #state = IDLE;
  /** @type {Map<number, ScreenPoint>} pointers that are down, by their id */
  #down = new Map();
  /** @type {{pixel: ScreenPoint, at: number} | null} the last press, until it moves away */
  #tap = null;
  /** Whether the last press drew. */
  #drew = false;
  #penUsed = false;
  /** @type {number | null} the pen that is down */
  #pen = null;
  #on;

  /** @param {Gestures} on */
  constructor(on) {
    this.#on = on;
  }

  get isIdle() {
    return this.#state.name === "idle";
  }

  /** Whether a press is ignored: the pen outranks touch, and a palm beside it does nothing.
   * @param {string} type */
  isOutranked(type) {
    return type === "touch" && this.#pen !== null;
  }

  /** Cancels the gesture of drawing. The next press begins anew: it is not the second one of a double click.
   * @returns {boolean} whether there was one */
  cancel() {
    this.#tap = null;
    if (this.#state.name !== "drawing") return false;
    this.#enter(IDLE);
    this.#on.cancel();
    return true;
  }

  /** @param {Pressed} pressed */
  press(pressed) {
    if (this.isOutranked(pressed.type)) return;
    const { id, type, pixel, now } = pressed;
    const dismissed = this.#on.dismiss();
    if (type === "pen") this.#penDown(id);
    this.#down.set(id, pixel);
    if (this.#down.size === 2 && type === "touch") this.#secondFinger(pressed);
    else if (this.#state.name !== "idle") return;
    else if (dismissed) this.#enter({ name: "ignored" });
    else if (this.#isSecondPress(pressed) && this.#on.editable(pixel)) {
      this.#tap = { pixel, at: now };
      this.#enter({ name: "second", pointer: id });
    } else {
      this.#tap = this.#isSecondPress(pressed) ? null : { pixel, at: now };
      this.#drew = false;
      const byHand = type === "touch" && this.#penUsed;
      if (this.#on.pans() || byHand || pressed.middle) this.#enter({ name: "panning" });
      else this.#draw(pressed, pressed.eraserEnd);
    }
  }

  /**
   * @param {Pointer} pointer
   * @param {InkPoint[]} pixels all positions since the last call, the last one included
   * @param {boolean} eraserEnd of a pen
   */
  move(pointer, pixels, eraserEnd) {
    const { id, type, pixel, modifiers } = pointer;
    const before = this.#down.get(id);
    if (!before) {
      if (this.isIdle && type !== "touch") this.#on.hover(pixel, modifiers);
      return;
    }
    if (this.#state.name === "pinching" && this.#down.size >= 2) {
      const was = this.#pair();
      this.#down.set(id, pixel);
      this.#on.pinch(was, this.#pair());
      return;
    }
    this.#down.set(id, pixel);
    if (this.#tap && !isNear(this.#tap.pixel, pixel, REACH)) {
      this.#tap = null;
      // Not a double click after all, but the start of a stroke.
      if (this.#state.name === "second") this.#draw(pointer, eraserEnd);
    }
    if (this.#state.name === "panning") {
      this.#on.pan(pixel.x - before.x, pixel.y - before.y);
    } else if (this.#state.name === "drawing" && this.#state.pointer === id) {
      this.#on.move(pixels, modifiers);
      this.#on.hover(pixel, modifiers);
    }
  }

  /**
   * @param {Pointer} pointer
   * @param {boolean} cancelled by the browser
   */
  release({ id, type, pixel, modifiers }, cancelled) {
    if (id === this.#pen) this.#pen = null;
    if (!this.#down.delete(id)) return;
    const state = this.#state;
    if (state.name === "drawing" && state.pointer === id) {
      this.#enter(IDLE);
      if (cancelled) this.#on.cancel();
      else this.#on.end();
      if (type === "touch") this.#on.hover(null, modifiers);
    }
    if (this.#down.size === 0) this.#enter(IDLE);
    else if (state.name === "pinching") this.#enter({ name: "panning" });
    if (state.name === "second" && !cancelled) this.#on.edit(pixel, this.#drew);
  }

  /**
   * The palm may have touched the screen before the pen: what it began ends.
   * @param {number} id
   */
  #penDown(id) {
    this.#penUsed = true;
    this.#pen = id;
    // What it tapped before stays the first press of a double click.
    if (this.#state.name === "drawing") this.#on.cancel();
    this.#down.clear();
    this.#enter(IDLE);
  }

  /** @param {Pressed} pressed */
  #secondFinger({ now, modifiers }) {
    if (this.#state.name === "drawing") {
      if (now - this.#state.since > SECOND_FINGER) return;
      this.#on.cancel();
    }
    this.#enter({ name: "pinching" });
    this.#on.hover(null, modifiers);
  }

  /**
   * @param {Pointer} pointer
   * @param {boolean} erasing
   */
  #draw({ id, pixel, modifiers, now }, erasing) {
    this.#enter({ name: "drawing", pointer: id, since: now });
    this.#drew = true;
    this.#on.hover(pixel, modifiers);
    this.#on.begin(pixel, modifiers, erasing);
  }

  /** @param {Pressed} pressed */
  #isSecondPress({ type, pixel, now }) {
    return this.#tap !== null && isNear(this.#tap.pixel, pixel, APART[type]) && now - this.#tap.at < DOUBLE_CLICK;
  }

  /** @returns {[ScreenPoint, ScreenPoint]} */
  #pair() {
    const [first, second] = [...this.#down.values()];
    return [first, second];
  }

  /** @param {State} state */
  #enter(state) {
    const isPanning = state.name === "panning";
    if (isPanning !== (this.#state.name === "panning")) this.#on.grabbing(isPanning);
    this.#state = state;
  }
}

/**
 * @param {ScreenPoint} a
 * @param {ScreenPoint} b
 * @param {number} reach pixels
 */
function isNear(a, b, reach) {
  return Math.hypot(a.x - b.x, a.y - b.y) <= reach;
}
