// @ts-check
/**
 * The button that copies the drawing's link.
 *
 * It must never send the link anywhere.
 */

import { byId } from "./dom.js";
import { icon } from "./icons.js";

/** @param {(message: string) => void} notify */
export function setUpShareButton(notify) {
  byId("share-icon").append(icon("share"));
  byId("share").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      notify("Link copied. Anyone who has it can draw here.");
    } catch {
      // Over plain http there is no clipboard: show the link to be copied by hand.
      prompt("The link to this drawing:", location.href);
    }
  });
}
