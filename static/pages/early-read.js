// @ts-check
/**
 * What a drawing needs first of all: access, and then its strokes, which are asked for and decoded while the other
 * modules of the page are still on their way.
 *
 * It must never import more than that takes.
 */

import { boxOfPoints } from "../kinds/body-points.js";
import { readStrokes } from "../net/api.js";
import { FirstRead } from "../net/first-read.js";
import { BoardAccess } from "./board-access.js";

export const drawing = location.pathname.split("/").pop() ?? "";
export const access = new BoardAccess(drawing);
await access.ready(globalThis.indexedDB);
export const firstRead = new FirstRead(drawing, async () => {
  const chunk = await readStrokes(drawing, 0, null);
  for (const { body } of chunk.changes) if (body) boxOfPoints(body);
  return chunk;
});
