import assert from "node:assert/strict";
import { test } from "node:test";
import { drag, pixel, strokes, until, waitForPixel, waitForStatus, waitForStrokes } from "./harness.js";
import { sharedScene } from "./scene.js";

const scene = sharedScene();

/** Waits until all strokes in sight are painted. @param {import("playwright-core").Page} page */
const painted = (page) => until("all is painted", () => page.evaluate("__whiteboard.canvas.isComplete"));
const theme = (page) => page.evaluate("__whiteboard.canvas.theme");
const paper = (page) => page.evaluate("getComputedStyle(document.getElementById('paper')).backgroundColor");
const LIGHT = "rgb(251, 247, 239)";
const DARK = "rgb(29, 26, 23)";
/** Whether there is dark ink within three pixels. */
const hasInk = (page, x, y) => page.evaluate(([x, y]) => {
  const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("static"));
  const { data } = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).getImageData(x - 3, y - 3, 7, 7);
  return Array.from({ length: 49 }, (_, i) => i * 4).some((at) => data[at] < 0x40 && data[at + 3] > 150);
}, [x, y]);
const setCamera = (page, camera) => page.evaluate((camera) => globalThis.__whiteboard.viewport.setCamera(camera), camera);

test("the canvas follows the system, and the switch is remembered", async () => {
  const page = await scene.newPage({ colorScheme: "dark" });
  assert.deepEqual([await theme(page), await paper(page)], ["dark", DARK]);
  await drag(page, [[300, 300], [500, 300]]);
  await waitForPixel(page, "static", [400, 300]);
  assert.deepEqual(await pixel(page, "static", 400, 300), [0xf1, 0xe9, 0xdd, 255]);
  await page.emulateMedia({ colorScheme: "light" });
  await until("light ink", async () => (await pixel(page, "static", 400, 300))[0] === 0x22);
  assert.equal(await paper(page), LIGHT);
  await page.keyboard.press("Alt+Shift+D");
  await page.emulateMedia({ colorScheme: "dark" });
  assert.deepEqual([await theme(page), await paper(page)], ["light", LIGHT]);
  await page.keyboard.press("Alt+Shift+D");
  assert.equal(await theme(page), "dark");
  await page.emulateMedia({ colorScheme: "light" });
  await waitForStatus(page, "Saved");
  await page.reload();
  await waitForStatus(page, "Saved");
  assert.deepEqual([await theme(page), await paper(page)], ["dark", DARK]);
  await page.keyboard.press("Alt+Shift+D");
  assert.equal(await theme(page), "light", "the system's again");
});

test("the grid's dots can be hidden, and stay so", async () => {
  const page = await scene.newPage();
  const dots = () => page.evaluate("getComputedStyle(document.getElementById('paper')).backgroundImage !== 'none'");
  assert.ok(await dots());
  await page.keyboard.press("Shift+G");
  assert.ok(!(await dots()));
  await page.reload();
  await waitForStatus(page, "Saved");
  assert.ok(!(await dots()));
  await page.keyboard.press("Shift+G");
  assert.ok(await dots());
});

test("wherever one pans and zooms, tiles show what the strokes are", async () => {
  const page = await scene.newPage();
  await drag(page, [[200, 200], [800, 600]]);
  await page.keyboard.press("m");
  await drag(page, [[200, 600], [800, 200]]);
  await waitForStatus(page, "Saved");
  // The crossing, seen from near and far.
  const crossing = await page.evaluate("__whiteboard.viewport.toPlane({ x: 500, y: 400 })");
  for (const zoom of [0.3, 0.5, 1, 1.37, 2, 5]) {
    await setCamera(page, { x: crossing.x - 450 / zoom, y: crossing.y - 350 / zoom, zoom });
    await painted(page);
    assert.ok(await hasInk(page, 450, 350), `ink at ${zoom}`);
    assert.equal((await pixel(page, "static", 450 + 30, 350 - 200))[3], 0, `nothing at ${zoom}`);
  }
  await page.keyboard.press("Control+z");
  await page.keyboard.press("Control+z");
  await waitForStrokes(page, 0);
  await painted(page);
  assert.equal((await pixel(page, "static", 450, 350))[3], 0, "undone");
});

