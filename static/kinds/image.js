// @ts-check
/**
 * The image: a picture named by the hash of its content, in a box. Until it is loaded a placeholder shows
 * its place.
 *
 * It must never name an address of its own: pictures come from the drawing's server only.
 */

import { quantised } from "../model/points.js";
import { isSize } from "./excalidraw-element.js";
import { hitsFrame, makeKind, mappedBox } from "./kind.js";
import { withStyle } from "./paint.js";
import { pictureOf } from "./pictures.js";
import { rounded } from "./stroke-path.js";
import { commonAttributes } from "./svg.js";

/** @typedef {import("../model/types.js").Body} Body */

/** Colours of the placeholder, which are legible on light and dark. */
const WAITING = "rgb(141 130 117 / 0.16)";
const EDGE = "rgb(141 130 117 / 0.8)";
/** Largest line of the placeholder's cross, in units. */
const CROSS = 28;
/** Least extent that dragging leaves. */
const MIN_EXTENT = 1;

/** @param {string} hash of an asset, which has been checked to be hexadecimal */
export function pictureId(hash) {
  return `picture-${hash}`;
}

/** @param {Body} body */
function frame({ x, y, w = 0, h = 0 }) {
  return { left: x, top: y, right: x + w, bottom: y + h };
}

/**
 * @param {import("./excalidraw-element.js").Element} element
 * @param {import("./excalidraw-element.js").ElementStyle} style
 * @param {ReadonlyMap<string, string>} assets
 * @returns {Body[]}
 */
function imageBodies({ x, y, width: w, height: h, fileId }, { fill: _, dash: __, width: ___, ...style }, assets) {
  const asset = assets.get(fileId ?? "");
  if (!asset || !isSize(w) || !isSize(h)) return [];
  const [left, top] = [Math.min(x, x + w), Math.min(y, y + h)];
  return [{ kind: "image", ...style, x: quantised(left), y: quantised(top), w: quantised(Math.abs(w)), h: quantised(Math.abs(h)), asset }];
}

export const image = makeKind({
  id: "image",
  fromExcalidraw: (element, style, assets) => (element.type === "image" ? imageBodies(element, style, assets) : null),
  styles: ["opacity"],
  isValid: ({ w = 0, h = 0, asset = "" }) => w > 0 && h > 0 && /^[0-9a-f]{64}$/.test(asset),
  frame,
  reach: () => 0,
  proportional: true,
  bindable: true,
  polyline: () => [],
  hit: (body, from, tolerance, to = from) => image.isValid(body) && hitsFrame(body, image.frame(body), from, tolerance, to),
  mapped: (body, map) => mappedBox(frame(body), map, MIN_EXTENT),
  paint(context, body, { theme }) {
    if (!image.isValid(body)) return;
    const { x, y, w = 0, h = 0, asset = "" } = body;
    const picture = pictureOf(asset);
    withStyle(context, body, image, theme, () => {
      if (typeof picture !== "string") context.drawImage(picture, x, y, w, h);
      else paintPlaceholder(context, body, picture === "missing");
    });
  },
  toSvg(body, theme) {
    if (!image.isValid(body)) return "";
    const { x, y, w = 0, h = 0, asset = "" } = body;
    const place = `<use href="#${pictureId(asset)}" transform="translate(${rounded(x)} ${rounded(y)}) scale(${rounded(w)} ${rounded(h)})"/>`;
    return `<g${commonAttributes(body, image, theme)}>${place}</g>`;
  },
});

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Body} body
 * @param {boolean} isMissing it will not come
 */
function paintPlaceholder(context, { x, y, w = 0, h = 0 }, isMissing) {
  context.fillStyle = WAITING;
  context.fillRect(x, y, w, h);
  context.strokeStyle = EDGE;
  context.lineWidth = 1.5;
  context.strokeRect(x, y, w, h);
  if (!isMissing) return;
  const arm = Math.min(w, h, CROSS * 2) / 4;
  const [middleX, middleY] = [x + w / 2, y + h / 2];
  context.beginPath();
  for (const side of [1, -1]) {
    context.moveTo(middleX - arm, middleY - arm * side);
    context.lineTo(middleX + arm, middleY + arm * side);
  }
  context.stroke();
}
