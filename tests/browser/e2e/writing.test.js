import assert from "node:assert/strict";
import { test } from "node:test";
import { strokes, until } from "./harness.js";
import { sharedScene } from "./scene.js";

const scene = sharedScene();
const { newUser } = scene;

/** Writes a text and chooses the pen.
 * @param {import("playwright-core").Page} page */
async function write(page) {
  await page.keyboard.press("t");
  await page.mouse.click(300, 300);
  await page.keyboard.type("Hello");
  await page.keyboard.press("Escape");
  await page.keyboard.press("p");
}

test("two taps of a finger or a pen edit a text, and leave no dots, though a hand is not steady", async () => {
  const one = await newUser({ hasTouch: true });
  for (const type of ["touch", "pen"]) {
    const page = await one.open(await scene.server.drawing());
    await write(page);
    const session = await one.context.newCDPSession(page);
    const pen = (/** @type {"mousePressed"|"mouseReleased"} */ type, /** @type {number} */ x) =>
      session.send("Input.dispatchMouseEvent", { type, x, y: 300, force: 0.5, pointerType: "pen", button: "left", buttons: type === "mousePressed" ? 1 : 0, clickCount: 1 });
    for (const x of [320, 330]) {
      if (type === "touch") await page.touchscreen.tap(x, 300);
      else for (const event of /** @type {const} */ (["mousePressed", "mouseReleased"])) await pen(event, x);
    }
    await page.locator("#text-editor").waitFor();
    await page.keyboard.press("End");
    await page.keyboard.type(" there");
    await page.keyboard.press("Escape");
    await until("the text is edited, and alone", async () => (await strokes(page)).map(({ body }) => body.text).join() === "Hello there");
    await page.close();
  }
});
