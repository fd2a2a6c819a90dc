// @ts-check
/**
 * The part of the window that no panel covers.
 *
 * It must never count what is open for a moment only.
 */

import { byId } from "./dom.js";

/**
 * @param {{width: number, height: number}} size of the canvas
 * @returns {import("../model/types.js").Box}
 */
export function freeBox({ width, height }) {
  const top = document.querySelector(".bar")?.getBoundingClientRect().bottom ?? 0;
  const dock = byId("dock").getBoundingClientRect();
  if (dock.width > dock.height) return { left: 0, top, right: width, bottom: dock.top };
  // In a low window the tools stand at one side.
  const isLeft = dock.left < width - dock.right;
  return { left: isLeft ? dock.right : 0, top, right: isLeft ? width : dock.left, bottom: height };
}
