// @ts-check
/**
 * The button that opens the sheet that shares the drawing.
 *
 * It must never load the sheet before it is wanted.
 */

import { t } from "../strings/strings.js";
import { byId } from "./dom.js";
import { icon } from "./icons.js";

/** @param {(message: string) => void} notify */
export function setUpShareButton(notify) {
  byId("share-icon").append(icon("share"));
  byId("share").addEventListener("click", () => {
    import("./share-sheet.js").then(({ openShareSheet }) => openShareSheet(notify), () => notify(t("failure.unreachable")));
  });
}
