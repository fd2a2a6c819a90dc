import assert from "node:assert/strict";
import { test } from "node:test";
import { packPoints } from "../../../static/model/points.js";
import { fileText } from "../../../static/model/drawing-file.js";
import { Server, TestUser, launched, until, waitForStrokes } from "./harness.js";

/** Milliseconds within which an imported file must be saved by a debug build beside other work; a release takes a tenth. */
const IMPORT_LIMIT = 60_000;

test("a file of 5,000 strokes is saved within seconds, and one step removes it", async (t) => {
  const server = await Server.start();
  const browser = await launched();
  t.after(async () => {
    await browser.close();
    await server.remove();
  });
  const one = await TestUser.create(browser, server);
  const page = await one.open(await server.drawing());
  const all = Array.from({ length: 5_000 }, (_, i) => {
    const [x, y] = [(i % 100) * 60, Math.floor(i / 100) * 60];
    const points = Array.from({ length: 40 }, (_, j) => ({ x: x + j, y: y + 20 * Math.sin(j / 6 + i) }));
    return { id: `s${i}`, body: { kind: "pen", colour: "blue", width: 3, ...packPoints(points) } };
  });
  const buffer = Buffer.from(fileText({ title: "", strokes: all }));
  const began = performance.now();
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Control+o")]);
  await chooser.setFiles({ name: "many.json", mimeType: "application/json", buffer });
  await waitForStrokes(page, 5_000);
  const isSaved = async () => (await page.locator("#save-status").textContent()) === "Saved";
  await until("all is saved", isSaved, IMPORT_LIMIT);
  const took = performance.now() - began;
  t.diagnostic(`${buffer.length} bytes saved after ${Math.round(took)} ms`);
  const undone = performance.now();
  await page.keyboard.press("Control+z");
  await waitForStrokes(page, 0);
  await until("all is saved", isSaved, IMPORT_LIMIT);
  t.diagnostic(`undone after ${Math.round(performance.now() - undone)} ms`);
  assert.ok(took < IMPORT_LIMIT, `${took} ms`);
  assert.deepEqual(one.errors, []);
});
