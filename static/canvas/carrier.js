// @ts-check
/**
 * Paints strokes that are moved by a matrix while they are dragged. Many are painted once, as a picture
 * that is moved then.
 *
 * It must never change what is below them.
 */

import { kindOf, paint } from "../kinds/kinds.js";
import { boxOfBoth, overlap } from "../model/geometry.js";
import { shownBox } from "./camera.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").Matrix} Matrix */
/** @typedef {import("../kinds/kind.js").Look} Look */
/** @typedef {{camera: import("./camera.js").Camera, size: import("./camera.js").Size, look: Look}} View */
/** @typedef {{bodies: Body[], key: string, picture: HTMLCanvasElement, box: Box, scale: number}} Picture */

/** More bodies than this are a picture. */
const MANY = 60;
/** Largest side of the picture, in device pixels: the part of the strokes near the window, more coarsely if need be. */
const MAX_SIDE = 4096;

export class Carrier {
  /** @type {Picture | null} */
  #picture = null;

  /**
   * @param {CanvasRenderingContext2D} context in units of the plane
   * @param {{bodies: Body[], matrix: Matrix}} carried
   * @param {View} view
   */
  paint(context, { bodies, matrix }, view) {
    context.save();
    context.transform(...matrix);
    if (bodies.length <= MANY) {
      for (const body of bodies) paint(context, body, view.look);
    } else {
      const { picture, box } = this.#pictureOf(bodies, view);
      context.drawImage(picture, box.left, box.top, box.right - box.left, box.bottom - box.top);
    }
    context.restore();
  }

  /** Forgets the picture. */
  clear() {
    this.#picture = null;
  }

  /**
   * @param {Body[]} bodies
   * @param {View} view
   * @returns {Picture}
   */
  #pictureOf(bodies, { camera, size, look }) {
    const held = this.#picture;
    const key = `${look.scale} ${look.theme}`;
    // What was out of sight at the start may come into sight when it is moved: half a window beyond is enough.
    if (held && held.bodies === bodies && held.key === key) return held;
    const shown = shownBox(camera, size);
    const [dx, dy] = [(shown.right - shown.left) / 2, (shown.bottom - shown.top) / 2];
    const near = { left: shown.left - dx, top: shown.top - dy, right: shown.right + dx, bottom: shown.bottom + dy };
    /** @type {Box | null} */
    let all = null;
    const visible = bodies.filter((body) => overlap(kindOf(body).bounds(body), near));
    for (const body of visible) all = boxOfBoth(all, kindOf(body).bounds(body));
    const box = all
      ? { left: Math.max(all.left, near.left), top: Math.max(all.top, near.top), right: Math.min(all.right, near.right), bottom: Math.min(all.bottom, near.bottom) }
      : near;
    const scale = Math.min(look.scale, MAX_SIDE / Math.max(1, box.right - box.left, box.bottom - box.top));
    const picture = document.createElement("canvas");
    picture.width = Math.max(1, Math.ceil((box.right - box.left) * scale));
    picture.height = Math.max(1, Math.ceil((box.bottom - box.top) * scale));
    const painted = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
    painted.setTransform(scale, 0, 0, scale, -box.left * scale, -box.top * scale);
    for (const body of visible) paint(painted, body, { ...look, scale });
    this.#picture = { bodies, key, picture, box, scale };
    return this.#picture;
  }
}
