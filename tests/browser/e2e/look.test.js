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
  const dots = () => page.evaluate("getComputedStyle(document.getElementById('grid')).display !== 'none'");
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

test("bends of few points are as round far out as they are near", async () => {
  const page = await scene.newPage();
  // Where the line is, a quarter along it.
  const height = () => page.evaluate(() => {
    const { data } = /** @type {any} */ (document.getElementById("static")).getContext("2d").getImageData(350, 150, 1, 200);
    const inked = Array.from({ length: 200 }, (_, y) => y).filter((y) => data[4 * y + 3] > 60);
    return 150 + (inked[0] + inked.at(-1)) / 2;
  });
  for (const key of ["p", "m"]) {
    const heights = [];
    for (const zoom of [1, 0.2]) {
      await setCamera(page, { x: 0, y: 0, zoom });
      await page.keyboard.press(key);
      // One move for each point, as of a fast mouse.
      await page.mouse.move(200, 300);
      await page.mouse.down();
      await page.mouse.move(500, 240);
      await page.mouse.move(800, 300);
      await page.mouse.up();
      await waitForStrokes(page, 1);
      await painted(page);
      heights.push(await height());
      await page.keyboard.press("Control+z");
      await waitForStrokes(page, 0);
    }
    const [near, far] = heights;
    assert.ok(near < 268, `${key}: ${near} is beyond the straight line`);
    assert.ok(Math.abs(near - far) < 2, `${key}: ${near} near, ${far} far out`);
  }
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

/** Presses a pen and draws a long line with it, some points a frame; returns the median of what the first and the last
 * frames cost in milliseconds, and of what other ways to paint cost in an empty canvas as large. */
async function drawLongInk() {
  const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("dynamic"));
  const send = (type, x, y, pressure) => canvas.dispatchEvent(new PointerEvent(type, {
    pointerId: 9, pointerType: "pen", clientX: x, clientY: y, pressure, buttons: 1, bubbles: true, cancelable: true,
  }));
  const at = (i) => [60 + (i / 3990) * 880, 330 + 180 * Math.sin(i / 60) * Math.cos(i / 900), 0.3 + 0.25 * Math.sin(i / 40)];
  const next = globalThis.requestAnimationFrame.bind(globalThis);
  const probe = new OffscreenCanvas(1, 1);
  // The picture is asked for, so that what was only recorded is painted.
  const cost = (layer, paint, then = () => (probe.width = 1)) => {
    const began = performance.now();
    paint();
    probe.getContext("2d").drawImage(layer, 0, 0, 1, 1, 0, 0, 1, 1);
    then();
    return performance.now() - began;
  };
  const median = (costs) => costs.sort((a, b) => a - b)[costs.length >> 1];
  const costs = [];
  globalThis.requestAnimationFrame = (callback) => next((now) => costs.push(cost(canvas, () => callback(now))));
  send("pointerdown", ...at(0));
  for (let i = 1; i <= 3_990; ) {
    for (const end = i + 15; i < end && i <= 3_990; i += 1) send("pointermove", ...at(i));
    await new Promise((resolve) => next(resolve));
  }
  globalThis.requestAnimationFrame = next;
  Object.assign(globalThis, { __lift: () => send("pointerup", ...at(3_990)) });
  const inFrames = async (paint, then) => {
    const layer = /** @type {HTMLCanvasElement} */ (canvas.cloneNode());
    canvas.before(layer);
    const context = layer.getContext("2d");
    const costs = [];
    for (let i = 0; i < 40; i += 1) costs.push(await new Promise((resolve) => next(() => resolve(cost(layer, () => paint(context, i), then)))));
    layer.remove();
    return median(costs.slice(10));
  };
  const ink = new Path2D();
  for (let i = 0; i <= 3_990; i += 1) ink.arc(...at(i).slice(0, 2), 2, 0, 7);
  const shortLine = (context, i) => context.fillRect(300 + i, 300, 30, 4);
  return {
    early: median(costs.slice(10, 90)),
    late: median(costs.slice(-80)),
    whole: await inFrames((context) => context.fill(ink)),
    line: await inFrames(shortLine),
    // Who goes on to hold the picture makes a browser copy all of it before the next frame.
    held: await inFrames(shortLine, () => {}),
  };
}

/** How opaque each pixel of the layer of ink in progress is. */
function alphas() {
  const { width, height } = /** @type {HTMLCanvasElement} */ (document.getElementById("dynamic"));
  const { data } = /** @type {any} */ (document.getElementById("dynamic")).getContext("2d").getImageData(0, 0, width, height);
  return Array.from({ length: width * height }, (_, i) => data[4 * i + 3]);
}

test("long ink in progress looks like the stroke that it becomes, and costs as little in each frame as short ink", async (t) => {
  const page = await scene.newPage();
  await page.waitForSelector("html[data-started]", { state: "attached" });
  const { early, late, whole, line, held } = await page.evaluate(drawLongInk);
  t.diagnostic(`a frame of 4,000 pressed points: median ${early.toFixed(2)} ms of the first ones, ${late.toFixed(2)} ms of the last ones; painted as a whole ${whole.toFixed(2)} ms; a short line on an empty canvas ${line.toFixed(2)} ms, and ${held.toFixed(2)} ms with a copy of the canvas`);
  assert.ok(late < whole, `painting is measured: ${whole} ms for all, ${late} ms`);
  // Only what is new is painted, so a frame of long ink costs what one of short ink does, whatever the machine.
  assert.ok(late < 3 * early + 2, `${early} ms, later ${late} ms`);
  const grown = await page.evaluate(alphas);
  await page.evaluate(() => (globalThis.__whiteboard.canvas.repaint(), new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))));
  const anew = await page.evaluate(alphas);
  assert.ok(anew.filter((alpha) => alpha > 128).length > 2_000, "it is painted");
  // Where parts of the line meet, an edge is painted twice.
  const wrong = grown.filter((alpha, i) => Math.abs(alpha - anew[i]) > 128).length;
  assert.ok(wrong <= 5, `${wrong} pixels differ from a layer that is painted anew`);
  const places = Array.from({ length: 60 }, (_, i) => [80 + i * 14, 330 + (i % 7) * 20 - 60]);
  const shown = async (layer) => Promise.all(places.map(async ([x, y]) => (await pixel(page, layer, x, y))[3] > 128));
  const before = await shown("dynamic");
  assert.ok(before.filter(Boolean).length > 5, "some places are on the line");
  await page.evaluate(() => globalThis.__lift());
  await until("it is a stroke", async () => (await strokes(page)).length === 1);
  await painted(page);
  const after = await shown("static");
  const differing = before.filter((is, i) => is !== after[i]).length;
  assert.ok(differing <= 2, `${differing} of ${places.length} places differ`);
});

