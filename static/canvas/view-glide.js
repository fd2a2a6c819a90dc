// @ts-check
/**
 * Moves the view smoothly to where somebody else is: once, or as long as they are followed.
 *
 * It must never move the view again after its user moved it.
 */

import { distance, towards } from "./camera.js";

/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("./camera.js").Size} Size */

/** Time constant of the movement, in milliseconds, and the longest step that is taken at once. */
const GLIDE = 110;
const MAX_STEP = 100;
/** Pixels from the target below which the view jumps to it. */
const ARRIVED = 0.6;

export class ViewGlide {
  /** @type {(() => Camera | null) | null} where to move; null from it ends the movement */
  #target = null;
  #lasts = false;
  /** @type {Camera | null} the last camera that was set here */
  #camera = null;
  #frame = 0;
  #movedAt = 0;
  #on;

  /**
   * @param {object} on
   * @param {() => Camera} on.camera
   * @param {(camera: Camera) => void} on.setCamera
   * @param {() => Size} on.size
   * @param {() => boolean} on.still whether to avoid movement: the view jumps
   * @param {() => void} on.ended nobody is followed any longer
   */
  constructor(on) {
    this.#on = on;
  }

  /** Moves there once.
   * @param {Camera} camera */
  jump(camera) {
    this.#begin(() => camera, false);
  }

  /** Moves there, and stays there while it changes.
   * @param {() => Camera | null} target */
  follow(target) {
    this.#begin(target, true);
  }

  /** Ends any movement. */
  stop() {
    const lasted = this.#lasts;
    this.#target = null;
    this.#lasts = false;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (lasted) this.#on.ended();
  }

  /** The target may have changed. */
  refresh() {
    if (!this.#target || this.#frame !== 0) return;
    this.#movedAt = performance.now();
    this.#frame = requestAnimationFrame(() => this.#step());
  }

  /** The view was moved: unless it was from here, its user has taken over.
   * @param {Camera} camera */
  cameraMoved(camera) {
    if (this.#target && camera !== this.#camera) this.stop();
  }

  /**
   * @param {() => Camera | null} target
   * @param {boolean} lasts
   */
  #begin(target, lasts) {
    this.stop();
    this.#target = target;
    this.#lasts = lasts;
    this.refresh();
  }

  #step() {
    this.#frame = 0;
    const target = this.#target?.();
    if (!target) {
      this.stop();
      return;
    }
    const now = performance.now();
    const [camera, size] = [this.#on.camera(), this.#on.size()];
    const passed = Math.min(MAX_STEP, now - this.#movedAt);
    const arrives = this.#on.still() || distance(camera, target, size) < ARRIVED;
    this.#camera = arrives ? target : towards(camera, target, 1 - Math.exp(-passed / GLIDE), size);
    this.#on.setCamera(this.#camera);
    this.#movedAt = now;
    if (!arrives) this.#frame = requestAnimationFrame(() => this.#step());
    else if (!this.#lasts) this.#target = null;
  }
}
