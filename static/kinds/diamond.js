// @ts-check
/**
 * The diamond: its corners are the middles of the sides of its box.
 *
 * It must never be hit inside unless it is filled.
 */

import { centreOf } from "../model/geometry.js";
import { areaKind } from "./area.js";
import { boxOfPoints } from "./body-points.js";
import { boxBody } from "./excalidraw-element.js";
import { coordinates } from "./stroke-path.js";

/** @param {import("../model/types.js").Body} body */
function corners(body) {
  const box = boxOfPoints(body);
  const { x, y } = centreOf(box);
  return [{ x, y: box.top }, { x: box.right, y }, { x, y: box.bottom }, { x: box.left, y }];
}

export const diamond = areaKind({
  id: "diamond",
  fromExcalidraw: (element, style) => (element.type === "diamond" ? boxBody("diamond", element, style) : null),
  polyline: (body) => [...corners(body), corners(body)[0]],
  outline: (body) => ({ data: `M${corners(body).map(coordinates).join("L")}Z`, filled: false }),
});
