/** Writing with a mouse, a finger and a pen. */

import assert from "node:assert/strict";
import { along, eachDevice } from "./devices.js";
import { strokes, until, waitForStrokes } from "./harness.js";
import { sharedScene } from "./scene.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("./devices.js").Drag} Drag */

const scene = sharedScene();
const withEach = eachDevice(scene);

/**
 * Writes a text.
 * @param {Page} page
 * @param {Drag} drag
 */
async function write(page, drag) {
  await page.keyboard.press("t");
  await drag([[300, 300]]);
  await page.keyboard.type("Hello");
  await page.keyboard.press("Escape");
}

/**
 * Two taps, of a hand that is not quite steady.
 * @param {Drag} drag
 * @param {import("./devices.js").At} at
 */
async function twice(drag, [x, y]) {
  await drag([[x, y]]);
  await drag([[x + 2, y + 1]]);
}

withEach("with the text tool one press ends a text and the next one starts another", async ({ page, drag }) => {
  await page.keyboard.press("t");
  await drag([[300, 300]]);
  await page.keyboard.type("one");
  await drag([[300, 400]]);
  assert.equal(await page.locator("#text-editor").isVisible(), false);
  await drag([[300, 400]]);
  await page.keyboard.type("two");
  await page.keyboard.press("Escape");
  assert.deepEqual((await strokes(page)).map(({ body }) => body.text), ["one", "two"]);
});

withEach("a double click on a text edits it with any tool, and leaves no dot", async ({ page, drag }) => {
  await write(page, drag);
  for (const key of ["p", "m", "r", "n", "v", "k", "h"]) {
    await page.keyboard.press(key);
    await twice(drag, [320, 300]);
    await page.locator("#text-editor").waitFor();
    await page.keyboard.press("End");
    await page.keyboard.type(` ${key}`);
    // The press beside the text ends it, and draws nothing either.
    await drag([[600, 500]]);
    await until(`the text is edited with ${key}, and alone`, async () => (await strokes(page)).map(({ body }) => body.text).join() === `Hello ${key}`);
    await page.keyboard.press("Control+z");
    await until("the edit is undone", async () => (await strokes(page))[0].body.text === "Hello");
  }
});

withEach("two dots beside a text stay, and so does a stroke that starts on a dot over it", async ({ page, drag }) => {
  await write(page, drag);
  await page.keyboard.press("p");
  await twice(drag, [600, 500]);
  await waitForStrokes(page, 3);
  await drag([[320, 300]]);
  await drag(along([320, 300], [500, 320]));
  await waitForStrokes(page, 5);
  assert.equal(await page.locator("#text-editor").isVisible(), false);
});

withEach("a double click on a text while the space bar is held keeps the stroke drawn before", async ({ page, drag }) => {
  await write(page, drag);
  await page.keyboard.press("p");
  await drag(along([300, 500], [400, 500]));
  await waitForStrokes(page, 2);
  await page.keyboard.down("Space");
  await twice(drag, [320, 300]);
  await page.keyboard.up("Space");
  await page.locator("#text-editor").waitFor();
  await waitForStrokes(page, 2);
});

withEach("a colour and a size chosen while writing change the text, and the writing goes on", async ({ page, drag, tap }) => {
  await page.keyboard.press("t");
  await drag([[300, 300]]);
  await page.keyboard.type("red ");
  await tap('[aria-label="Red"]');
  await tap('[aria-label="Very large"]');
  await page.keyboard.type("rose");
  await page.keyboard.press("Escape");
  const [{ body }] = await strokes(page);
  assert.deepEqual([body.text, body.colour, body.width], ["red rose", "red", 80]);
  // A text that was there before is recoloured with any tool, keeps its size, and is undone in one step.
  await tap('[aria-label="Small"]');
  await page.keyboard.press("h");
  await twice(drag, [320, 300]);
  await page.locator("#text-editor").waitFor();
  await tap('[aria-label="Blue"]');
  await drag([[600, 500]]);
  const colour = async () => (await strokes(page))[0].body.colour;
  await until("it is blue", async () => (await colour()) === "blue");
  assert.equal((await strokes(page))[0].body.width, 80);
  await page.keyboard.press("Control+z");
  await until("it is red again", async () => (await colour()) === "red");
});
