// @ts-check
/** Opens and closes the panels and sheets of the drawing page, wherever what opens them is. */

/** What opens each that is open to everybody. */
export const PANELS = ["#people", "#share", "#menu-button", '[data-command="help"]', '[data-command="file.export"]', '[data-command="language"]', '[data-command="clear"]', "#style-toggle"];

/** Those that are part of the page: the others are dialogs, which are loaded when they are asked for. */
const PARTS = new Map([["#people", "#people-panel"], ["#menu-button", "#menu"], ["#style-toggle", "#stroke-style"]]);

/**
 * Presses what opens a panel, in the menu if it is not in sight, and waits until it is open.
 * @param {import("playwright-core").Page} page
 * @param {string} opener
 */
export async function openPanel(page, opener) {
  const visible = page.locator(opener).and(page.locator(":visible"));
  if ((await visible.count()) === 0) {
    await page.click("#menu-button");
    await page.locator("#menu").waitFor();
  }
  await visible.first().click();
  await page.locator(PARTS.get(opener) ?? "dialog[open]").waitFor();
}

/**
 * Closes whatever is open.
 * @param {import("playwright-core").Page} page
 */
export async function closePanel(page) {
  await page.keyboard.press("Escape");
  await page.evaluate(() => document.querySelector("dialog")?.close());
  await page.locator("#paper").evaluate((paper) => paper.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true })));
  await page.locator("dialog").waitFor({ state: "detached" });
}

/**
 * Calls `look` with each panel open that is open to everybody, and with the menu of the selection.
 * @param {import("playwright-core").Page} page
 * @param {boolean} isLarge in a large window the style is always in sight
 * @param {(where: string, page: import("playwright-core").Page) => Promise<unknown>} look
 */
export async function lookAtPanels(page, isLarge, look) {
  for (const opener of isLarge ? PANELS.slice(0, -1) : PANELS) {
    await openPanel(page, opener);
    await look(opener, page);
    await closePanel(page);
  }
  for (const key of ["v", "Control+a", "Shift+F10"]) await page.keyboard.press(key);
  await page.locator(".context-menu").waitFor();
  await look("menu of the selection", page);
  for (const key of ["Escape", "Escape", "p"]) await page.keyboard.press(key);
}
