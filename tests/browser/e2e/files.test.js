import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { packPoints } from "../../../static/model/points.js";
import { fileText } from "../../../static/model/drawing-file.js";
import { Server, TestUser, drag, launched, strokes, until, waitForStatus, waitForStrokes } from "./harness.js";

const SKETCH = fileURLToPath(new URL("../fixtures/sketch.excalidraw", import.meta.url));

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {TestUser} */
let one;

before(async () => {
  server = await Server.start();
  browser = await launched();
  one = await TestUser.create(browser, server, { permissions: ["clipboard-read", "clipboard-write"], acceptDownloads: true });
});
after(async () => {
  await browser?.close();
  await server?.remove();
});
afterEach(async () => {
  await Promise.all(one.context.pages().map((page) => page.close()));
  assert.deepEqual(one.errors, []);
});

/** A drawing with a line, a rectangle and a text. */
async function drawn(title = "My: plan") {
  const page = await one.open(await server.drawing(title));
  await page.keyboard.press("p");
  await drag(page, [[300, 200], [400, 250], [500, 200]]);
  await page.keyboard.press("r");
  await drag(page, [[300, 300], [500, 400]]);
  await page.keyboard.press("t");
  await page.mouse.click(320, 450);
  await page.keyboard.type("Grüße & more");
  await page.keyboard.press("Escape");
  await waitForStrokes(page, 3);
  await waitForStatus(page, "Saved");
  return page;
}

/** Exports in one way, and returns the file. */
async function exported(page, way, options = async () => {}) {
  await page.keyboard.press("Control+Shift+E");
  await page.locator(".export-sheet").waitFor();
  await options();
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(`[data-way="${way}"]`)]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

/** @param {string | {name: string, mimeType: string, buffer: Buffer}} file */
async function chosen(page, file) {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Control+o")]);
  await chooser.setFiles(file);
}

/** The bodies of strokes without what differs between copies. */
const shapes = (all) => all.map(({ body: { x: _, y: __, group: ___, start: ____, end: _____, ...rest } }) => rest);

test("a drawing is exported as JSON, and imported into another one as one step", async () => {
  const page = await drawn();
  const { name, bytes } = await exported(page, "json");
  assert.equal(name, "My plan.json");
  const other = await one.open(await server.drawing());
  await chosen(other, { name, mimeType: "application/json", buffer: bytes });
  await waitForStrokes(other, 3);
  await waitForStatus(other, "Saved");
  const [before, copies] = [await strokes(page), await strokes(other)];
  assert.deepEqual(shapes(copies), shapes(before));
  assert.ok(copies.every(({ id }) => before.every((stroke) => stroke.id !== id)), "ids are new");
  await other.keyboard.press("Control+z");
  await waitForStrokes(other, 0);
  await other.keyboard.press("Control+Shift+z");
  await waitForStrokes(other, 3);
});

test("what is selected is exported alone, as every kind of file", async () => {
  const page = await drawn();
  await page.keyboard.press("v");
  await page.mouse.click(300, 350);
  const inFile = async () => JSON.parse((await exported(page, "json")).bytes.toString()).strokes.map(({ body }) => body.kind);
  assert.deepEqual(await inFile(), ["rectangle"]);
  const { bytes } = await exported(page, "svg");
  assert.doesNotMatch(bytes.toString(), /Grüße/);
  const whole = () => page.uncheck('[name="export.selection"]');
  assert.match((await exported(page, "svg", whole)).bytes.toString(), /Grüße/);
  const heightOf = ({ bytes }) => bytes.readUInt32BE(20);
  assert.ok(heightOf(await exported(page, "png")) < heightOf(await exported(page, "png", whole)));
  await page.keyboard.press("Escape");
  assert.deepEqual(await inFile(), ["pen", "rectangle", "text"]);
});

test("an exported SVG shows the same as the page, and needs nothing else", async () => {
  const page = await drawn("Plan");
  const { name, bytes } = await exported(page, "svg");
  assert.equal(name, "Plan.svg");
  const text = bytes.toString();
  assert.doesNotMatch(text.replace("http://www.w3.org/2000/svg", ""), /https?:/);
  assert.match(text, /@font-face/);
  // Painted as an image it is a picture of the size that it says.
  const painted = await page.evaluate(async (text) => {
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    await image.decode();
    return [image.naturalWidth, image.naturalHeight];
  }, text);
  const [, , width, height] = /viewBox="([^"]*)"/.exec(text)[1].split(" ").map(Number);
  assert.deepEqual(painted, [width, height]);
});

test("an exported PNG has two pixels a unit and the paper's colour, or none", async () => {
  const page = await drawn();
  const corner = (bytes) => page.evaluate(async (bytes) => {
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    return [bitmap.width, bitmap.height, ...context.getImageData(0, 0, 1, 1).data];
  }, [...bytes]);
  const light = await corner((await exported(page, "png")).bytes);
  assert.deepEqual(light.slice(2), [0xfb, 0xf7, 0xef, 255]);
  assert.ok(light[0] > 400 && light[0] < 700, String(light));
  const none = await corner((await exported(page, "png", () => page.uncheck('[name="export.background"]'))).bytes);
  assert.deepEqual([none[0], none[1], none[5]], [light[0], light[1], 0]);
});

