// @ts-check
/**
 * The pen: ink whose thickness follows the pressure, or the speed where the device reports no pressure.
 *
 * It must never be painted with a fill of its own outline.
 */

import { freehandKind } from "./freehand.js";
import { traceInk } from "./ink.js";

export const pen = freehandKind({ id: "pen", styles: ["colour", "width", "opacity"], filled: true, trace: traceInk });
