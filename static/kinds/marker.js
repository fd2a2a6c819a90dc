// @ts-check
/**
 * The marker: wide translucent lines that darken what is below them, like a real one.
 *
 * It must never follow the pressure.
 */

import { freehandKind } from "./freehand.js";
import { traceLine } from "./stroke-path.js";

export const marker = freehandKind({
  id: "marker",
  multiplies: true,
  widths: [12, 20, 32, 48],
  styles: ["colour", "width", "opacity"],
  filled: false,
  trace: (sink, points, _, part) => traceLine(sink, points, part),
});
