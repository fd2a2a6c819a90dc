// @ts-check
/**
 * The straight line.
 *
 * It must never have more than two points.
 */

import { polylineData } from "./stroke-path.js";
import { endsOf, segmentKind } from "./segment.js";

export const line = segmentKind({
  id: "line",
  outline: (body) => ({ data: polylineData(endsOf(body)), filled: false }),
});
