import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Server, TestUser, launched, pixel, strokes, until, waitForStatus, waitForStrokes } from "./harness.js";

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {TestUser} */
let one;

before(async () => {
  server = await Server.start();
  browser = await launched();
  one = await TestUser.create(browser, server, { permissions: ["clipboard-read", "clipboard-write"] });
});
after(async () => {
  await browser?.close();
  await server?.remove();
});
afterEach(async () => {
  await Promise.all(one.context.pages().map((page) => page.close()));
  assert.deepEqual(one.errors, []);
});

const svg = (width, height, colour, inside = "") =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${colour}"/>${inside}</svg>`;

/** A picture made in the page, as an array of bytes. */
const painted = (page, type, width, height, colour) => page.evaluate(async ([type, width, height, colour]) => {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, width, height);
  return [...new Uint8Array(await (await canvas.convertToBlob({ type, quality: 0.9 })).arrayBuffer())];
}, [type, width, height, colour]);

/** Drops or pastes a file on the page. */
const bring = (page, how, bytes, type, at = [500, 350]) => page.evaluate(([how, bytes, type, at]) => {
  const files = new DataTransfer();
  files.items.add(new File([typeof bytes === "string" ? bytes : new Uint8Array(bytes)], "picture", { type }));
  const target = document.getElementById("dynamic");
  const place = { bubbles: true, cancelable: true, clientX: at[0], clientY: at[1] };
  if (how === "drop") target.dispatchEvent(new DragEvent("drop", { ...place, dataTransfer: files }));
  else target.dispatchEvent(new ClipboardEvent("paste", { ...place, clipboardData: files }));
}, [how, bytes, type, at]);

const image = async (page) => (await strokes(page))[0].body;
const isColour = (page, [x, y], [red, green, blue]) => until("the picture is shown", async () => {
  const [r, g, b, alpha] = await pixel(page, "static", x, y);
  return alpha === 255 && Math.abs(r - red) < 12 && Math.abs(g - green) < 12 && Math.abs(b - blue) < 12;
});

test("a dropped picture is shown to others, and moves with an undo", async () => {
  const drawing = await server.drawing();
  const [page, other] = [await one.open(drawing), await one.open(drawing)];
  await bring(page, "drop", await painted(page, "image/png", 200, 100, "#3c9a5f"), "image/png");
  await waitForStrokes(page, 1);
  await waitForStatus(page, "Saved");
  const { kind, w, h, asset } = await image(page);
  assert.deepEqual([kind, w, h], ["image", 200, 100]);
  assert.match(asset, /^[0-9a-f]{64}$/);
  await waitForStrokes(other, 1);
  for (const each of [page, other]) {
    await each.bringToFront();
    await isColour(each, [500, 350], [0x3c, 0x9a, 0x5f]);
  }
  await page.bringToFront();
  await page.keyboard.press("Control+z");
  await waitForStrokes(page, 0);
});

test("a picture is chosen with the tool for it, and is in the middle of the view", async () => {
  const page = await one.open(await server.drawing());
  const bytes = Buffer.from(await painted(page, "image/png", 200, 100, "#3c9a5f"));
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.click('#tools [aria-label^="Insert a picture"]')]);
  await chooser.setFiles({ name: "green.png", mimeType: "image/png", buffer: bytes });
  await isColour(page, [500, 350], [60, 154, 95]);
  await waitForStatus(page, "Saved");
  assert.equal((await image(page)).kind, "image");
});

test("a large photograph is scaled down and loses what it says about itself", async () => {
  const page = await one.open(await server.drawing());
  const sent = [];
  page.on("request", (request) => request.method() === "POST" && /assets$/.test(request.url()) && sent.push(request));
  await bring(page, "paste", await painted(page, "image/jpeg", 4000, 1000, "#d6402b"), "image/jpeg");
  await waitForStrokes(page, 1);
  const { w, h } = await image(page);
  assert.ok(w < 700 && Math.abs(w / h - 4) < 0.05, `${w} x ${h}`);
  assert.equal(sent[0].headers()["content-type"], "image/webp");
  const size = await page.evaluate(async ([address]) => {
    const bitmap = await createImageBitmap(await (await fetch(address)).blob());
    return [bitmap.width, bitmap.height];
  }, [`${sent[0].url()}/${(await image(page)).asset}`]);
  assert.deepEqual(size, [2048, 512]);
});

test("SVG becomes pixels, and nothing in it runs or is loaded", async () => {
  const page = await one.open(await server.drawing());
  const foreign = [];
  page.on("request", (request) => /example/.test(request.url()) && foreign.push(request.url()));
  const inside = `<script>window.ran = true; fetch("https://example.org/a")</script><image href="https://example.org/b.png" width="10" height="10"/>`;
  await bring(page, "paste", svg(300, 200, "#2f7fc1", inside), "image/svg+xml");
  await waitForStrokes(page, 1);
  await isColour(page, [500, 350], [0x2f, 0x7f, 0xc1]);
  const { asset } = await image(page);
  const type = await page.evaluate(async (address) => (await fetch(address)).headers.get("content-type"), `${new URL(page.url()).pathname.replace("/d/", "/api/drawings/")}/assets/${asset}`);
  assert.match(type, /^image\/(webp|png|jpeg)$/);
  assert.deepEqual([await page.evaluate("window.ran"), foreign], [undefined, []]);
});

test("what is no picture is refused in words, and a picture that cannot be had is a placeholder", async () => {
  const drawing = await server.drawing();
  const page = await one.open(drawing);
  await bring(page, "drop", "this is no picture", "image/png");
  await page.getByText("Not imported: this picture cannot be read").waitFor();
  assert.deepEqual(await strokes(page), []);
  const file = { format: "whiteboard", version: 1, title: "", strokes: [{ id: "a", body: { kind: "image", x: 0, y: 0, w: 300, h: 200, asset: "0".repeat(64), colour: "ink" } }], assets: {} };
  await bring(page, "drop", JSON.stringify(file), "application/json");
  await page.getByText("Not imported: there is nothing in it").waitFor();
});

test("a drawing with a picture is exported with it, and imported into another drawing", async () => {
  const page = await one.open(await server.drawing("Pictures"));
  await bring(page, "drop", await painted(page, "image/png", 60, 40, "#7f52b5"), "image/png");
  await waitForStrokes(page, 1);
  await isColour(page, [500, 350], [0x7f, 0x52, 0xb5]);
  const exported = async (way) => {
    await page.keyboard.press("Control+Shift+E");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(`[data-way="${way}"]`)]);
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  assert.match(await exported("svg"), /<image id="picture-[0-9a-f]{64}"[^>]* href="data:image\/png;base64,/);
  const file = await exported("json");
  assert.match(file, /"assets":\{\n"[0-9a-f]{64}":"data:image\/png;base64,/);
  const other = await one.open(await server.drawing());
  await bring(other, "drop", file, "application/json");
  await waitForStrokes(other, 1);
  assert.equal((await image(other)).asset, (await image(page)).asset);
  await isColour(other, [500, 350], [0x7f, 0x52, 0xb5]);
});
