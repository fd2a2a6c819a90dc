/** What axe-core finds on the pages, in one theme: each theme is a file, because a file has a time limit. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { AXE, findings } from "./axe.js";
import { drag, until, waitForStatus } from "./harness.js";
import { lookAtPanels } from "./panels.js";
import { sharedScene } from "./scene.js";

const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }, { width: 360, height: 640 }];

/** @param {"light" | "dark"} colorScheme */
export function testPages(colorScheme) {
  const scene = sharedScene();

  test(`axe-core finds nothing on the ${colorScheme} pages, with panels open, at any size`, async () => {
    const drawing = await scene.server.drawing("Sprint board");
    const user = await scene.newUser({ reducedMotion: "reduce", colorScheme });
    const [page, list, other] = [await user.open(drawing), await user.list(), await (await scene.newUser()).open(drawing)];
    await drag(other, [[300, 300], [400, 320]]);
    await waitForStatus(other, "Saved");
    await until("both are here", async () => (await page.locator("#people .face").count()) === 2);
    await page.locator("#strokes li").first().waitFor({ state: "attached" });
    await until("the home page names who is there", async () => {
      await list.evaluate(() => dispatchEvent(new Event("pageshow")));
      return (await list.locator(".here bdi").count()) === 2;
    });
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
      await lookAtPanels(page, viewport === SIZES[0], look);
      await list.click("#language");
      await list.locator(".language-list").waitFor();
      await look("languages", list);
      await list.keyboard.press("Escape");
      await list.fill("#search", "nothing of that name");
      await list.locator("#none-found").waitFor();
      await look("nothing found", list);
      await list.fill("#search", "");
    }
    // What comes last on a page, and what comes in its place.
    const wrong = await user.context.newPage();
    await wrong.goto(`${scene.server.address}/drawings/of/mine`);
    await scene.server.api("DELETE", `/api/drawings/${drawing}`);
    await page.locator("#ended").waitFor();
    await list.evaluate(() => dispatchEvent(new Event("pageshow")));
    await list.locator("#empty").waitFor();
    await wrong.evaluate(AXE);
    for (const [where, each] of Object.entries({ "wrong address": wrong, "deleted drawing": page, "no drawings": list })) {
      await each.bringToFront();
      for (const viewport of SIZES) {
        await each.setViewportSize(viewport);
        found.push(...(await findings(each)).map((one) => `${viewport.width}, ${where}: ${one}`));
      }
    }
    assert.deepEqual(found, []);
  });
}
