// @ts-check
/**
 * One link in the list of an owner: for whom it is, what it allows, until when, and who used it.
 *
 * It must never hold the key: the list has none.
 */

import { language, t } from "../strings/later.js";
import { ago } from "./ago.js";
import { element, iconButton } from "./dom.js";

/** @typedef {import("../strings/later.js").LaterId} LaterId */
/** @typedef {import("../model/types.js").KeyInfo} KeyInfo */
/** @typedef {import("../model/types.js").Level} Level */

/** @type {Record<Level, {name: LaterId, about: LaterId}>} */
export const LEVELS = {
  view: { name: "level.view", about: "level.viewAbout" },
  draw: { name: "level.draw", about: "level.drawAbout" },
  own: { name: "level.own", about: "level.ownAbout" },
};

/**
 * @param {KeyInfo} info
 * @param {object} on
 * @param {(access: Level) => void} on.level
 * @param {() => void} on.edit
 * @param {() => void} on.revoke
 * @param {(() => void) | null} on.show shows the link again, if this browser has it
 */
export function keyRow(info, { level, edit, revoke, show }) {
  const name = info.name || t("keys.unnamed");
  const title = element("span", "key-name", name);
  if (info.mine) title.append(element("span", "chip", t("keys.mine")));
  const choice = document.createElement("select");
  for (const [value, { name }] of Object.entries(LEVELS)) choice.append(new Option(t(name), value, false, value === info.access));
  choice.setAttribute("aria-label", t("keys.levelOf", { name }));
  choice.addEventListener("change", () => level(/** @type {Level} */ (choice.value)));
  const change = iconButton("rename", t("keys.editNamed", { name }), edit);
  change.classList.add("edit");
  const buttons = [
    ...(show ? [iconButton("share", t("keys.show"), show)] : []),
    change,
    iconButton("delete", t("keys.revokeNamed", { name }), revoke),
  ];
  const row = element("li", "key", element("div", "key-about", title, element("span", "key-used", aboutOf(info))), choice, ...buttons);
  row.dataset.key = info.id;
  return row;
}

/** @param {KeyInfo} info */
function aboutOf({ expires, last_used: used, last_by: by }) {
  const use = !used ? t("keys.unused") : by ? t("keys.usedBy", { name: by, ago: ago(used) }) : t("keys.used", { ago: ago(used) });
  return expires ? `${use} · ${endOf(expires)}` : use;
}

/** When a link ends, or has ended, in words.
 * @param {string} expires an ISO date */
export function endOf(expires) {
  const date = new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(expires));
  return t(Date.parse(expires) < Date.now() ? "keys.expired" : "keys.until", { date });
}
