// @ts-check
/**
 * Bounds of what a stroke may be, the same as the server's (src/domain/stroke.rs). Strokes from a file or
 * the clipboard are checked before they are drawn: the server would refuse others one by one.
 *
 * It must never know a kind: those that are not known are kept.
 */

import { PointsError, unpackSteps } from "./points.js";
import { isColour } from "./palette.js";

/** @typedef {import("./types.js").Body} Body */

/** Bytes of JSON, and of texts, groups and bindings. */
const MAX_BODY_BYTES = 64 * 1024;
export const MAX_TEXT_BYTES = 4 * 1024;
const MAX_GROUP_BYTES = 64;
const MAX_BINDING_BYTES = 1024;
const MAX_COORDINATE = 10_000_000;

const TOKEN = /^[a-z0-9-]{1,32}$/;
const bytesIn = (/** @type {string} */ text) => new TextEncoder().encode(text).length;
const within = (/** @type {number} */ least, /** @type {number} */ most) => (/** @type {unknown} */ value) =>
  typeof value === "number" && value >= least && value <= most;
const isToken = (/** @type {unknown} */ value) => typeof value === "string" && TOKEN.test(value);
const isText = (/** @type {number} */ most) => (/** @type {unknown} */ value) => typeof value === "string" && bytesIn(value) <= most;
const isBinding = (/** @type {unknown} */ value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) && bytesIn(JSON.stringify(value)) <= MAX_BINDING_BYTES;
/** Also names of newer palettes. */
const isStrokeColour = (/** @type {unknown} */ value) => isColour(value) || (typeof value === "string" && /^[a-z]{1,16}$/.test(value));

/** @type {Record<string, (value: unknown) => boolean>} */
const CHECKS = {
  kind: isToken,
  x: within(-MAX_COORDINATE, MAX_COORDINATE),
  y: within(-MAX_COORDINATE, MAX_COORDINATE),
  colour: isStrokeColour,
  points: arePoints,
  width: within(0.25, 400),
  fill: isStrokeColour,
  dash: isToken,
  font: isToken,
  align: isToken,
  opacity: within(0, 1),
  rotation: within(-6.3, 6.3),
  w: within(0.000_001, MAX_COORDINATE),
  h: within(0.000_001, MAX_COORDINATE),
  text: isText(MAX_TEXT_BYTES),
  group: isText(MAX_GROUP_BYTES),
  locked: (value) => typeof value === "boolean",
  asset: (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value),
  start: isBinding,
  end: isBinding,
};
const REQUIRED = ["kind", "x", "y", "colour"];

/**
 * Whether a value is a stroke's body that the server takes.
 * @param {any} value
 * @returns {value is Body}
 */
export function isBody(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  if (!REQUIRED.every((field) => Object.hasOwn(value, field))) return false;
  const checked = Object.entries(CHECKS).every(([field, check]) => !Object.hasOwn(value, field) || check(value[field]));
  return checked && bytesIn(JSON.stringify(value)) <= MAX_BODY_BYTES;
}

/** @param {unknown} value */
function arePoints(value) {
  try {
    return typeof value === "string" && unpackSteps(value) !== null;
  } catch (error) {
    if (error instanceof PointsError) return false;
    throw error;
  }
}
