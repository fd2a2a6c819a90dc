// @ts-check
/**
 * What is in sight of the drawing: says it to screen readers, and offers a way back where nothing is.
 *
 * It must never do so at once: the view and the strokes change all the time.
 */

import { shownBox } from "../canvas/camera.js";
import { byId } from "../ui/dom.js";
import { StrokeList } from "../ui/stroke-list.js";
import { Astray } from "./astray.js";

export class Sight {
  #astray;
  #list;

  /**
   * @param {import("../canvas/viewport.js").Viewport} viewport
   * @param {import("../canvas/canvas.js").Canvas} canvas
   * @param {import("../model/scene.js").Scene} scene
   */
  constructor(viewport, canvas, scene) {
    this.#astray = new Astray(viewport);
    this.#list = new StrokeList(byId("strokes"), {
      inSight: () => scene.inBox(shownBox(viewport.camera, canvas.size)),
      count: () => scene.size,
    });
  }

  /** The view or the strokes have changed. */
  changed() {
    this.#astray.check();
    this.#list.changed();
  }
}
