// @ts-check
/**
 * A link to give to others: as a QR code, in a field, to copy, and to send with the system's means.
 *
 * It must never send the link anywhere by itself.
 */

import { t } from "../strings/later.js";
import { element } from "./dom.js";
import { textButton } from "./sheet.js";
import { stylesheet } from "./stylesheet.js";

await stylesheet("share.css");

/**
 * @param {string} link
 * @param {() => void} copied
 * @param {...HTMLElement} buttons more of them
 * @returns {HTMLElement[]}
 */
export function linkPanel(link, copied, ...buttons) {
  const code = element("div", "qr-place");
  const field = /** @type {HTMLInputElement} */ (element("input", "link-field"));
  field.value = link;
  field.readOnly = true;
  field.dir = "ltr";
  field.setAttribute("aria-label", t("share.link"));
  field.addEventListener("focus", () => field.select());
  const copy = textButton("primary", t("share.copy"), async () => {
    if (await copiedFrom(field)) copied();
  });
  copy.autofocus = true;
  const actions = element("div", "actions", copy);
  const shared = { title: document.title, url: link };
  if (navigator.canShare?.(shared)) {
    // Rejected if the person changes their mind.
    actions.append(textButton("quiet", t("share.send"), () => void navigator.share(shared).catch(() => {})));
  }
  actions.append(...buttons);
  import("./qr-code.js").then(
    ({ qrPicture }) => code.append(qrPicture(link, t("share.code"))),
    // Not loaded, for lack of a connection: the link is enough.
    () => code.remove(),
  );
  return [code, field, actions];
}

/**
 * Copies the link, or selects it to be copied by hand.
 * @param {HTMLInputElement} field
 */
async function copiedFrom(field) {
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
