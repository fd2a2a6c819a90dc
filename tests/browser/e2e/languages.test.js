/** Every language in the page: what is long in one must not be cut off there. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { LANGUAGES } from "../../../static/strings/strings.js";
import { drag } from "./harness.js";
import { lookAtPanels } from "./panels.js";
import { sharedScene } from "./scene.js";

const SIZES = [{ width: 1280, height: 800 }, { width: 640, height: 360 }, { width: 360, height: 640 }];

const scene = sharedScene();

/**
 * What of a page is cut off: text that is wider than its box, and what reaches beyond its panel or the window.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<string[]>}
 */
function cut(page) {
  return page.evaluate(() => [...document.querySelectorAll("button, label, a, h1, h2, p, span, output, dt, dd, kbd, li, legend, [role]")].flatMap((one) => {
    // A drawing's title is shortened on purpose, and tools are scrolled.
    if (!one.checkVisibility({ visibilityProperty: true }) || one.closest(".unseen, #tools, .card-title")) return [];
    const { left, right, width } = one.getBoundingClientRect();
    // On phones the state stands below the panel that it is in.
    const panel = one.id === "save-status" && innerWidth <= 480 ? null : one.parentElement?.closest(".panel, dialog, #toasts, .card");
    const around = panel?.getBoundingClientRect() ?? { left: 0, right: innerWidth };
    const isBeyond = left < Math.max(around.left, 0) - 1 || right > Math.min(around.right, innerWidth) + 1;
    const isTooWide = one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1;
    return width > 0 && (isBeyond || isTooWide) ? [`${one.outerHTML.slice(0, 120)}: ${left} to ${right}, ${one.scrollWidth} in ${one.clientWidth}`] : [];
  }));
}

for (const tag of LANGUAGES) {
  test(`nothing is cut off in ${tag}`, async () => {
    const user = await scene.newUser({ locale: tag, reducedMotion: "reduce" });
    const drawing = await scene.server.drawing("A board");
    const page = await user.context.newPage();
    await page.goto(`${scene.server.address}/d/${drawing}`);
    await drag(page, [[300, 250], [330, 270]]);
    await page.locator('#save-status[data-state="saved"]').waitFor();
    const list = await user.list();
    await list.locator(".card").first().waitFor();
    assert.equal(await list.evaluate(() => document.documentElement.lang), tag);
    /** @type {string[]} */
    const found = [];
    const look = async (where, one) => found.push(...(await cut(one)).map((each) => `${where}, ${one.viewportSize().width}: ${each}`));
    for (const viewport of SIZES) {
      for (const each of [page, list]) await each.setViewportSize(viewport);
      await list.bringToFront();
      await look("home", list);
      await page.bringToFront();
      await look("drawing", page);
      await lookAtPanels(page, viewport === SIZES[0], look);
    }
    const table = (await import(`../../../static/strings/${tag}.js`)).default;
    const suggested = await page.inputValue("#my-name");
    assert.ok(table["people.animals"].split("|").some((/** @type {string} */ animal) => suggested.includes(animal)), suggested);
    const texts = Object.entries(table);
    const states = texts.filter(([id]) => /^save\.(?!.*Hint$)/.test(id));
    assert.ok(states.length > 10, "states are found");
    for (const viewport of SIZES.slice(1)) {
      await page.setViewportSize(viewport);
      for (const [id, text] of states) {
        await page.locator("#save-status").evaluate((one, text) => (one.textContent = text), text.replace("{count}", "128"));
        await look(id, page);
      }
    }
    assert.deepEqual(found, []);
  });
}
