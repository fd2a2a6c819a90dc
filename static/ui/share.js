// @ts-check
/**
 * The button that copies the drawing's link.
 *
 * It must never send the link anywhere.
 */

import { t } from "../strings/strings.js";
import { byId } from "./dom.js";
import { icon } from "./icons.js";

/** @param {(message: string) => void} notify */
export function setUpShareButton(notify) {
  byId("share-icon").append(icon("share"));
  byId("share").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      notify(t("share.copied"));
    } catch {
      // Over plain http there is no clipboard: show the link to be copied by hand.
      prompt(t("share.prompt"), location.href);
    }
  });
}