/** Draws a line of 240 points from 250 to 840 and holds it: what is settled of it is a picture. @param {import("playwright-core").Page} page */
const holdLongLine = async (page) => {
  await drag(page, Array.from({ length: 60 }, (_, i) => [250 + 10 * i, 300]), { lift: false });
  await waitForPixel(page, "dynamic", [700, 300]);
};

test("a frame of growing ink that fails limits no later one to the ink's end", async () => {
  const user = await scene.newUser();
  const page = await user.open(await scene.server.drawing());
  await holdLongLine(page);
  await page.evaluate(() => {
    const { fill } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fill = function (...given) {
      if (this.canvas.id !== "dynamic") return fill.apply(this, /** @type {any} */ (given));
      CanvasRenderingContext2D.prototype.fill = fill;
      throw new Error("no fill");
    };
  });
  await page.mouse.move(845, 300);
  await until("a frame has failed", () => user.errors.length > 0);
  assert.match(user.errors.splice(0).join(), /^Error: no fill/);
  await page.mouse.move(850, 300);
  for (const x of [300, 700]) await waitForPixel(page, "dynamic", [x, 300]);
  await page.mouse.up();
  for (const x of [300, 700]) await waitForPixel(page, "dynamic", [x, 300], false);
});

test("canvases that the browser has lost and restored are painted again as a whole", async () => {
  const user = await scene.newUser();
  await user.context.addInitScript(() => {
    const { getContext } = HTMLCanvasElement.prototype;
    /** @type {Set<HTMLCanvasElement>} */
    const all = new Set();
    HTMLCanvasElement.prototype.getContext = /** @type {any} */ (function (...given) {
      all.add(this);
      return getContext.apply(this, given);
    });
    Object.assign(globalThis, { __lose: () => {
      // A size clears a canvas and resets its context, as their loss does.
      for (const canvas of all) canvas.width = canvas.width;
      for (const id of ["static", "dynamic"]) document.getElementById(id).dispatchEvent(new Event("contextrestored"));
    } });
  });
  const page = await user.open(await scene.server.drawing());
  const lose = () => page.evaluate(() => globalThis.__lose());
  await drag(page, [[300, 200], [700, 200]]);
  // Its answer paints the stroke once more.
  await waitForStatus(page, "Saved");
  await waitForPixel(page, "static", [500, 200]);
  await painted(page);
  await lose();
  await waitForPixel(page, "static", [500, 200]);
  await holdLongLine(page);
  await lose();
  for (const x of [300, 700]) await waitForPixel(page, "dynamic", [x, 300]);
  await page.mouse.up();
  await waitForPixel(page, "static", [300, 300]);
  await waitForPixel(page, "static", [500, 200]);
});
