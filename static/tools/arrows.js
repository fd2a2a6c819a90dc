// @ts-check
/**
 * What arrows do when strokes are moved: those bound to them follow, and those moved away let go.
 *
 * It must never change an arrow that is locked.
 */

import { boundFields, followersOf, isBinding } from "../kinds/binding.js";
import { kindOf } from "../kinds/kinds.js";
import { withFields } from "../model/edits.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Fields} Fields */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {{stroke: Stroke, fields: Fields}} Change */

/** The arrows that follow while some strokes are changed, found once for a gesture. */
export class Followers {
  #arrows;
  #scene;

  /**
   * @param {import("../model/scene.js").Scene} scene
   * @param {ReadonlySet<string>} moved the strokes that are changed
   */
  constructor(scene, moved) {
    this.#scene = scene;
    this.#arrows = followersOf(scene.ordered(), moved);
  }

  get strokes() {
    return this.#arrows;
  }

  /**
   * What follows from changed bodies.
   * @param {(id: string) => Body | undefined} changed
   * @returns {Change[]}
   */
  follow(changed) {
    const bodyOf = (/** @type {string} */ id) => changed(id) ?? this.#scene.stroke(id)?.body ?? null;
    return this.#arrows.map((stroke) => ({ stroke, fields: boundFields(stroke.body, bodyOf) }));
  }
}

/**
 * The bindings that an arrow loses when it is moved without what it is bound to.
 * @param {Body} body
 * @param {ReadonlySet<string>} moved all strokes that move with it
 * @returns {Fields}
 */
export function letGo(body, moved) {
  if (!kindOf(body).binds) return {};
  /** @type {Fields} */
  const fields = {};
  if (isBinding(body.start) && !moved.has(body.start.stroke)) fields.start = null;
  if (isBinding(body.end) && !moved.has(body.end.stroke)) fields.end = null;
  return fields;
}

/**
 * Binds the ends of an arrow, and puts them where they belong.
 * @param {Body} arrow
 * @param {Pick<Fields, "start"|"end">} bindings
 * @param {(id: string) => Body | null} bodyOf
 * @returns {Fields}
 */
export function bound(arrow, bindings, bodyOf) {
  return { ...bindings, ...boundFields(withFields(arrow, bindings), bodyOf) };
}
