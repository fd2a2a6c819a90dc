/** Panning, cancelling, panels and what is remembered, with a mouse, a finger and a pen. */

import assert from "node:assert/strict";
import { along, eachDevice, started } from "./devices.js";
import { strokes, until, waitForPixel, waitForStatus, waitForStrokes } from "./harness.js";
import { sharedScene } from "./scene.js";

/** @typedef {import("playwright-core").Page} Page */

const scene = sharedScene();
const withEach = eachDevice(scene);

/** @param {Page} page */
function camera(page) {
  return page.evaluate("__whiteboard.viewport.camera");
}

withEach("after a click on a tool the space bar pans, and does not press the tool", async ({ page, drag, tap }) => {
  await tap('#tools [aria-label^="Marker"]');
  const before = await camera(page);
  await page.keyboard.down("Space");
  await drag(along([300, 300], [400, 350]));
  await page.keyboard.up("Space");
  const { x, y } = await camera(page);
  assert.deepEqual([x, y], [before.x - 100, before.y - 50]);
  assert.deepEqual(await strokes(page), []);
  // A button that was reached with the keyboard is pressed.
  await page.locator('#tools [aria-label^="Marker"]').focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  assert.equal(await page.locator('#tools [aria-label^="Line"]').getAttribute("aria-pressed"), "true");
});

withEach("Escape cancels a stroke in progress, for others too, and closes a text and a panel", async ({ drawing, page, drag, move, lift, tap }) => {
  const other = await (await scene.newUser()).open(drawing);
  await drag([[300, 300], [400, 320], [500, 300]], { lift: false });
  await waitForPixel(other, "dynamic", [400, 320]);
  await page.keyboard.press("Escape");
  await waitForPixel(page, "dynamic", [400, 320], false);
  await waitForPixel(other, "dynamic", [400, 320], false);
  await move([600, 400]);
  await lift();
  assert.deepEqual(await strokes(page), []);
  await tap("#people");
  await page.locator("#people-panel").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("#people-panel").waitFor({ state: "hidden" });
  await page.keyboard.press("t");
  await drag([[300, 300]]);
  await page.keyboard.type("kept");
  await page.keyboard.press("Escape");
  await page.locator("#text-editor").waitFor({ state: "hidden" });
  await waitForStrokes(other, 1);
});

withEach("a press on the drawing that closes the people panel or ends typing draws nothing", async ({ page, drag, tap }) => {
  await tap("#people");
  await page.locator("#people-panel").waitFor();
  await drag([[300, 300]]);
  await page.locator("#people-panel").waitFor({ state: "hidden" });
  await tap("#title");
  await page.fill("#title", "The plan");
  await drag([[300, 350]]);
  await until("the title is stored", () => page.evaluate(() => document.title.startsWith("The plan")));
  assert.deepEqual(await strokes(page), []);
  await drag(along([300, 400], [400, 400]));
  await waitForStrokes(page, 1);
});

withEach("Escape gives back what a drag of the eraser has taken, to others too, and leaves no step", async ({ drawing, page, drag, lift }) => {
  const other = await (await scene.newUser()).open(drawing);
  for (const y of [200, 300]) await drag(along([300, y], [500, y]));
  await waitForStrokes(other, 2);
  const before = await strokes(other);
  await page.keyboard.press("e");
  await drag(along([400, 180], [400, 320]), { lift: false });
  await waitForStrokes(other, 0);
  await page.keyboard.press("Escape");
  await lift();
  await waitForStrokes(other, 2);
  assert.deepEqual((await strokes(other)).map(({ id, body }) => ({ id, body })), before.map(({ id, body }) => ({ id, body })));
  await waitForStatus(page, "Saved");
  await page.keyboard.press("Control+z");
  await waitForStrokes(other, 1);
});

withEach("far from all strokes a button leads back, and an empty drawing has none", async ({ page, drag, tap }) => {
  const back = page.getByRole("button", { name: "Back to the drawing" });
  await page.mouse.move(500, 300);
  await page.mouse.wheel(5_000, 5_000);
  await drag(along([300, 300], [400, 300]));
  await waitForStrokes(page, 1);
  await waitForStatus(page, "Saved");
  assert.equal(await back.isVisible(), false);
  await page.mouse.wheel(0, 3_000);
  await tap(back);
  await back.waitFor({ state: "hidden" });
  const { x, y } = await page.evaluate(() => {
    const { scene, viewport } = /** @type {any} */ (globalThis).__whiteboard;
    return viewport.toScreen(scene.ordered()[0].body);
  });
  assert.ok(x > 0 && x < 1000 && y > 0 && y < 700);
});

withEach("tool, colour and width are remembered after a reload", async ({ page, drag, tap }) => {
  await tap('#tools [aria-label^="Arrow"]');
  await tap('[aria-label="Violet"]');
  await tap('[aria-label="Thick"]');
  await page.reload();
  await started(page);
  for (const label of ["Arrow (A)", "Violet", "Thick"]) {
    assert.equal(await page.locator(`[aria-label="${label}"]`).getAttribute("aria-pressed"), "true", label);
  }
  await drag(along([200, 300], [500, 300]));
  await waitForStrokes(page, 1);
  const [{ body: { kind, colour, width } }] = await strokes(page);
  assert.deepEqual([kind, colour, width], ["arrow", "violet", 8]);
  await page.evaluate(() => localStorage.setItem("tool", '{"choice":"saw","colour":99}'));
  await page.reload();
  await waitForStatus(page, "Saved");
  assert.equal(await page.locator('[aria-label="Pen (P)"]').getAttribute("aria-pressed"), "true");
});
