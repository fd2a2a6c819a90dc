// @ts-check
/**
 * The help sheet: all commands with their keys.
 *
 * It must never list a key that does nothing: it is made from the table of commands.
 */

import { t } from "../strings/later.js";
import { COMMANDS, OTHER_KEYS } from "./commands.js";
import { button, element } from "./dom.js";
import { icon } from "./icons.js";
import { openSheet } from "./sheet.js";
import { stylesheet } from "./stylesheet.js";
import { keyText } from "./shortcuts.js";

/** @typedef {import("./commands.js").Group} Group */
/** @typedef {import("../strings/strings.js").StringId} StringId */

await stylesheet("help.css");

/** @type {[Group, StringId][]} */
const GROUPS = [["tools", "group.tools"], ["selection", "group.selection"], ["history", "group.history"], ["view", "group.view"], ["file", "group.file"], ["look", "group.look"], ["other", "group.other"]];

/** Keys that are listed without Shift already, by the sign that they give with it on some keyboards. */
const SHIFTED = /[{}]$/;

/** Opens the sheet; closing it gives the focus back. */
export function openHelpSheet() {
  // Before the keys: the focus, which it gets, must not scroll them away.
  const close = button("icon-button close", t("help.close"), () => dialog.close(), icon("close"));
  const dialog = openSheet("help-sheet", t("help.title"), close, element("div", "help-groups", ...GROUPS.map(groupOf)));
}

/** @param {[Group, StringId]} group */
function groupOf([group, label]) {
  const rows = [...COMMANDS, ...OTHER_KEYS].filter((each) => each.group === group && each.keys.length > 0);
  const list = element("dl", "", ...rows.map(({ label, keys }) => element(
    "div",
    "",
    element("dt", "", t(label)),
    element("dd", "", ...keys.filter((key) => !SHIFTED.test(key)).slice(0, 2).map((key) => element("kbd", "", keyText(key)))),
  )));
  return element("section", "", element("h2", "", t(label)), list);
}
