// @ts-check
/**
 * The form in place of a link's row, in which an owner says anew for whom it is and until when.
 *
 * It must never ask for a change of what was left as it is.
 */

import { t } from "../strings/later.js";
import { element } from "./dom.js";
import { ExpiryField } from "./expiry-field.js";
import { nameField } from "./key-form.js";
import { textButton } from "./sheet.js";

/** @typedef {{name?: string, expires?: string | null}} KeyChanges `expires`: an ISO date, or `null` for never */

/**
 * @param {import("../model/types.js").KeyInfo} info
 * @param {object} on
 * @param {(changes: KeyChanges) => void} on.save
 * @param {() => void} on.cancel
 */
export function keyEdit(info, { save, cancel }) {
  const { label, input } = nameField(info.name);
  const expiry = new ExpiryField(info.expires);
  const buttons = element("div", "actions", element("button", "primary", t("keys.save")), textButton("quiet", t("keys.cancel"), cancel));
  const form = element("form", "key-form", label, expiry.element, buttons);
  form.setAttribute("aria-label", t("keys.editNamed", { name: info.name || t("keys.unnamed") }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = input.value.trim();
    const expires = expiry.value;
    const isNever = expires === null && !info.expires;
    save({ ...(name === info.name ? {} : { name }), ...(expires === undefined || isNever ? {} : { expires }) });
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    // Otherwise it would close the sheet.
    event.preventDefault();
    cancel();
  });
  const row = element("li", "key editing", form);
  row.dataset.key = info.id;
  return row;
}
