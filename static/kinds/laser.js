// @ts-check
/**
 * The light of the laser pointer: ink that fades, and is shown to others while it does.
 *
 * It must never become a stroke.
 */

import { freehandKind } from "./freehand.js";
import { traceLine } from "./stroke-path.js";

export const laser = freehandKind({
  id: "laser",
  fades: 1_200,
  styles: [],
  widths: [4, 4, 4, 4],
  filled: false,
  trace: (sink, points, _, part) => traceLine(sink, points, part),
});
