// @ts-check
/**
 * The tools: makes each of them, knows the chosen one, and gives it the pointer.
 *
 * It must never know what a tool does.
 */

import { toPlane } from "../canvas/camera.js";
import { KINDS } from "../kinds/kinds.js";
import { quantised } from "../model/points.js";
import { eraserTool } from "./eraser.js";
import { figureTool } from "./figure.js";
import { freehandTool } from "./freehand.js";
import { handTool } from "./hand.js";
import { laserTool } from "./laser.js";
import { selectTool } from "./select.js";
import { textTool } from "./text.js";

/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("../kinds/kind.js").FromDrag} FromDrag */
/** @typedef {import("./tool.js").Tool} Tool */
/** @typedef {import("./tool.js").ToolContext} ToolContext */
/** @typedef {import("./tool.js").Modifiers} Modifiers */
/** @typedef {import("./tool.js").Press} Press */

/** The tool of a pen's other end. */
const ERASER = "eraser";

/** Tools that make strokes of their kind need no module of their own.
 * @param {ToolContext} context
 * @returns {Tool[]} */
function toolsOf(context) {
  const ofKinds = [...KINDS.values()].flatMap((kind) => {
    const { fromDrag, fades } = kind;
    if (fades !== undefined) return [laserTool({ ...kind, fades }, context)];
    if (kind.freehand) return [freehandTool(kind, context)];
    return fromDrag ? [figureTool({ ...kind, fromDrag }, context)] : [];
  });
  return [selectTool(context), ...ofKinds, textTool(context), eraserTool(context), handTool()];
}

export class Toolbox {
  /** @type {Map<string, Tool>} */
  #tools;
  /** @type {Tool} */
  #chosen;
  /** @type {Tool} the one that has, or had, the last gesture */
  #active;
  #context;

  /**
   * @param {ToolContext} context
   * @param {string} choice
   */
  constructor(context, choice) {
    this.#context = context;
    this.#tools = new Map(toolsOf(context).map((tool) => [tool.id, tool]));
    this.#chosen = this.#active = this.#get(choice);
  }

  get chosen() {
    return this.#chosen;
  }

  /** The stroke that the last gesture drew. */
  get drawn() {
    return this.#active.drawn ?? null;
  }

  /** @param {string} id */
  choose(id) {
    if (id === this.#chosen.id) return;
    this.cancel();
    this.#chosen.hover?.(null);
    this.#chosen = this.#get(id);
    this.#context.refresh();
  }

  /**
   * @param {InkPoint} pixel
   * @param {Modifiers} modifiers
   * @param {boolean} erasing with the other end of a pen
   */
  down(pixel, modifiers, erasing) {
    this.#active = erasing ? this.#get(ERASER) : this.#chosen;
    this.#active.down(this.#press(pixel, modifiers));
  }

  /**
   * @param {InkPoint[]} pixels
   * @param {Modifiers} modifiers
   */
  move(pixels, modifiers) {
    this.#active.move(pixels.map((pixel) => this.#press(pixel, modifiers)));
  }

  up() {
    this.#active.up();
  }

  cancel() {
    this.#active.cancel();
  }

  /**
   * @param {InkPoint | null} pixel
   * @param {Modifiers} modifiers
   */
  hover(pixel, modifiers) {
    this.#chosen.hover?.(pixel && this.#press(pixel, modifiers));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    return this.#chosen.key?.(event) ?? false;
  }

  /** What the tools show above the strokes. */
  overlays() {
    return [...new Set([this.#active, this.#chosen])].flatMap((tool) => tool.overlay?.() ?? []);
  }

  /** @param {string} id */
  #get(id) {
    const tool = this.#tools.get(id);
    if (!tool) throw new Error(`there is no tool ${id}`);
    return tool;
  }

  /**
   * @param {InkPoint} pixel
   * @param {Modifiers} modifiers
   * @returns {Press}
   */
  #press({ pressure, ...pixel }, modifiers) {
    const { x, y } = toPlane(this.#context.camera(), pixel);
    /** @type {InkPoint} */
    const point = { x: quantised(x), y: quantised(y) };
    if (pressure !== undefined) point.pressure = pressure;
    return { point, pixel, ...modifiers };
  }
}
