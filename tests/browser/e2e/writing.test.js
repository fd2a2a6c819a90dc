import assert from "node:assert/strict";
import { test } from "node:test";
import { handOf } from "./devices.js";
import { drag, strokes, until, waitForStrokes } from "./harness.js";
import { sharedScene } from "./scene.js";

const scene = sharedScene();
const { newUser, newPage } = scene;

/** Writes a text and chooses the pen.
 * @param {import("playwright-core").Page} page */
async function write(page) {
  await page.keyboard.press("t");
  await page.mouse.click(300, 300);
  await page.keyboard.type("Hello");
  await page.keyboard.press("Escape");
  await page.keyboard.press("p");
}

/** Clicks in the middle of the field of opacity: a little more than half.
 * @param {import("playwright-core").Page} page */
async function chooseOpacity(page) {
  const { x, y, width, height } = await page.locator("#opacity").boundingBox();
  await page.mouse.click(x + width / 2, y + height / 2);
}

test("two taps of a finger or a pen edit a text, and leave no dots, though a hand is not steady", async () => {
  const one = await newUser({ hasTouch: true });
  for (const device of /** @type {const} */ (["touch", "pen"])) {
    const page = await one.open(await scene.server.drawing());
    await write(page);
    const { drag } = await handOf(page, device);
    for (const x of [320, 330]) await drag([[x, 300]]);
    await page.locator("#text-editor").waitFor();
    await page.keyboard.press("End");
    await page.keyboard.type(" there");
    await page.keyboard.press("Escape");
    await until("the text is edited, and alone", async () => (await strokes(page)).map(({ body }) => body.text).join() === "Hello there");
    await page.close();
  }
});

test("a colour of one's own and the opacity that are chosen while writing change the text, and the writing goes on", async () => {
  const page = await newPage();
  const own = page.locator("#custom-colour input");
  const choose = (/** @type {string} */ colour) => own.evaluate((input, colour) => {
    input.value = colour;
    input.dispatchEvent(new Event("change"));
  }, colour);
  await page.keyboard.press("t");
  await page.mouse.click(300, 300);
  await page.keyboard.type("one");
  // A press takes the focus. Its click would open a window of the browser's, which takes the keys until it has closed.
  await own.hover();
  await page.mouse.down();
  assert.equal(await own.evaluate((input) => input === document.activeElement), true);
  await page.mouse.move(5, 350);
  await page.mouse.up();
  await choose("#123456");
  await page.keyboard.type(" two");
  await chooseOpacity(page);
  await page.keyboard.type(" three");
  await page.keyboard.press("Escape");
  await waitForStrokes(page, 1);
  const style = async () => (await strokes(page)).map(({ body: { text, colour, opacity } }) => [text, colour, opacity])[0];
  assert.deepEqual(await style(), ["one two three", "#123456", 0.6]);
  // The same for a text that was there before, with the keyboard, which leaves the focus in the field.
  await page.mouse.dblclick(320, 300);
  await page.locator("#text-editor").waitFor();
  await page.locator("#opacity").focus();
  for (let i = 0; i < 4; i += 1) await page.keyboard.press("ArrowRight");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "opacity");
  await page.locator("#title").focus();
  assert.equal(await page.locator("#text-editor").isVisible(), false);
  await until("it is opaque", async () => (await style())[2] === undefined);
  assert.equal((await style())[0], "one two three");
});

test("after the opacity was chosen keys and strokes are for the drawing", async () => {
  const page = await newPage();
  await chooseOpacity(page);
  await drag(page, [[300, 300], [400, 300]]);
  await waitForStrokes(page, 1);
  assert.equal((await strokes(page))[0].body.opacity, 0.6);
  await chooseOpacity(page);
  const { x } = await page.evaluate("__whiteboard.viewport.camera");
  await page.keyboard.down("Space");
  await drag(page, [[300, 400], [400, 400]]);
  await page.keyboard.up("Space");
  assert.equal((await page.evaluate("__whiteboard.viewport.camera")).x, x - 100);
  await page.keyboard.press("r");
  assert.equal(await page.locator('#tools [aria-label^="Rectangle"]').getAttribute("aria-pressed"), "true");
});

/** Opens the browser's window for a colour of one's own with a click, and closes it without a choice.
 * @param {import("playwright-core").Page} page */
async function giveUpColour(page) {
  const own = page.locator("#custom-colour input");
  await own.click();
  // It takes the keys while it is open.
  await page.keyboard.press("e");
  await page.keyboard.press("Escape");
  assert.equal(await own.evaluate((input) => input === document.activeElement), true, "the field keeps the focus");
}

test("after a colour of one's own was given up keys and strokes are for the drawing", async () => {
  const page = await newPage();
  const camera = async () => (await page.evaluate("__whiteboard.viewport.camera")).x;
  const isChosen = (/** @type {string} */ tool) => page.locator(`#tools [aria-label^="${tool}"]`).getAttribute("aria-pressed");
  await giveUpColour(page);
  assert.equal(await isChosen("Pen"), "true");
  await drag(page, [[300, 300], [400, 300]]);
  await waitForStrokes(page, 1);
  await giveUpColour(page);
  const x = await camera();
  await page.keyboard.down("Space");
  await drag(page, [[300, 400], [400, 400]]);
  await page.keyboard.up("Space");
  assert.deepEqual([await camera(), (await strokes(page)).length], [x - 100, 1]);
  await giveUpColour(page);
  await page.keyboard.press("r");
  assert.equal(await isChosen("Rectangle"), "true");
  // With the keyboard the space bar opens the window, as it presses a button, and does not pan.
  await page.locator("#custom-colour input").focus();
  await page.keyboard.down("Space");
  assert.equal(await page.locator("#dynamic").evaluate((canvas) => canvas.style.getPropertyValue("--cursor")), "crosshair");
  await page.keyboard.up("Space");
});

test("after a colour of one's own was given up the writing goes on", async () => {
  const page = await newPage();
  await page.keyboard.press("t");
  await page.mouse.click(300, 300);
  await page.keyboard.type("one");
  await giveUpColour(page);
  await page.keyboard.type(" two");
  await page.keyboard.press("Escape");
  await waitForStrokes(page, 1);
  assert.deepEqual((await strokes(page)).map(({ body: { text, colour } }) => [text, colour]), [["one two", "ink"]]);
});
