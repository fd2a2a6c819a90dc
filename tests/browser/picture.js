// @ts-check
/**
 * Takes the README's screenshot: a real server, two people, one drawing.
 *
 *     WHITEBOARD_BIN=… node picture.js ../screenshot.png
 *
 * It must never paint anything itself: everything is drawn with pointer events.
 */

import { Server, TestUser, drag, waitForStrokes, launched, waitForStatus } from "./e2e/harness.js";

/** @typedef {[number, number]} At */

const [, , file = "picture.png"] = process.argv;
const server = await Server.start();
const browser = await launched();
try {
  const drawing = await server.drawing("Kitchen extension");
  const people = await Promise.all(
    ["Ada Lovelace", "Grace Hopper"].map(async (name) => {
      const one = await TestUser.create(browser, server, { viewport: { width: 1280, height: 800 } });
      const page = await one.open(drawing);
      await page.click("#people");
      await page.fill("#my-name", name);
      await page.keyboard.press("Enter");
      await page.click("#people");
      await waitForStatus(page, "Saved");
      return page;
    }),
  );
  const [ada, grace] = people;
  /** The style panel is on the left. */
  const beside = (/** @type {At} */ [x, y]) => /** @type {At} */ ([x + 30, y]);
  const draw = (/** @type {At[]} */ points) => drag(ada, points.map(beside));

  const pick = async (/** @type {string} */ key, /** @type {string} */ colour, /** @type {string} */ size) => {
    await ada.keyboard.press(key);
    await ada.click(`#colours [aria-label="${colour}"]`);
    await ada.click(`#sizes [aria-label="${size}"]`);
  };
  const write = async (/** @type {At} */ [x, y], /** @type {string} */ text) => {
    await ada.keyboard.press("t");
    await ada.mouse.click(...beside([x, y]));
    await ada.locator("#text-editor").waitFor();
    await ada.keyboard.type(text);
    await ada.keyboard.press("Escape");
  };
  const along = (/** @type {number} */ count, /** @type {(t: number) => At} */ point) =>
    Array.from({ length: count }, (_, i) => point(i / (count - 1)));

  await pick("r", "Ink", "Medium");
  await draw([[170, 170], [640, 520]]);
  await pick("r", "Blue", "Medium");
  await draw([[170, 170], [250, 400]]);
  await draw([[330, 170], [480, 235]]);
  await pick("o", "Green", "Medium");
  await draw([[400, 330], [540, 440]]);
  await pick("m", "Yellow", "Thick");
  await draw(along(24, (t) => [806 + t * 234, 253 + Math.sin(t * 5) * 3]));
  await pick("a", "Red", "Medium");
  await draw([[790, 250], [650, 300]]);
  await pick("t", "Ink", "Small");
  await write([348, 202], "Sink");
  await write([445, 385], "Table");
  await pick("t", "Red", "Medium");
  await write([800, 250], "Door to the garden?");
  await pick("p", "Violet", "Medium");
  await draw(along(160, (t) => {
    const [turn, reach] = [t * 2 * Math.PI, 46 + 26 * Math.cos(t * 14 * Math.PI)];
    return [960 + reach * Math.cos(turn), 420 + reach * Math.sin(turn)];
  }));
  await pick("p", "Ink", "Medium");
  await draw(along(40, (t) => [640 + Math.cos(t * 1.6) * -70, 300 + Math.sin(t * 1.6) * 70]));
  await waitForStatus(ada, "Saved");
  const count = await ada.evaluate("__whiteboard.scene.ordered().length");
  await waitForStrokes(grace, count);
  await grace.click('#colours [aria-label="Green"]');
  await drag(grace, along(110, (t) => [820 + t * 330, 590 - Math.abs(Math.sin(t * 22)) * 56]), { lift: false });
  await ada.mouse.move(930, 330);
  await ada.waitForFunction("__whiteboard.presence.shown(performance.now()).pointers.length === 1");
  await ada.waitForTimeout(400);
  await ada.screenshot({ path: file });
} finally {
  await browser.close();
  await server.remove();
}
