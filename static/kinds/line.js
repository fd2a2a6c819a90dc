// @ts-check
/**
 * The straight line.
 *
 * It must never have more than two points.
 */

import { packPoints } from "../model/points.js";
import { linePoints } from "./excalidraw-element.js";
import { polylineData } from "./stroke-path.js";
import { endsOf, segmentKind } from "./segment.js";

export const line = segmentKind({
  id: "line",
  outline: (body) => ({ data: polylineData(endsOf(body)), filled: false }),
  fromExcalidraw(element, { rotation, fill: _, ...style }) {
    const points = element.type === "line" ? linePoints(element, rotation) : [];
    return points.length === 2 ? [{ kind: "line", ...style, ...packPoints(points) }] : null;
  },
});
