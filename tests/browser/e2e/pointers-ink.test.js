/** How markers and arrows look that a mouse, a finger and a pen drew. */

import assert from "node:assert/strict";
import { along, eachDevice } from "./devices.js";
import { pixel, strokes, until, waitForPixel, waitForStrokes } from "./harness.js";
import { sharedScene } from "./scene.js";

const scene = sharedScene();
const withEach = eachDevice(scene);

withEach("the marker never lightens the ink below it, in progress or done", async ({ page, drag, lift, tap }) => {
  await tap('[aria-label="Very thick"]');
  await drag(along([300, 200], [300, 400]));
  await waitForStrokes(page, 1);
  await waitForPixel(page, "static", [300, 300]);
  const [dark] = await pixel(page, "static", 300, 300);
  await page.keyboard.press("m");
  await tap('[aria-label="Yellow"]');
  await drag(along([200, 300], [400, 300]), { lift: false });
  await until("the marker is visible", async () => (await pixel(page, "dynamic", 250, 300))[3] > 0);
  assert.equal(await page.evaluate(() => document.getElementById("dynamic").style.mixBlendMode), "multiply");
  await lift();
  await until("the marker is done", async () => (await pixel(page, "static", 250, 300))[3] > 0);
  const [red] = await pixel(page, "static", 300, 300);
  assert.ok(red <= dark, `${red} is lighter than ${dark}`);
  await until("nothing blends any more", () => page.evaluate(() => document.getElementById("dynamic").style.mixBlendMode === ""));
});

withEach("a marker that is moved never lightens the ink below it, for others neither", async ({ drawing, page, drag, lift, tap }) => {
  const other = await (await scene.newUser()).open(drawing);
  await page.keyboard.press("m");
  await tap('#colours [aria-label="Yellow"]');
  await drag(along([200, 300], [400, 300]));
  await page.keyboard.press("v");
  const blending = (/** @type {import("playwright-core").Page} */ one) => one.evaluate(() => document.getElementById("dynamic").style.mixBlendMode);
  await drag(along([250, 300], [350, 350]), { lift: false });
  for (const one of [page, other]) {
    await until("the marker is there", async () => (await pixel(one, "dynamic", 400, 350))[3] > 0);
    assert.equal(await blending(one), "multiply");
  }
  await lift();
  for (const one of [page, other]) await until("nothing blends any more", async () => (await blending(one)) === "");
});

withEach("a short arrow is no blob: not when it is drawn, nor when it is made thick or short later", async ({ page, drag, tap }) => {
  await page.keyboard.press("a");
  await tap('#sizes [aria-label="Very thick"]');
  await drag(along([300, 200], [345, 200]));
  await drag(along([300, 400], [500, 400]));
  await tap('#sizes [aria-label="Thin"]');
  await drag(along([300, 300], [345, 300]));
  await page.keyboard.press("v");
  await drag([[320, 300]]);
  await tap('#sizes [aria-label="Very thick"]');
  await drag([[600, 600]]);
  await drag([[400, 400]]);
  await drag(along([500, 400], [345, 400]));
  await drag([[600, 600]]);
  // They stay as wide as chosen, and are painted thinner.
  assert.deepEqual((await strokes(page)).map(({ body }) => body.width), [14, 14, 14]);
  const widths = await page.evaluate(async () => {
    const { kindOf } = await import(String("/assets/dev/kinds/kinds.js"));
    return globalThis.__whiteboard.scene.ordered().map(({ body }) => kindOf(body).lineWidth(body));
  });
  assert.ok(widths.every((width) => width > 4 && width < 14), widths.join(" "));
  for (const y of [200, 300, 400]) {
    // The shaft is visible before the head, and the head is wider than the shaft.
    await waitForPixel(page, "static", [305, y]);
    await waitForPixel(page, "static", [328, y - 9]);
    await waitForPixel(page, "static", [308, y - 9], false);
  }
});
