// @ts-check
/**
 * The sheet that shares the drawing: one link where everybody may do everything, otherwise what this browser
 * holds; an owner gets the sheet of all links.
 *
 * It must never show a key in open mode: there is none.
 */

import { linkTo } from "../net/access-key.js";
import { t } from "../strings/later.js";
import { element } from "./dom.js";
import { linkPanel } from "./link-panel.js";
import { openSheet, textButton } from "./sheet.js";

/** @typedef {import("../strings/later.js").LaterId} LaterId */
/** @typedef {import("../model/types.js").Level} Level */
/**
 * What this browser holds for the drawing.
 * @typedef {object} Holding
 * @property {import("../net/access-mode.js").AccessMode} mode
 * @property {string | null} key
 * @property {Level} level
 * @property {boolean} isOwner
 */

/** What somebody gets with a link of each level that this browser holds.
 * @type {Record<Level, LaterId>} */
const HELD = { view: "share.heldView", draw: "share.heldDraw", own: "share.heldOwn" };

/**
 * Opens the sheet; closing it gives the focus back.
 * @param {string} drawing
 * @param {Holding} holding
 * @param {(message: string) => void} notify
 */
export async function openShareSheet(drawing, { mode, key, level, isOwner }, notify) {
  if (isOwner) {
    const keys = await import("./keys-sheet.js").catch(() => null);
    if (keys) keys.openKeysSheet(drawing, key, notify);
    else notify(t("failure.unreachable"));
    return;
  }
  const isOpen = mode === "open";
  const link = isOpen ? location.href : linkTo(drawing, mode === "links" ? key : null);
  const about = isOpen ? "share.text" : mode === "links" ? HELD[level] : "share.signedIn";
  const panel = linkPanel(link, () => {
    dialog.close();
    notify(t(isOpen ? "share.copied" : "share.copiedLink"));
  }, textButton("quiet", t("share.close"), () => dialog.close()));
  const dialog = openSheet("share-sheet", t("share.title"), element("p", "", t(about)), ...panel);
}
