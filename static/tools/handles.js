// @ts-check
/**
 * The frame and the handles of the selection: where they are, and which one is under a pixel.
 *
 * It must never offer a handle for a stroke that is locked.
 */

import { kindOf } from "../kinds/kinds.js";
import { boxOfAll } from "../model/arrange.js";
import { centreOf, grown, rotatedPoint } from "../model/geometry.js";

/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {(point: PlanePoint) => ScreenPoint} ToScreen */
/** @typedef {{id: string, at: PlanePoint, cursor: string}} Grip `rotate`, a corner, a side or an end */
/** @typedef {{corners: PlanePoint[], grips: Grip[], box: Box, rotation: number}} Frame `box` is upright; `corners` are turned */

/** Pixels: how near a handle a pointer grips it, and the distance of the handle for rotation. */
const REACH = 9;
const TOUCH_REACH = 20;
const STEM = 24;
/** Space between the strokes and the frame, in pixels. */
const PADDING = 4;
/** Frames smaller than this many pixels have no handles in the middle of sides. */
const SMALL = 30;

const CORNER_ANGLES = /** @type {Record<string, number>} */ ({ nw: -135, ne: -45, se: 45, sw: 135, e: 0, w: 180 });
const CURSORS = ["ew-resize", "nwse-resize", "ns-resize", "nesw-resize"];

/**
 * The cursor of a handle that drags in a direction.
 * @param {string} id
 * @param {number} rotation
 */
function cursorOf(id, rotation) {
  if (!(id in CORNER_ANGLES)) return "crosshair";
  const angle = CORNER_ANGLES[id] + (rotation * 180) / Math.PI;
  return CURSORS[((Math.round(angle / 45) % 4) + 4) % 4];
}

/** @param {Box} box */
function cornersOf({ left, top, right, bottom }) {
  return [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
}

/**
 * The frame of the selected strokes.
 * @param {readonly Stroke[]} strokes
 * @param {number} zoom
 * @returns {Frame | null} null if nothing visible is selected
 */
export function frameOf(strokes, zoom) {
  const isLocked = strokes.some(({ body }) => body.locked);
  if (strokes.length === 1) return frameOfOne(strokes[0], zoom, isLocked);
  const box = boxOfAll(strokes.map(({ body }) => kindOf(body).bounds(body)).filter(({ left, right }) => left <= right));
  if (!box) return null;
  const around = grown(box, PADDING / zoom);
  const corners = cornersOf(around);
  const grips = isLocked ? [] : withRotation(["nw", "ne", "se", "sw"].map((id, i) => ({ id, at: corners[i], cursor: cursorOf(id, 0) })), around, 0, zoom);
  return { corners, grips, box, rotation: 0 };
}

/**
 * @param {Stroke} stroke
 * @param {number} zoom
 * @param {boolean} isLocked
 * @returns {Frame | null}
 */
function frameOfOne({ body }, zoom, isLocked) {
  const kind = kindOf(body);
  const box = kind.frame(body);
  if (box.left > box.right) return null;
  const { rotation = 0 } = body;
  const handles = kind.handles(body);
  const isLine = handles.some(({ id }) => !(id in CORNER_ANGLES));
  const around = grown(box, isLine ? 0 : PADDING / zoom);
  const turned = (/** @type {PlanePoint} */ point) => (rotation === 0 ? point : rotatedPoint(point, rotation, centreOf(box)));
  const corners = isLine ? handles.map(({ at }) => at) : cornersOf(around).map(turned);
  if (isLocked || handles.length === 0) return { corners, grips: [], box, rotation };
  const roomy = (box.bottom - box.top) * zoom >= SMALL / 2 && (box.right - box.left) * zoom >= SMALL;
  const sides = roomy ? kind.sides?.(body) ?? [] : [];
  // Corners are shown at the frame, which is a little outside the stroke.
  const placed = handles.map(({ id, at }, i) => ({ id, at: isLine ? at : corners[i] ?? at, cursor: cursorOf(id, rotation) }));
  const grips = [...placed, ...sides.map(({ id, at }) => ({ id, at, cursor: cursorOf(id, rotation) }))];
  return { corners, grips: isLine ? grips : withRotation(grips, around, rotation, zoom), box, rotation };
}

/**
 * @param {Grip[]} grips
 * @param {Box} box
 * @param {number} rotation
 * @param {number} zoom
 * @returns {Grip[]}
 */
function withRotation(grips, box, rotation, zoom) {
  const above = { x: (box.left + box.right) / 2, y: box.top - STEM / zoom };
  return [...grips, { id: "rotate", at: rotatedPoint(above, rotation, centreOf(box)), cursor: "grab" }];
}

/**
 * The handle under a pixel: the nearest one in reach.
 * @param {Frame} frame
 * @param {ScreenPoint} pixel
 * @param {ToScreen} toScreen
 * @param {boolean} touch
 * @returns {Grip | null}
 */
export function gripAt({ grips }, pixel, toScreen, touch) {
  let nearest = null;
  let least = touch ? TOUCH_REACH : REACH;
  for (const grip of grips) {
    const { x, y } = toScreen(grip.at);
    const away = Math.hypot(x - pixel.x, y - pixel.y);
    if (away > least) continue;
    least = away;
    nearest = grip;
  }
  return nearest;
}

/**
 * Whether a point is inside the frame.
 * @param {Frame} frame
 * @param {PlanePoint} point
 */
export function isInside({ box, rotation }, point) {
  const { x, y } = rotation === 0 ? point : rotatedPoint(point, -rotation, centreOf(box));
  return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
}
