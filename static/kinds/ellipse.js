// @ts-check
/**
 * The ellipse.
 *
 * It must never be hit inside unless it is filled.
 */

import { centreOf } from "../model/geometry.js";
import { areaKind } from "./area.js";
import { boxOfPoints } from "./body-points.js";
import { boxBody } from "./excalidraw-element.js";
import { coordinates, rounded } from "./stroke-path.js";

/** Sides of the polygon that stands in for it in hit tests. */
const SIDES = 48;

export const ellipse = areaKind({
  id: "ellipse",
  fromExcalidraw: (element, style) => (element.type === "ellipse" ? boxBody("ellipse", element, style) : null),
  polyline(body) {
    const box = boxOfPoints(body);
    const { x, y } = centreOf(box);
    return Array.from({ length: SIDES + 1 }, (_, i) => ({
      x: x + ((box.right - box.left) / 2) * Math.cos((i * 2 * Math.PI) / SIDES),
      y: y + ((box.bottom - box.top) / 2) * Math.sin((i * 2 * Math.PI) / SIDES),
    }));
  },
  outline(body) {
    const { left, top, right, bottom } = boxOfPoints(body);
    const [rx, ry, y] = [rounded((right - left) / 2), rounded((bottom - top) / 2), (top + bottom) / 2];
    const [from, to] = [coordinates({ x: left, y }), coordinates({ x: right, y })];
    return { data: `M${from}A${rx} ${ry} 0 1 1 ${to}A${rx} ${ry} 0 1 1 ${from}Z`, filled: false };
  },
});
