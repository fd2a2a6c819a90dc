// @ts-check
/**
 * Reads files of Excalidraw: each kind says which of their elements it takes, and makes strokes of them.
 *
 * It must never fail for an element that it does not know, nor for a field of the wrong type.
 */

import { isBody } from "../model/body.js";
import { PointsError } from "../model/points.js";
import { pointOfFrame } from "./excalidraw-element.js";
import { KINDS, kindOf } from "./kinds.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("./excalidraw-element.js").Element} Element */
/** @typedef {import("./excalidraw-element.js").ElementStyle} ElementStyle */
/** @typedef {{id: string, body: Body}} Imported */

/** Excalidraw's colours of lines that are tokens here, so that they adapt to the canvas.
 * @type {Record<string, keyof typeof import("../model/palette.js").PALETTE>} */
const TOKEN_OF = {
  "#1e1e1e": "ink", "#000000": "ink", "#343a40": "ink", "#495057": "ink",
  "#e03131": "red", "#c92a2a": "red", "#f08c00": "orange", "#e67700": "orange", "#2f9e44": "green", "#2b8a3e": "green",
  "#1971c2": "blue", "#1864ab": "blue", "#6741d9": "violet", "#5f3dc4": "violet", "#9c36b5": "violet", "#c2255c": "pink",
};
/** @type {Record<string, string>} */
const NAMED = { black: "ink", white: "#ffffff", red: "red", green: "green", blue: "blue", orange: "orange", yellow: "yellow", gray: "#868e96", grey: "#868e96" };
/** @type {Record<string, Body["dash"]>} */
const DASHES = { dashed: "dashed", dotted: "dotted" };

/**
 * The elements of a parsed file that are not deleted.
 * @param {any} value
 * @returns {Element[]}
 */
export function elementsOf(value) {
  const lists = value.elements ? [value.elements] : value.libraryItems.map((/** @type {any} */ item) => item?.elements ?? item);
  return lists.flat().filter((/** @type {any} */ element) => typeof element?.type === "string" && element.isDeleted !== true);
}

/**
 * The pictures of a parsed file, by the ids that its images name.
 * @param {any} value
 * @returns {Map<string, string>} `data:` addresses
 */
export function picturesOf(value) {
  const used = new Set(elementsOf(value).map(({ fileId }) => fileId));
  const files = Object.entries(value.files ?? {}).filter(([id, file]) => used.has(id) && /^data:image\//.test(file?.dataURL));
  return new Map(files.map(([id, file]) => [id, file.dataURL]));
}

/**
 * The strokes of a parsed file, in painting order. An element may become several, which form a group.
 * @param {any} value
 * @param {ReadonlyMap<string, string>} assets hashes of stored pictures, by the ids that images name
 * @returns {{strokes: Imported[], skipped: number}}
 */
export function readExcalidraw(value, assets) {
  const elements = elementsOf(value);
  const containers = new Set(elements.map(({ containerId }) => containerId));
  /** @type {Imported[]} */
  const strokes = [];
  let skipped = 0;
  for (const element of elements) {
    const bodies = bodiesOf(element, styleOf(element), assets).filter(isBody);
    if (bodies.length === 0) skipped += 1;
    // A container and its text belong together, as do the parts of one element.
    const isContainer = containers.has(element.id);
    const own = element.containerId ?? (isContainer || bodies.length > 1 ? element.id : undefined);
    const group = element.groupIds?.at?.(-1) ?? own;
    bodies.forEach((body, i) => {
      // What is bound to an element is bound to its last part.
      const id = i === bodies.length - 1 ? element.id : `${element.id}/${i}`;
      strokes.push({ id, body: typeof group === "string" ? { ...body, group: `g-${group}`.slice(0, 60) } : body });
    });
  }
  bindArrows(strokes, elements);
  return { strokes, skipped };
}

/**
 * @param {Element} element
 * @param {ElementStyle} style
 * @param {ReadonlyMap<string, string>} assets
 * @returns {Body[]}
 */
function bodiesOf(element, style, assets) {
  if (![element.x, element.y].every(Number.isFinite)) return [];
  try {
    for (const kind of KINDS.values()) {
      const bodies = kind.fromExcalidraw?.(element, style, assets);
      if (bodies) return bodies;
    }
  } catch (error) {
    // Points too far from each other for one stroke.
    if (!(error instanceof PointsError)) throw error;
  }
  return [];
}

/**
 * @param {Element} element
 * @returns {ElementStyle}
 */
function styleOf({ strokeColor, backgroundColor, strokeWidth, strokeStyle, opacity, angle, locked }) {
  const fill = colourOf(backgroundColor);
  /** @type {ElementStyle} */
  const style = { colour: colourOf(strokeColor) ?? "ink", width: Math.min(400, Math.max(0.25, Number(strokeWidth) || 2)) };
  if (fill) style.fill = fill;
  if (strokeStyle && DASHES[strokeStyle]) style.dash = DASHES[strokeStyle];
  if (typeof opacity === "number" && opacity < 100) style.opacity = Math.max(0, opacity / 100);
  if (typeof angle === "number" && Number.isFinite(angle) && angle !== 0) style.rotation = angle % (2 * Math.PI);
  if (locked === true) style.locked = true;
  return style;
}

/**
 * @param {unknown} value as in CSS
 * @returns {string | null} null if it is transparent or not understood
 */
function colourOf(value) {
  if (typeof value !== "string") return null;
  const text = value.trim().toLowerCase();
  if (Object.hasOwn(NAMED, text)) return NAMED[text];
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/.exec(text);
  const hex = short ? `#${short.slice(1).map((digit) => digit + digit).join("")}` : /^#[0-9a-f]{6}/.exec(text)?.[0];
  return hex ? TOKEN_OF[hex] ?? hex : null;
}

/**
 * Binds the ends of arrows as they were bound.
 * @param {Imported[]} strokes
 * @param {Element[]} elements
 */
function bindArrows(strokes, elements) {
  const byId = new Map(strokes.map((stroke) => [stroke.id, stroke]));
  for (const { id, type, startBinding, endBinding } of elements) {
    const arrow = byId.get(id);
    // Only an arrow that is one stroke: the ends of others are not both its own.
    if (type !== "arrow" || !arrow || byId.has(`${id}/0`)) continue;
    const [first, last] = kindOf(arrow.body).handles(arrow.body);
    for (const [end, bound, at] of /** @type {const} */ ([["start", startBinding, first], ["end", endBinding, last]])) {
      const target = bound ? byId.get(bound.elementId) : undefined;
      if (target && at) arrow.body = { ...arrow.body, [end]: { stroke: target.id, at: pointOfFrame(target.body, kindOf(target.body).frame(target.body), at.at) } };
    }
  }
}