test("a drawing is copied as a picture and as SVG from the menu", async () => {
  const page = await drawn();
  const types = () => page.evaluate(async () => (await navigator.clipboard.read()).flatMap(({ types }) => types));
  await page.click("#menu-button");
  await page.click('[data-command="file.copyPicture"]');
  await until("there is a picture", async () => (await types()).includes("image/png"));
  await page.click("#menu-button");
  await page.locator("#menu :focus").waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await until("there is SVG", async () => (await page.evaluate(() => navigator.clipboard.readText())).startsWith("<svg"));
});

test("the menu gives the focus back, and a click that closes it draws nothing", async () => {
  const page = await one.open(await server.drawing());
  await page.locator("#menu-button").focus();
  await page.keyboard.press("Enter");
  await page.locator("#menu :focus").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("data-command")), "file.export");
  await page.keyboard.press("End");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("data-command")), "language");
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "menu-button");
  await page.click("#menu-button");
  await page.locator("#menu").waitFor();
  await page.mouse.click(300, 300);
  assert.equal(await page.locator("#menu").isVisible(), false);
  await page.keyboard.press("Control+Shift+E");
  await page.getByText("There is nothing to export yet.").waitFor();
  assert.deepEqual(await strokes(page), []);
});

test("a file of Excalidraw is imported in view, and what is unknown is counted", async () => {
  const page = await one.open(await server.drawing());
  await page.mouse.wheel(4_000, 3_000);
  await chosen(page, SKETCH);
  await page.getByText(/strokes imported/).waitFor();
  await page.getByText(/skipped/).waitFor();
  await waitForStatus(page, "Saved");
  const kinds = new Set((await strokes(page)).map(({ body }) => body.kind));
  for (const kind of ["rectangle", "ellipse", "line", "arrow", "polyline", "pen", "text"]) assert.ok(kinds.has(kind), kind);
  assert.ok(await page.evaluate("__whiteboard.viewport.isAstray === false"));
  await page.keyboard.press("Control+z");
  await waitForStrokes(page, 0);
});

/** Drops a file at (700, 200), and returns whether the browser would open it itself.
 * @param {import("playwright-core").Page} page
 * @param {string} text
 * @param {string} name */
function drop(page, text, name) {
  return page.evaluate(([text, name]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([text], name));
    const at = { dataTransfer, bubbles: true, cancelable: true, clientX: 700, clientY: 200 };
    return ["dragover", "drop"].some((type) => document.getElementById("dynamic").dispatchEvent(new DragEvent(type, at)));
  }, [text, name]);
}

test("a dropped file is imported where it is dropped, and a wrong one is refused in words", async () => {
  const page = await one.open(await server.drawing());
  const body = { kind: "rectangle", colour: "red", width: 4, ...packPoints([{ x: 0, y: 0 }, { x: 80, y: 40 }]) };
  await drop(page, fileText({ title: "", strokes: [{ id: "a", body }] }), "a.json");
  await waitForStrokes(page, 1);
  const [{ body: placed }] = await strokes(page);
  const at = await page.evaluate(([x, y]) => globalThis.__whiteboard.viewport.toScreen({ x, y }), [placed.x + 40, placed.y + 20]);
  assert.ok(Math.abs(at.x - 700) < 1 && Math.abs(at.y - 200) < 1, JSON.stringify(at));
  await drop(page, "no file of ours", "b.txt");
  await page.getByText("Not imported: this is not a file of a drawing").waitFor();
  await drop(page, '{"format":"whiteboard","version":99,"strokes":[]}', "c.json");
  await page.getByText("Not imported: this file was made by a newer version").waitFor();
  assert.equal((await strokes(page)).length, 1);
});

test("a file that is dropped behind a dialog is neither imported nor opened", async () => {
  const page = await one.open(await server.drawing());
  await page.waitForSelector("html[data-started]", { state: "attached" });
  const line = packPoints([{ x: 0, y: 0 }, { x: 80, y: 40 }]);
  const file = (colour) => fileText({ title: "", strokes: [{ id: "a", body: { kind: "line", colour, width: 4, ...line } }] });
  await page.click("#share");
  await page.locator(".share-sheet").waitFor();
  assert.equal(await drop(page, file("red"), "a.json"), false);
  await page.keyboard.press("Escape");
  await page.locator(".share-sheet").waitFor({ state: "detached" });
  await drop(page, file("green"), "b.json");
  await page.getByText("1 stroke imported").waitFor();
  assert.deepEqual((await strokes(page)).map(({ body }) => body.colour), ["green"]);
});
