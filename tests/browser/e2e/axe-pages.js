/** What axe-core finds on the pages, in one theme: each theme is a file, because a file has a time limit. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AXE, findings } from "./axe.js";
import { Server, TestUser, drag, launched, until, waitForStatus } from "./harness.js";

const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }, { width: 360, height: 640 }];

/** What opens each panel of the drawing page. */
const PANELS = ["#people", "#share", "#menu-button", '[data-command="help"]', '[data-command="file.export"]', '[data-command="language"]', '[data-command="clear"]'];

/** Presses what opens a panel, in the menu if it is not in sight. */
async function open(page, opener) {
  if (!(await page.locator(opener).first().isVisible())) await page.click("#menu-button");
  await page.locator(opener).and(page.locator(":visible")).first().click();
  await page.locator("dialog[open], .popover:visible").first().waitFor();
}

async function close(page) {
  await page.evaluate(() => {
    document.querySelector("dialog[open]")?.close();
    document.getElementById("paper").dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
  });
}

/** @param {"light" | "dark"} colorScheme */
export function testPages(colorScheme) {
  /** @type {Server} */
  let server;
  /** @type {import("playwright-core").Browser} */
  let browser;

  before(async () => {
    server = await Server.start();
    browser = await launched();
  });
  after(async () => {
    await browser?.close();
    await server?.remove();
  });

  test(`axe-core finds nothing on the ${colorScheme} pages, with panels open, at any size`, async () => {
    const drawing = await server.drawing("Sprint board");
    const user = await TestUser.create(browser, server, { reducedMotion: "reduce", colorScheme });
    const [page, list, other] = [await user.open(drawing), await user.list(), await (await TestUser.create(browser, server)).open(drawing)];
    await drag(other, [[300, 300], [400, 320]]);
    await waitForStatus(other, "Saved");
    await until("both are here", async () => (await page.locator("#people .face").count()) === 2);
    await page.locator("#strokes li").first().waitFor({ state: "attached" });
    await list.locator(".card").first().waitFor();
    for (const each of [page, list]) await each.evaluate(AXE);
    // A page behind another one has a frame a second.
    await page.bringToFront();
    /** @type {string[]} */
    const found = [];
    for (const viewport of SIZES) {
      const look = async (where, each) => found.push(...(await findings(each)).map((one) => `${viewport.width}, ${where}: ${one}`));
      for (const each of [page, list]) await each.setViewportSize(viewport);
      await look("home", list);
      await look("drawing", page);
      for (const opener of PANELS) {
        await open(page, opener);
        await look(opener, page);
        await close(page);
      }
      await list.click("#language");
      await look("languages", list);
      await list.keyboard.press("Escape");
    }
    assert.deepEqual(found, []);
    await user.context.close();
  });
}
