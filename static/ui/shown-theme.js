// @ts-check
/**
 * The theme of a page that only follows the choice made on the page of a drawing.
 *
 * It must never change the choice.
 */

import { loadStored } from "../net/local-storage.js";

/** @typedef {import("../model/palette.js").CanvasTheme} CanvasTheme */

const dark = matchMedia("(prefers-color-scheme: dark)");

/** @returns {CanvasTheme} */
export function shownTheme() {
  const { theme } = document.documentElement.dataset;
  if (theme === "light" || theme === "dark") return theme;
  return dark.matches ? "dark" : "light";
}

/** Follows the system, and the choice in other tabs.
 * @param {() => void} changed */
export function followTheme(changed) {
  const follow = () => {
    const before = shownTheme();
    const { dataset } = document.documentElement;
    const choice = loadStored("theme", () => "system", (value) => ["system", "light", "dark"].includes(value));
    if (choice === "system") delete dataset.theme;
    else dataset.theme = choice;
    if (shownTheme() !== before) changed();
  };
  dark.addEventListener("change", changed);
  addEventListener("storage", ({ key }) => key === "theme" && follow());
  // A page that comes back as it was left has not noticed.
  addEventListener("pageshow", follow);
}
