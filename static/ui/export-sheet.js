// @ts-check
/**
 * The sheet that asks how a drawing is exported, with a preview.
 *
 * It must never write a file itself: it reports what is chosen.
 */

import { t } from "../strings/later.js";
import { button, element } from "./dom.js";
import { icon } from "./icons.js";
import { closeBeside } from "./sheet.js";
import { stylesheet } from "./stylesheet.js";

/** @typedef {import("../strings/later.js").LaterId} StringId */
/** @typedef {import("../model/palette.js").CanvasTheme} CanvasTheme */
/** @typedef {{theme: CanvasTheme, background: boolean, selection: boolean}} Choice `selection`: only what is selected */
/** @typedef {"png" | "svg" | "json" | "picture" | "code"} Way `picture` and `code` copy */

await Promise.all([stylesheet("segments.css"), stylesheet("export.css")]);

/** The largest preview, in CSS pixels. */
const PREVIEW = { width: 480, height: 260 };

/** @type {[Way, StringId, import("./icons.js").IconName, string][]} */
const WAYS = [
  ["png", "export.png", "picture", "primary"],
  ["svg", "export.svg", "vector", "quiet"],
  ["json", "export.json", "export", "quiet"],
  ["picture", "export.copyPicture", "copy", "quiet"],
  ["code", "export.copySvg", "copy", "quiet"],
];

/**
 * Opens the sheet; closing it gives the focus back.
 * @param {Choice} first
 * @param {object} on
 * @param {boolean} on.hasSelection
 * @param {(choice: Choice, most: {width: number, height: number}) => HTMLCanvasElement} on.preview
 * @param {(way: Way, choice: Choice) => void} on.chosen
 */
export function openExportSheet(first, on) {
  const choice = { ...first };
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", "sheet export-sheet"));
  const title = element("h1", "", t("export.title"));
  title.id = "export-title";
  dialog.setAttribute("aria-labelledby", title.id);
  const preview = element("div", "export-preview");
  const show = () => {
    const scale = devicePixelRatio || 1;
    const painted = on.preview(choice, { width: PREVIEW.width * scale, height: PREVIEW.height * scale });
    painted.style.width = `${painted.width / scale}px`;
    painted.setAttribute("role", "img");
    painted.setAttribute("aria-label", t("export.preview"));
    preview.classList.toggle("transparent", !choice.background);
    preview.replaceChildren(painted);
  };
  const change = (/** @type {Partial<Choice>} */ part) => {
    Object.assign(choice, part);
    show();
  };
  const options = element(
    "div",
    "export-options",
    themes(choice.theme, (theme) => change({ theme })),
    checkbox("export.background", choice.background, (background) => change({ background })),
    ...(on.hasSelection ? [checkbox("export.selection", choice.selection, (selection) => change({ selection }))] : []),
  );
  const ways = WAYS.map(([way, label, sign, look]) => {
    const made = element("button", look, icon(sign), element("span", "", t(label)));
    made.setAttribute("type", "button");
    made.dataset.way = way;
    made.addEventListener("click", () => {
      dialog.close();
      on.chosen(way, choice);
    });
    return made;
  });
  const close = button("icon-button close", t("help.close"), () => dialog.close(), icon("close"));
  dialog.append(title, close, preview, options, element("div", "export-ways", ...ways));
  closeBeside(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  show();
  dialog.showModal();
  ways[0].focus();
}

/**
 * @param {CanvasTheme} chosen
 * @param {(theme: CanvasTheme) => void} picked
 */
function themes(chosen, picked) {
  const set = element("fieldset", "segments", element("legend", "unseen", t("export.theme")));
  for (const theme of /** @type {const} */ (["light", "dark"])) {
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name: "export-theme", value: theme, checked: theme === chosen });
    input.addEventListener("change", () => picked(theme));
    set.append(element("label", "", input, element("span", "", t(theme === "light" ? "export.light" : "export.dark"))));
  }
  return set;
}

/**
 * @param {StringId} label
 * @param {boolean} checked
 * @param {(checked: boolean) => void} changed
 */
function checkbox(label, checked, changed) {
  const input = document.createElement("input");
  Object.assign(input, { type: "checkbox", checked, name: label });
  input.addEventListener("change", () => changed(input.checked));
  return element("label", "check", input, element("span", "", t(label)));
}
