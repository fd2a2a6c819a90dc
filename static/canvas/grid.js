// @ts-check
/**
 * The paper's dots: a layer of their own, which the browser moves as it is.
 *
 * It must never be painted in each frame of a movement: that takes as long as all the strokes do.
 */

/** @typedef {import("./camera.js").Camera} Camera */

/** Approximate distance of the dots in pixels, at any zoom. */
const STEP = 32;
/** The layer, which is larger than the window, still covers it at this scale. */
const LEAST = Math.SQRT1_2;
/** Milliseconds without a zoom after which the dots are painted as they are to be. */
const REST_AFTER = 160;

export class Grid {
  #style;
  /** Their distance as painted, in pixels. */
  #painted = STEP;
  #timer = 0;

  /** @param {HTMLElement} element of this layer */
  constructor({ style }) {
    this.#style = style;
  }

  /** @param {Camera} camera */
  show({ x, y, zoom }) {
    const step = STEP * zoom * 2 ** Math.round(-Math.log2(zoom));
    const place = () => {
      this.#style.transform = `translate(${offset(x * zoom, step)}px, ${offset(y * zoom, step)}px) scale(${step / this.#painted})`;
    };
    const paint = () => {
      this.#painted = step;
      this.#style.backgroundSize = `${step}px ${step}px`;
      place();
    };
    clearTimeout(this.#timer);
    const scale = step / this.#painted;
    if (scale < LEAST || scale > 1 / LEAST) return paint();
    place();
    if (scale !== 1) this.#timer = setTimeout(paint, REST_AFTER);
  }
}

/**
 * Where the last dot before the window's edge is, in whole pixels of the screen: between two of them it would be blurred.
 * @param {number} at the edge in pixels of the drawing
 * @param {number} step
 */
function offset(at, step) {
  return Math.round((Math.floor(at / step) * step - at) * devicePixelRatio) / devicePixelRatio;
}
