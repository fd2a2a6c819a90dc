// @ts-check
/**
 * Measures the drawing page in a real browser that renders in software: how soon a large drawing is
 * painted, and the intervals between frames while it is panned and zoomed; also of a page that does only what any must.
 *
 *   node benches/page/main.js [--static FOLDER] [--strokes 10000] [--runs 3] [--scale 1]
 *
 * FOLDER is `static` of this tree unless another is named, so that two trees are compared by one script.
 * It needs `npm --prefix tests/browser ci` first, and prints a table.
 */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { changesOf } from "./drawing.js";
import { served } from "./server.js";

const require = createRequire(new URL("../../tests/browser/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const { values } = parseArgs({
  options: {
    static: { type: "string", default: fileURLToPath(new URL("../../static", import.meta.url)) },
    strokes: { type: "string", default: "10000" },
    runs: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
  },
});
const strokes = Number(values.strokes);
/** 10,000 strokes lie on 4,000 by 2,500 units; more of them on more, equally close together. */
const spread = Math.sqrt(strokes / 10_000);
const area = { width: 4_000 * spread, height: 2_500 * spread };
const VIEW = { width: 1280, height: 800 };
const CHROMIUM = process.env.CHROMIUM_BIN ?? ["/usr/bin/chromium", "/usr/bin/google-chrome"].find((file) => existsSync(file));
/** Frames of one measurement, and a frame that is late, in milliseconds. */
const FRAMES = 240;
const LATE = 25;

/** Stands in for the socket: it opens and says welcome. @param {number} head */
function fakeSocket(head) {
  const welcome = { type: "welcome", writer: "c".repeat(22), author: "c".repeat(22), epoch: "e".repeat(32), head, done: 0, title: "Bench", access: "own", build: "bench" };
  globalThis.WebSocket = /** @type {any} */ (class extends EventTarget {
    static OPEN = 1;
    readyState = 1;
    bufferedAmount = 0;
    constructor() {
      super();
      setTimeout(() => {
        this.#tell("open", new Event("open"));
        this.#tell("message", new MessageEvent("message", { data: JSON.stringify(welcome) }));
      });
    }
    #tell(/** @type {string} */ name, /** @type {Event} */ event) {
      this.dispatchEvent(event);
      /** @type {any} */ (this)[`on${name}`]?.(event);
    }
    send() {}
    close() {}
  });
}

/**
 * Waits in the page until everything is painted and shown, which the start of the frame after tells, as on the bare
 * page; returns milliseconds since navigation, since the last answer, and since the answer and the modules that
 * paint it have all arrived.
 */
async function painted(/** @type {number} */ count) {
  const board = () => /** @type {any} */ (globalThis).__whiteboard;
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  /** After the other callbacks of a frame. */
  const task = () => new Promise((resolve) => setTimeout(resolve));
  while (!(board()?.scene.size === count)) await frame();
  const applied = performance.now();
  await task();
  // A tree without tiles paints all in one frame.
  while (board().canvas && !board().canvas.isComplete) await frame().then(task);
  const element = /** @type {HTMLCanvasElement} */ (document.getElementById("static"));
  element.getContext("2d")?.getImageData(0, 0, 1, 1);
  await frame();
  const now = performance.now();
  const files = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByType("resource"));
  const arrived = (/** @type {(name: string) => boolean} */ is) => Math.max(...files.filter(({ name, responseEnd }) => is(name) && responseEnd < applied).map(({ responseEnd }) => responseEnd));
  const isAnswer = (/** @type {string} */ name) => name.includes("/strokes");
  // The page lists the modules of an entry before it; a tree without this entry paints with all of them.
  const entry = document.querySelector('script[src$="/early-board.js"]');
  const others = [...document.querySelectorAll('script[type="module"], link[rel="modulepreload"]')].filter((each) => entry && entry.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING);
  const later = new Set(others.map((each) => /** @type {any} */ (each).src ?? /** @type {any} */ (each).href));
  return { navigation: now, opened: now - arrived(isAnswer), ready: now - arrived((name) => isAnswer(name) || (name.endsWith(".js") && !later.has(name))) };
}

/** Waits until the bare page has painted. @returns {Promise<{navigation: number, opened: number}>} */
async function bareTimes() {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  while (!(/** @type {any} */ (globalThis).__bare)) await frame();
  return /** @type {any} */ (globalThis).__bare;
}

