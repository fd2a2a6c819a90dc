/** Every tool with a mouse, with a finger and with a pen: real events of each, and what others see of it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DEVICES, along, contextOf, handOf, started } from "./devices.js";
import { strokes, until, waitForStatus, waitForStrokes } from "./harness.js";
import { sharedScene } from "./scene.js";

const scene = sharedScene();

for (const device of DEVICES) {
  test(`every tool works with a ${device}, and others see what it did`, async () => {
    const drawing = await scene.server.drawing();
    const one = await scene.newUser(contextOf(device));
    const page = await one.open(drawing);
    const other = await (await scene.newUser()).open(drawing);
    await started(page);
    const { drag, tap } = await handOf(page, device);
    const choose = async (/** @type {string} */ tool) => {
      const button = page.locator(`#tools [data-command="tool.${tool}"]`);
      await tap(button);
      await until(`${tool} is chosen`, async () => (await button.getAttribute("aria-pressed")) === "true");
    };
    const seen = () => strokes(other);
    const kinds = async () => (await seen()).map(({ body }) => body.kind);

    const drawn = ["pen", "marker", "line", "arrow", "rectangle", "ellipse", "diamond"];
    for (const [i, tool] of drawn.entries()) {
      await choose(tool);
      await drag(along([300, 90 + i * 70], [420, 130 + i * 70]));
    }
    for (const [i, tool] of ["text", "note"].entries()) {
      await choose(tool);
      await drag([[600 + i * 200, 200]]);
      await page.locator("#text-editor").waitFor();
      await page.keyboard.type("Hello");
      await page.keyboard.press("Escape");
    }
    await until("the other sees one of each kind", async () => (await kinds()).sort().join() === [...drawn, "text", "note"].sort().join());
    await until("the other reads both texts", async () => (await seen()).filter(({ body }) => body.text === "Hello").length === 2);

    await choose("laser");
    await drag(along([500, 400], [600, 450]));
    await until("the other sees the laser's way", () => other.evaluate("__whiteboard.presence.shown(performance.now()).inks.length > 0"));

    const line = async () => (await seen()).find(({ body }) => body.kind === "line")?.body;
    const before = await line();
    await choose("select");
    await drag(along([360, 250], [460, 300]));
    await until("the line is moved", async () => Math.abs((await line()).x - before.x - 100) < 2 && Math.abs((await line()).y - before.y - 50) < 2);

    await choose("eraser");
    await drag(along([360, 70], [360, 210]));
    await until("the pen's and the marker's strokes are erased", async () => (await kinds()).every((kind) => !["pen", "marker"].includes(kind)));

    await choose("hand");
    const camera = () => page.evaluate("({ ...__whiteboard.viewport.camera })");
    const at = await camera();
    await drag(along([500, 400], [430, 360]));
    await until("the view moved", async () => Math.abs((await camera()).x - at.x - 70) < 1 && Math.abs((await camera()).y - at.y - 40) < 1);
    await waitForStatus(page, "Saved");
    await waitForStrokes(page, 7);
  });
}
