// @ts-check
/**
 * Files that are dropped on the page, and the sign that they may be.
 *
 * It must never let the browser open a dropped file in the page's place.
 */

import { t } from "../strings/strings.js";
import { element, isTaken } from "./dom.js";

/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */

/** @param {(files: File[], at: ScreenPoint) => void} dropped */
export function listenToDrops(dropped) {
  const sign = element("div", "drop-sign", element("span", "", t("import.drop")));
  sign.hidden = true;
  document.body.append(sign);
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") === true;
  addEventListener("dragover", (event) => {
    if (!hasFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    sign.hidden = isTaken(event);
    event.dataTransfer.dropEffect = sign.hidden ? "none" : "copy";
  });
  addEventListener("dragleave", (event) => {
    // Not while it moves from one element to another.
    if (!event.relatedTarget) sign.hidden = true;
  });
  addEventListener("drop", (event) => {
    sign.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (!isTaken(event)) dropped([...(event.dataTransfer?.files ?? [])], { x: event.clientX, y: event.clientY });
  });
}