/** Moves the camera in each frame and returns the intervals between frames. */
async function intervals(/** @type {{zoom: number, move: "pan"|"zoom", frames: number, width: number, height: number}} */ { zoom, move, frames, width, height }) {
  const { viewport, canvas } = /** @type {any} */ (globalThis).__whiteboard;
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const from = { x: width / 2 - 640 / zoom, y: height / 2 - 400 / zoom, zoom };
  viewport.setCamera(from);
  for (let i = 0; i < 30 || (canvas && !canvas.isComplete && i < 600); i += 1) await frame();
  let last = await frame();
  const taken = [];
  for (let i = 1; i <= frames; i += 1) {
    const t = (i / frames) * 2 * Math.PI;
    // A loop as fast as a hand pans, 15 pixels a frame; or in and out by a factor of two.
    if (move === "pan") viewport.pan(-15 * Math.cos(t), -15 * Math.sin(t));
    else viewport.zoom(Math.exp(Math.cos(t) * (0.7 * 2 * Math.PI) / frames), { x: 640, y: 400 });
    const now = await frame();
    taken.push(now - last);
    last = now;
  }
  return taken;
}

/** Moves the picture of the bare page in each frame, as `intervals` does the camera, and returns the intervals. */
async function bareIntervals(/** @type {{move: "pan"|"zoom", frames: number}} */ { move, frames }) {
  const element = /** @type {HTMLCanvasElement} */ (document.getElementById("static"));
  const context = /** @type {CanvasRenderingContext2D} */ (element.getContext("2d"));
  const picture = new OffscreenCanvas(element.width, element.height);
  picture.getContext("2d")?.drawImage(element, 0, 0);
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  for (let i = 0; i < 30; i += 1) await frame();
  let [x, y, zoom, last] = [0, 0, 1, await frame()];
  const taken = [];
  for (let i = 1; i <= frames; i += 1) {
    const t = (i / frames) * 2 * Math.PI;
    if (move === "pan") [x, y] = [x + 15 * Math.cos(t), y + 15 * Math.sin(t)];
    else zoom *= Math.exp((Math.cos(t) * (0.7 * 2 * Math.PI)) / frames);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, element.width, element.height);
    context.setTransform(zoom, 0, 0, zoom, 640 - 640 * zoom + x, 400 - 400 * zoom + y);
    context.drawImage(picture, 0, 0);
    const now = await frame();
    taken.push(now - last);
    last = now;
  }
  return taken;
}

/** @param {number[]} sorted @param {number} part */
function quantile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

const changes = changesOf(strokes, area);
const server = await served(values.static, changes);
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});
/** @type {Map<string, number[]>} */
const taken = new Map();
const add = (/** @type {string} */ name, /** @type {number[]} */ numbers) => taken.set(name, [...(taken.get(name) ?? []), ...numbers]);
for (let run = 0; run < Number(values.runs); run += 1) {
  const page = await browser.newPage({ viewport: VIEW, deviceScaleFactor: Number(values.scale) });
  page.on("pageerror", (/** @type {Error} */ error) => console.error(error.stack));
  await page.addInitScript(fakeSocket, strokes);
  await page.goto(`${server.address}/d/${"d".repeat(32)}`, { waitUntil: "commit" });
  const { navigation, opened, ready } = await page.evaluate(painted, strokes);
  add("navigation to painted", [navigation]);
  add("last answer to painted", [opened]);
  add("code and answer to painted", [ready]);
  for (const zoom of [1, 0.5]) {
    for (const move of ["pan", "zoom"]) {
      add(`${move} at ${zoom * 100} %`, await page.evaluate(intervals, { zoom, move, frames: FRAMES, ...area }));
    }
  }
  await page.close();
  const bare = await browser.newPage({ viewport: VIEW, deviceScaleFactor: Number(values.scale) });
  await bare.goto(`${server.address}/bare`, { waitUntil: "commit" });
  const least = await bare.evaluate(bareTimes);
  add("bare page: navigation", [least.navigation]);
  add("bare page: last answer", [least.opened]);
  add("navigation / bare", [navigation / least.navigation]);
  add("last answer / bare", [opened / least.opened]);
  add("code and answer / bare", [ready / least.opened]);
  for (const move of ["pan", "zoom"]) add(`bare page: ${move}`, await bare.evaluate(bareIntervals, { move, frames: FRAMES }));
  await bare.close();
}
await browser.close();
server.close();

console.log(`${strokes} strokes, ${values.runs} runs, scale ${values.scale}: milliseconds`);
for (const [name, numbers] of taken) {
  const sorted = numbers.sort((a, b) => a - b);
  const [median, p95, worst] = [quantile(sorted, 0.5), quantile(sorted, 0.95), quantile(sorted, 1)].map((value) => value.toFixed(value < 10 ? 2 : 1));
  const intime = (100 * sorted.filter((value) => value <= LATE).length) / sorted.length;
  console.log(`${name.padEnd(24)} median ${median.padStart(7)}  p95 ${p95.padStart(7)}  worst ${worst.padStart(7)}${sorted.length > 20 ? `  within ${LATE} ms ${intime.toFixed(0)} %` : ""}`);
}
