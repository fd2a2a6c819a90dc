// @ts-check
/**
 * The marker: wide translucent lines that darken what is below them, like a real one.
 *
 * It must never follow the pressure.
 */

import { pointsOf } from "./body-points.js";
import { freehandKind } from "./freehand.js";
import { smoothLine } from "./stroke-path.js";

export const marker = freehandKind({
  id: "marker",
  multiplies: true,
  widths: [12, 20, 32, 48],
  styles: ["colour", "width", "opacity"],
  outline: (body) => ({ data: smoothLine(pointsOf(body)), filled: false }),
});