test("a change of the device pixel ratio repaints sharply", async () => {
  const page = await scene.newPage();
  await drag(page, [[300, 300], [500, 300]]);
  await waitForPixel(page, "static", [400, 300]);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Emulation.setDeviceMetricsOverride", { width: 1000, height: 700, deviceScaleFactor: 2, mobile: false });
  // Chromium tells no page that its ratio is emulated: the next frame notices it.
  await page.mouse.move(600, 400);
  await until("the layer is twice as large", () => page.evaluate("document.getElementById('static').width === 2000"));
  await painted(page);
  await waitForPixel(page, "static", [400, 300]);
  assert.deepEqual(await pixel(page, "static", 400, 300), [0x22, 0x20, 0x1d, 255]);
});

test("long ink in progress looks like the stroke that it becomes, and costs as little in each frame as short ink", async (t) => {
  const page = await scene.newPage();
  await page.evaluate(() => {
    const canvas = /** @type {HTMLElement} */ (document.getElementById("dynamic"));
    const send = (type, x, y, pressure) => canvas.dispatchEvent(new PointerEvent(type, {
      pointerId: 9, pointerType: "pen", clientX: x, clientY: y, pressure, buttons: 1, bubbles: true, cancelable: true,
    }));
    const at = (i) => [60 + (i / 3990) * 880, 330 + 180 * Math.sin(i / 60) * Math.cos(i / 900), 0.3 + 0.25 * Math.sin(i / 40)];
    Object.assign(globalThis, { __pen: { send, at, drawn: 0 } });
    send("pointerdown", ...at(0));
  });
  // Each frame draws some points, and the picture is asked for, so that what was only recorded is painted.
  const costs = await page.evaluate(async () => {
    const { __pen: pen } = /** @type {any} */ (globalThis);
    const probe = /** @type {CanvasRenderingContext2D} */ (new OffscreenCanvas(1, 1).getContext("2d"));
    const element = /** @type {HTMLCanvasElement} */ (document.getElementById("dynamic"));
    const next = globalThis.requestAnimationFrame.bind(globalThis);
    /** @type {number[]} */
    const costs = [];
    globalThis.requestAnimationFrame = (callback) => next((now) => {
      const began = performance.now();
      callback(now);
      probe.drawImage(element, 0, 0, 1, 1, 0, 0, 1, 1);
      costs.push(performance.now() - began);
    });
    for (let i = 1; i <= 3_990; ) {
      for (const end = i + 15; i < end && i <= 3_990; i += 1) pen.send("pointermove", ...pen.at(i));
      await new Promise((resolve) => next(resolve));
    }
    globalThis.requestAnimationFrame = next;
    return [costs.slice(10, 90), costs.slice(-80)].map((part) => part.sort((a, b) => a - b));
  });
  const [[early], [late]] = costs.map((part) => [part[40]]);
  t.diagnostic(`a frame of 4,000 pressed points: median ${early.toFixed(2)} ms of the first ones, ${late.toFixed(2)} ms of the last ones`);
  // Only what is new is painted, so a frame of long ink costs what one of short ink does, whatever the machine.
  assert.ok(late < 3 * early + 2, `${early} ms, later ${late} ms`);
  const places = Array.from({ length: 60 }, (_, i) => [80 + i * 14, 330 + (i % 7) * 20 - 60]);
  const shown = async (layer) => Promise.all(places.map(async ([x, y]) => (await pixel(page, layer, x, y))[3] > 128));
  const before = await shown("dynamic");
  assert.ok(before.filter(Boolean).length > 5, "some places are on the line");
  await page.evaluate(() => globalThis.__pen.send("pointerup", ...globalThis.__pen.at(3_990)));
  await until("it is a stroke", async () => (await strokes(page)).length === 1);
  await painted(page);
  const after = await shown("static");
  const differing = before.filter((is, i) => is !== after[i]).length;
  assert.ok(differing <= 2, `${differing} of ${places.length} places differ`);
});
