// @ts-check
/**
 * The sheet that shares the drawing: its link to copy, to send with the system's means, and as a QR code.
 *
 * It must never send the link anywhere by itself.
 */

import { t } from "../strings/later.js";
import { element } from "./dom.js";
import { openSheet, textButton } from "./sheet.js";

/**
 * Opens the sheet; closing it gives the focus back.
 * @param {(message: string) => void} notify
 */
export function openShareSheet(notify) {
  const link = location.href;
  const code = element("div", "qr-place");
  const field = /** @type {HTMLInputElement} */ (element("input", "link-field"));
  field.value = link;
  field.readOnly = true;
  field.dir = "ltr";
  field.setAttribute("aria-label", t("share.link"));
  field.addEventListener("focus", () => field.select());
  const copy = textButton("primary", t("share.copy"), async () => {
    if (!(await copied(field))) return;
    dialog.close();
    notify(t("share.copied"));
  });
  copy.autofocus = true;
  const actions = element("div", "actions", copy);
  const shared = { title: document.title, url: link };
  if (navigator.canShare?.(shared)) {
    // Rejected if the person changes their mind.
    actions.append(textButton("quiet", t("share.send"), () => void navigator.share(shared).catch(() => {})));
  }
  actions.append(textButton("quiet", t("share.close"), () => dialog.close()));
  const dialog = openSheet("share-sheet", t("share.title"), element("p", "", t("share.text")), code, field, actions);
  import("./qr-code.js").then(
    ({ qrPicture }) => code.append(qrPicture(link, t("share.code"))),
    // Not loaded, for lack of a connection: the link is enough.
    () => code.remove(),
  );
}

/**
 * Copies the link, or selects it to be copied by hand.
 * @param {HTMLInputElement} field
 */
async function copied(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    // Over plain http there is only the older command, which copies the selection.
    field.focus();
    field.select();
    return document.execCommand("copy");
  }
}
