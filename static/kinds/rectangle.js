// @ts-check
/**
 * The rectangle.
 *
 * It must never be hit inside unless it is filled.
 */

import { areaKind } from "./area.js";
import { boxOfPoints } from "./body-points.js";
import { boxBody } from "./excalidraw-element.js";
import { coordinates } from "./stroke-path.js";

/** @param {import("../model/types.js").Body} body */
function corners(body) {
  const { left, top, right, bottom } = boxOfPoints(body);
  return [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
}

export const rectangle = areaKind({
  id: "rectangle",
  fromExcalidraw: (element, style) => (element.type === "rectangle" ? boxBody("rectangle", element, style) : null),
  polyline: (body) => [...corners(body), corners(body)[0]],
  outline: (body) => ({ data: `M${corners(body).map(coordinates).join("L")}Z`, filled: false }),
});
