// @ts-check
/**
 * The pen: ink whose thickness follows the pressure if the device reports one.
 *
 * It must never be painted with a fill of its own outline.
 */

import { pointsOf } from "./body-points.js";
import { freehandKind } from "./freehand.js";
import { pressedOutline, smoothLine } from "./stroke-path.js";

export const pen = freehandKind({
  id: "pen",
  outline(body) {
    const points = pointsOf(body);
    return points[0].pressure === undefined
      ? { data: smoothLine(points), filled: false }
      : { data: pressedOutline(points, body.width ?? 1), filled: true };
  },
});
