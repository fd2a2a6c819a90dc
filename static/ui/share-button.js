// @ts-check
/**
 * The button that opens the sheet that shares the drawing.
 *
 * It must never load the sheet before it is wanted.
 */

import { t } from "../strings/strings.js";
import { byId } from "./dom.js";
import { icon } from "./icons.js";
import { lateButton } from "./late-button.js";

/**
 * @param {string} drawing
 * @param {import("./share-sheet.js").Holding} access what this browser holds
 * @param {(message: string) => void} notify
 */
export function setUpShareButton(drawing, access, notify) {
  byId("share-icon").append(icon("share"));
  lateButton(byId("share"), () => import("./share-sheet.js"), ({ openShareSheet }) => openShareSheet(drawing, access, notify), () => notify(t("failure.unreachable")));
}
