import assert from "node:assert/strict";
import { test } from "node:test";
import { packPoints } from "../../../static/model/points.js";
import { fileText } from "../../../static/model/drawing-file.js";
import { drag, until, waitForStrokes } from "./harness.js";
import { sharedScene } from "./scene.js";

/** Milliseconds within which an act on many strokes must be saved by a debug build beside other work; a release takes a tenth. */
const LIMIT = 60_000;

const scene = sharedScene();

/** Does something to many strokes, and waits until all of it is saved.
 * @param {import("node:test").TestContext} t
 * @param {import("playwright-core").Page} page
 * @param {string} name
 * @param {() => Promise<unknown>} doIt
 * @param {number} count of strokes after it */
async function act(t, page, name, doIt, count) {
  const began = performance.now();
  await doIt();
  await waitForStrokes(page, count);
  await until(`${name} is saved`, () => page.evaluate("__whiteboard.outbox.count === 0 && document.getElementById('save-status').textContent === 'Saved'"), LIMIT);
  t.diagnostic(`${name} after ${Math.round(performance.now() - began)} ms`);
}

/** Chooses a file with strokes in rows of a hundred.
 * @param {import("playwright-core").Page} page
 * @param {number} count */
async function imported(page, count) {
  const strokes = Array.from({ length: count }, (_, i) => {
    const [x, y] = [(i % 100) * 60, Math.floor(i / 100) * 60];
    const points = Array.from({ length: 40 }, (_, j) => ({ x: x + j, y: y + 20 * Math.sin(j / 6 + i) }));
    return { id: `s${i}`, body: { kind: "pen", colour: "blue", width: 3, ...packPoints(points) } };
  });
  const buffer = Buffer.from(fileText({ title: "", strokes }));
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Control+o")]);
  return () => chooser.setFiles({ name: "many.json", mimeType: "application/json", buffer });
}

const undo = (page) => () => page.keyboard.press("Control+z");

test("a file of 5,000 strokes is saved within seconds, and one step removes it", async (t) => {
  const page = await scene.newPage();
  await act(t, page, "imported", await imported(page, 5_000), 5_000);
  await act(t, page, "undone", undo(page), 0);
});

test("1,000 strokes are moved and cleared, others see them move, and one step undoes each", async (t) => {
  const drawing = await scene.server.drawing();
  const [page, other] = [await (await scene.newUser()).open(drawing), await (await scene.newUser()).open(drawing)];
  const places = (of) => of.evaluate("__whiteboard.scene.ordered().map(({ body: { x, y } }) => x + ' ' + y).join()");
  /** @param {(places: string) => boolean} isRight */
  const both = (isRight) => until("both pages have it", async () => isRight(await places(page)) && (await places(page)) === (await places(other)), LIMIT);
  await act(t, page, "imported", await imported(page, 1_000), 1_000);
  const before = await places(page);
  await both((now) => now === before);

  await page.keyboard.press("Control+a");
  const middle = await page.evaluate("(({ left, top, right, bottom }) => __whiteboard.viewport.toScreen({ x: (left + right) / 2, y: (top + bottom) / 2 }))(__whiteboard.scene.bounds())");
  await drag(page, [[middle.x, middle.y], [middle.x + 30, middle.y + 20], [middle.x + 60, middle.y + 40]], { lift: false });
  const shownToOther = () => other.evaluate("__whiteboard.presence.shown(performance.now()).previews.length");
  await until("the other page shows it move", async () => (await shownToOther()) === 1);
  // A drag is a signal: nothing is stored until it ends.
  assert.equal(await places(other), before);
  await act(t, page, "moved", () => page.mouse.up(), 1_000);
  await both((now) => now !== before);
  await until("nothing is left above", async () => (await shownToOther()) === 0);
  await act(t, page, "moved back", undo(page), 1_000);
  await both((now) => now === before);

  await page.mouse.click(300, 600, { button: "right" });
  await page.getByRole("menuitem", { name: "Clear the drawing…" }).click();
  await act(t, page, "cleared", () => page.getByRole("button", { name: "Clear" }).click(), 0);
  await both((now) => now === "");
  await act(t, page, "brought back", undo(page), 1_000);
  await both((now) => now === before);
});
