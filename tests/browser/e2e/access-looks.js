/** How the sheets of access look, in one theme: each theme is a file, because a file has a time limit. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { AXE, findings } from "./axe.js";
import { FakeLinks } from "./fake-links.js";
import { drag } from "./harness.js";
import { sharedScene } from "./scene.js";

const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }, { width: 360, height: 640 }];
/** Least height and width of a target for fingers, in pixels. */
const TARGET = 44;

/** What is too small for fingers, within an element. */
function small(page, within) {
  return page.evaluate(([within, target]) => [...document.querySelectorAll(`${within} :is(button, select, input:not([type="radio"]), a, .segments label)`)].flatMap((one) => {
    const { width, height } = one.getBoundingClientRect();
    return width === 0 || (width >= target && height >= target) ? [] : [`${one.outerHTML.slice(0, 90)} ${width} × ${height}`];
  }), [within, TARGET]);
}

/** Whether something is wider than its sheet or panel. */
function isCut(page, within) {
  return page.evaluate((within) => [...document.querySelectorAll(within)].some((one) => one.scrollWidth > one.clientWidth + 1), within);
}

/** @param {"light" | "dark"} colorScheme */
export function testLooks(colorScheme) {
  const scene = sharedScene();
  for (const locale of ["en", "de", "ar"]) {
    test(`the sheets of access are clean for axe-core, large enough for fingers and not cut: ${colorScheme}, ${locale}`, async () => {
      const links = new FakeLinks();
      const drawing = await scene.server.drawing("Ours");
      const open = async (key, viewport) => {
        const one = await scene.newUser({ viewport, colorScheme, locale, hasTouch: true, isMobile: viewport.width < 500, reducedMotion: "reduce" });
        await links.serve(one.context);
        const page = await one.context.newPage();
        await page.goto(`${scene.server.address}/d/${drawing}#key=${key.key}`);
        await page.locator('#save-status[data-state="saved"], #save-status[data-state="readonly"]').waitFor();
        await page.evaluate(AXE);
        return page;
      };
      const mine = links.make(drawing, "own");
      const ada = links.make(drawing, "draw", "The very long name of the evening of parents in the hall");
      ada.expires = new Date(Date.now() + 86_400_000).toISOString();
      const view = links.make(drawing, "view");
      /** @type {string[]} */
      const found = [];
      for (const viewport of SIZES) {
        const look = async (page, what, within) => {
          found.push(...(await findings(page)).map((one) => `${viewport.width}, ${what}: ${one}`));
          found.push(...(await small(page, within)).map((one) => `${viewport.width}, ${what}, small: ${one}`));
          if (await isCut(page, within)) found.push(`${viewport.width}, ${what}: cut`);
        };
        const owner = await open(mine, viewport);
        const guest = await open(ada, viewport);
        const viewer = await open(view, viewport);
        await look(viewer, "read only", "#kit");
        await viewer.locator("#share").click();
        await viewer.locator(".share-sheet .qr").waitFor();
        await look(viewer, "what is held", ".share-sheet");
        await owner.locator("#share").click();
        await owner.locator(".keys .key").nth(2).waitFor();
        await owner.locator(".key-form select").selectOption("date");
        await look(owner, "links", ".keys-sheet");
        await owner.locator(".key .edit").nth(1).click();
        await owner.locator(".editing select").selectOption("date");
        await look(owner, "changing a link", ".keys-sheet");
        await owner.keyboard.press("Escape");
        await owner.locator(".key-form select").selectOption("1");
        await owner.locator(".key-form .primary").click();
        await owner.locator(".keys-sheet .qr").waitFor();
        await look(owner, "a new link", ".keys-sheet");
        await owner.locator(".key").last().locator("button").last().click();
        await owner.locator("dialog.sheet .actions .quiet").last().waitFor();
        await look(owner, "taking back", "dialog.sheet:last-of-type");
        await owner.evaluate(() => document.querySelectorAll("dialog").forEach((one) => one.close()));
        await owner.locator("#people").click();
        await owner.locator("#others .moderation.icon-button").first().click();
        await look(owner, "people", "#people-panel li, .lock-switch");
        links.isSilent = true;
        await drag(guest, [[200, 300], [250, 320]]);
        links.revoke(ada);
        await guest.locator("#ended").waitFor();
        await look(guest, "the end", "#ended");
        links.isSilent = false;
        ada.gone = false;
        await Promise.all([owner, guest, viewer].map((page) => page.close()));
      }
      assert.deepEqual(found, []);
    });
  }
}
