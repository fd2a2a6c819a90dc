import assert from "node:assert/strict";
import { test } from "node:test";
import { drag, waitForStrokes, waitForPixel, pixel, waitForStatus, strokes, until } from "./harness.js";
import { sharedScene } from "./scene.js";

const scene = sharedScene();
const { newUser } = scene;

/** Two people on a new drawing. */
async function two() {
  const drawing = await scene.server.drawing();
  const [ada, bob] = [await newUser(), await newUser()];
  return { drawing, a: await ada.open(drawing), b: await bob.open(drawing) };
}

test("a stroke looks the same for another person, pixel for pixel", async () => {
  const { a, b } = await two();
  await a.click('[aria-label="Red"]');
  await drag(a, [[300, 300], [400, 250], [500, 300], [600, 250]]);
  await waitForStatus(a, "Saved");
  await waitForStrokes(b, 1);
  assert.deepEqual(await strokes(a), await strokes(b));
  await waitForPixel(b, "static", [300, 300]);
  await waitForPixel(a, "static", [300, 300]);
  assert.deepEqual(await pixel(b, "static", 500, 300), [0xd6, 0x40, 0x2b, 255]);
  assert.deepEqual(await pixel(b, "static", 500, 300), await pixel(a, "static", 500, 300));
  await waitForPixel(b, "dynamic", [500, 300], false);
});

test("ink is visible while drawing and replaced by the stroke", async () => {
  const { a, b } = await two();
  await drag(a, [[300, 300], [400, 320], [500, 300]], { lift: false });
  await waitForPixel(b, "dynamic", [400, 320]);
  assert.deepEqual(await strokes(b), [], "before the pen is lifted there is no stroke");
  await a.mouse.up();
  await waitForPixel(b, "static", [400, 320]);
  await waitForPixel(b, "dynamic", [400, 320], false);
});

test("ink is as translucent for others while it is drawn", async () => {
  for (const [tool, least, most] of /** @type {[string, number, number][]} */ ([["p", 120, 135], ["m", 46, 52]])) {
    const { a, b } = await two();
    await a.keyboard.press(tool);
    await a.locator("#opacity").focus();
    for (let i = 0; i < 5; i += 1) await a.keyboard.press("ArrowLeft");
    await a.locator("#opacity").blur();
    await a.locator("#sizes button").last().click();
    const inside = (/** @type {import("playwright-core").Page} */ of, /** @type {"static" | "dynamic"} */ layer) => pixel(of, layer, 400, 300);
    // Straight: before a bend the line moves as it grows, by more where a busy browser gives fewer points.
    await drag(a, [[300, 300], [500, 300], [600, 300]], { lift: false });
    for (const page of [a, b]) await until(`${tool} is shown`, async () => (await inside(page, "dynamic"))[3] > least);
    const [own, shown] = [await inside(a, "dynamic"), await inside(b, "dynamic")];
    assert.deepEqual(shown, own, tool);
    assert.ok(own[3] < most, `${tool}: ${own} is half translucent`);
    await a.mouse.up();
    await until("it is a stroke", async () => (await inside(b, "static"))[3] > least);
    await until("and nothing else", async () => (await inside(b, "dynamic"))[3] === 0);
  }
});

test("a figure is filled and translucent for others too while it is dragged up", async () => {
  const { a, b } = await two();
  await a.keyboard.press("r");
  await a.click('#fills [aria-label="Fill: Yellow"]');
  await a.locator("#opacity").focus();
  for (let i = 0; i < 5; i += 1) await a.keyboard.press("ArrowLeft");
  await a.locator("#opacity").blur();
  // Far from the way of the pointer, which others see on the same layer, and on no edge at any step of the drag.
  const inside = (of, layer) => pixel(of, layer, 398, 212);
  await drag(a, [[300, 200], [360, 280], [420, 300]], { lift: false });
  await until("it is filled", async () => (await inside(b, "dynamic"))[3] > 100);
  const [own, shown] = [await inside(a, "dynamic"), await inside(b, "dynamic")];
  assert.deepEqual(shown, own);
  assert.ok(shown[3] < 150, `${shown} is half translucent`);
  await a.keyboard.press("Escape");
  await until("it is gone", async () => (await inside(b, "dynamic"))[3] === 0);
  await a.mouse.up();
  await drag(a, [[300, 200], [360, 280], [420, 300]]);
  await until("it is a stroke", async () => (await inside(b, "static"))[3] > 100);
  await until("and nothing else", async () => (await inside(b, "dynamic"))[3] === 0);
  assert.equal((await strokes(b)).length, 1);
});

test("cancelled ink disappears", async () => {
  const { a, b } = await two();
  await drag(a, [[300, 300], [400, 320], [500, 300]], { lift: false });
  await waitForPixel(b, "dynamic", [400, 320]);
  await a.keyboard.press("m");
  await waitForPixel(b, "dynamic", [400, 320], false);
  await a.mouse.up();
  assert.deepEqual(await strokes(a), []);
});

test("the strokes of every tool reach another person", async () => {
  const { a, b } = await two();
  for (const [key, y] of /** @type {[string, number][]} */ ([["p", 120], ["m", 180], ["l", 240], ["a", 300], ["r", 360], ["o", 430]])) {
    await a.keyboard.press(key);
    await drag(a, [[300, y], [380, y + 20], [460, y + 40]]);
  }
  await a.keyboard.press("t");
  await a.mouse.click(600, 300);
  await a.keyboard.type("Hello\nthere");
  await a.keyboard.press("Escape");
  await waitForStrokes(b, 7);
  const kinds = (await strokes(b)).map(({ body }) => body.kind);
  assert.deepEqual(kinds, ["pen", "marker", "line", "arrow", "rectangle", "ellipse", "text"]);
  assert.equal((await strokes(b))[6].body.text, "Hello\nthere");
  await waitForStatus(a, "Saved");
});

test("a text is edited in place, and the edit is undone", async () => {
  const { a, b } = await two();
  await a.keyboard.press("t");
  await a.mouse.click(400, 300);
  await a.keyboard.type("one");
  await a.keyboard.press("Escape");
  await waitForStrokes(b, 1);
  await until("the text is open again", async () => {
    await a.mouse.click(410, 300);
    return a.locator("#text-editor").isVisible();
  });
  await a.keyboard.press("End");
  await a.keyboard.type(" two");
  await a.keyboard.press("Escape");
  const text = async () => (await strokes(b))[0]?.body.text;
  await until("the other sees the change", async () => (await text()) === "one two");
  await a.keyboard.press("Control+z");
  await until("the other sees it undone", async () => (await text()) === "one");
});

test("a reload shows exactly the same strokes", async () => {
  const { a, b } = await two();
  for (let i = 0; i < 5; i += 1) await drag(a, [[200 + i * 60, 200], [230 + i * 60, 400]]);
  await drag(b, [[250, 500], [400, 520]]);
  await waitForStrokes(a, 6);
  await waitForStatus(a, "Saved");
  const before = await strokes(a);
  await a.reload();
  await waitForStatus(a, "Saved");
  assert.deepEqual(await strokes(a), before);
  await waitForPixel(a, "static", [215, 300]);
});

test("undo and redo affect only one's own strokes", async () => {
  const { a, b } = await two();
  await drag(a, [[200, 200], [300, 200]]);
  await waitForStrokes(b, 1);
  await drag(b, [[200, 300], [300, 300]]);
  await waitForStrokes(a, 2);
  await a.keyboard.press("Control+z");
  await waitForStrokes(b, 1);
  await waitForPixel(b, "static", [250, 200], false);
  await waitForPixel(b, "static", [250, 300]);
  await a.keyboard.press("Control+z");
  await waitForStrokes(b, 1);
  await a.keyboard.press("Control+Shift+z");
  await waitForStrokes(b, 2);
  await waitForPixel(b, "static", [250, 200]);
  await a.click('[aria-label^="Undo"]');
  await waitForStrokes(b, 1);
  await a.keyboard.press("Control+y");
  await waitForStrokes(b, 2);
  await waitForStatus(a, "Saved");
});

test("undo never reverts a later change by somebody else", async () => {
  const { a, b } = await two();
  await drag(a, [[200, 200], [300, 200]]);
  await waitForStrokes(b, 1);
  await b.keyboard.press("e");
  await drag(b, [[250, 180], [250, 220]]);
  await waitForStrokes(a, 0);
  await b.keyboard.press("Control+z");
  await waitForStrokes(a, 1);
  await a.keyboard.press("Control+z");
  await waitForStatus(a, "Not applied: somebody else has changed it since");
  await waitForStatus(a, "Saved");
  await waitForStrokes(a, 1);
  await waitForStrokes(b, 1);
});

test("the eraser removes anybody's whole strokes, and undo restores all of a drag", async () => {
  const { a, b } = await two();
  for (let i = 0; i < 4; i += 1) await drag(a, [[200 + i * 50, 200], [200 + i * 50, 300]]);
  await waitForStrokes(b, 4);
  await b.keyboard.press("e");
  await drag(b, [[180, 250], [320, 250]]);
  await waitForStrokes(a, 1);
  await waitForPixel(a, "static", [350, 250]);
  await waitForPixel(a, "static", [250, 250], false);
  await b.keyboard.press("Control+z");
  await waitForStrokes(a, 4);
  await waitForPixel(a, "static", [250, 250]);
  assert.deepEqual((await strokes(a)).map(({ z }) => z), [1, 2, 3, 4], "in their previous order");
});

test("people and their pointers are shown until they leave", async () => {
  const { drawing, a, b } = await two();
  await until("both are here", async () => (await a.locator("#people .face").count()) === 2);
  await b.click("#people");
  await b.fill("#my-name", "Grace Hopper");
  await b.keyboard.press("Enter");
  await a.click("#people");
  await a.getByText("Grace Hopper").waitFor();
  const pointers = () => a.evaluate("__whiteboard.presence.shown(performance.now()).pointers.map(({ person, point }) => [person.name, point.x, point.y])");
  const [x, y] = await b.evaluate("[__whiteboard.viewport.toPlane({ x: 444, y: 333 }).x, __whiteboard.viewport.toPlane({ x: 444, y: 333 }).y]");
  await until("the pointer is shown at its position", async () => {
    await b.mouse.move(444 + Math.random(), 333);
    const [pointer] = await pointers();
    return pointer && pointer[0] === "Grace Hopper" && Math.hypot(pointer[1] - x, pointer[2] - y) < 2;
  });
  const kept = await b.context().newPage();
  await kept.goto(`${scene.server.address}/d/${drawing}`);
  await kept.waitForSelector("html[data-started]", { state: "attached" });
  await kept.click("#people");
  await until("the name is remembered", async () => (await kept.locator("#my-name").inputValue()) === "Grace Hopper");
  await kept.close();
  await b.close();
  await until("the person who left has disappeared", async () => (await a.locator("#people .face").count()) === 1 && (await pointers()).length === 0);
});

test("a crowd is shown as some faces and a number, and active people by name", async () => {
  const { drawing, a, b: crowd } = await two();
  await crowd.evaluate(async (drawing) => {
    const hex = () => crypto.randomUUID().replaceAll("-", "");
    const open = (number) => new Promise((welcome) => {
      const socket = new WebSocket(`ws://${location.host}/ws/${drawing}?since=0`, "whiteboard.v1");
      socket.onmessage = ({ data }) => JSON.parse(data).type === "welcome" && welcome(socket);
      socket.onopen = () => socket.send(JSON.stringify({ type: "hello", key: hex(), tab: hex(), name: `Guest ${number}`, colour: "#1f78a8", next: 1 }));
    });
    globalThis.crowd = [];
    for (let number = 0; number < 70; number++) globalThis.crowd.push(await open(number));
  }, drawing);
  await until("all are counted", async () => (await a.locator("#people .face.more").textContent()) === "+68");
  assert.equal(await a.locator("#people .face").count(), 5);
  await a.click("#people");
  await until("the list says so too", async () => (await a.locator("#number").textContent()) === "72 people here");
  const listed = await a.locator("#others li").count();
  assert.ok(listed >= 49 && listed <= 50, `${listed} are listed`);
  assert.equal(await a.locator("#unnamed").textContent(), `and ${71 - listed} more`);
  const pointers = () => a.evaluate("__whiteboard.presence.shown(performance.now()).pointers.map(({ person }) => person.name)");
  await until("everyone who keeps moving is shown", async () => {
    await crowd.evaluate("crowd.slice(-5).forEach((socket) => socket.send(JSON.stringify({ type: \"signal\", pointer: { x: Math.random(), y: 0 } })))");
    return (await pointers()).length === 5;
  });
  assert.deepEqual((await pointers()).sort(), [65, 66, 67, 68, 69].map((number) => `Guest ${number}`));
  await crowd.evaluate("crowd.forEach((socket) => socket.close())");
  await until("they have left", async () => (await a.locator("#people .face").count()) === 2 && (await pointers()).length === 0);
  assert.equal(await a.locator("#unnamed").isVisible(), false);
});

test("a title changes for everybody", async () => {
  const { a, b } = await two();
  await a.click("#title");
  await a.fill("#title", "The plan");
  await a.keyboard.press("Enter");
  await until("the other sees the title", async () => (await b.locator("#title").inputValue()) === "The plan");
  assert.equal(await b.title(), "The plan · Whiteboard");
});

test("a deleted drawing is announced and can be restored with its strokes", async () => {
  const { drawing, a, b } = await two();
  await drag(a, [[200, 200], [300, 200]]);
  await waitForStrokes(b, 1);
  await waitForStatus(a, "Saved");
  await scene.server.api("DELETE", `/api/drawings/${drawing}`);
  await a.locator("#ended").waitFor();
  await b.locator("#ended").waitFor();
  await a.getByRole("alertdialog", { name: "This drawing was deleted" }).waitFor();
  assert.equal(await a.evaluate(() => document.activeElement?.id), "restore");
  await waitForStatus(a, "Deleted");
  await a.keyboard.press("Shift+Tab");
  await a.keyboard.press("Shift+Tab");
  assert.ok(await a.evaluate(() => document.activeElement === document.body || document.activeElement?.closest("#ended") !== null), "the focus stays in the dialog");
  await Promise.all([a.waitForNavigation(), a.click("#restore")]);
  await waitForStatus(a, "Saved");
  await waitForStrokes(a, 1);
});

test("the address of a drawing that does not exist shows a message", async () => {
  const one = await newUser();
  const page = await one.context.newPage();
  for (const id of ["0".repeat(32), "my-drawing"]) {
    await page.goto(`${scene.server.address}/d/${id}`);
    await page.getByRole("alertdialog", { name: "There is no drawing here" }).waitFor();
    assert.equal(await page.locator("#restore").isVisible(), false);
  }
});

test("the address of a drawing that was deleted a moment ago offers to restore it", async () => {
  const id = await scene.server.drawing();
  await scene.server.api("DELETE", `/api/drawings/${id}`);
  const page = await (await newUser()).context.newPage();
  await page.goto(`${scene.server.address}/d/${id}`);
  await page.getByRole("alertdialog", { name: "This drawing was deleted" }).waitFor();
  await Promise.all([page.waitForNavigation(), page.click("#restore")]);
  await waitForStatus(page, "Saved");
});

test("one finger draws, two pan and zoom", async () => {
  const drawing = await scene.server.drawing();
  const one = await newUser({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const page = await one.open(drawing);
  const session = await one.context.newCDPSession(page);
  const touch = (/** @type {string} */ type, /** @type {[number, number][]} */ ...points) =>
    session.send("Input.dispatchTouchEvent", { type: /** @type {any} */ (type), touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
  await touch("touchStart", [100, 300]);
  for (let i = 1; i <= 10; i += 1) await touch("touchMove", [100 + i * 10, 300]);
  await touch("touchEnd");
  await waitForStrokes(page, 1);
  await touch("touchStart", [150, 400], [250, 400]);
  for (let i = 1; i <= 10; i += 1) await touch("touchMove", [150 - i * 5, 400], [250 + i * 5, 400]);
  await touch("touchEnd");
  await until("it is twice as large", async () => Math.abs((await page.evaluate("__whiteboard.viewport.camera.zoom")) - 2) < 0.1);
  await waitForStatus(page, "Saved");
  await waitForStrokes(page, 1);
});

test("a pen's pressure sets the thickness, and after that fingers only pan", async () => {
  const drawing = await scene.server.drawing();
  const one = await newUser({ hasTouch: true });
  const page = await one.open(drawing);
  const session = await one.context.newCDPSession(page);
  const pen = (/** @type {"mousePressed"|"mouseMoved"|"mouseReleased"} */ type, /** @type {number} */ x, /** @type {number} */ force) =>
    session.send("Input.dispatchMouseEvent", {
      type, x, y: 300, force, pointerType: "pen", button: "left", buttons: type === "mouseReleased" ? 0 : 1, clickCount: 1,
    });
  await page.click('[aria-label="Very thick"]');
  await pen("mousePressed", 200, 0.05);
  for (let i = 1; i <= 40; i += 1) await pen("mouseMoved", 200 + i * 10, i / 40);
  await pen("mouseReleased", 600, 1);
  await waitForStrokes(page, 1);
  await waitForStatus(page, "Saved");
  const [{ body }] = await strokes(page);
  assert.equal(Buffer.from(body.points, "base64")[0], 1, "with a pressure for each point");
  await waitForPixel(page, "static", [580, 308]);
  await waitForPixel(page, "static", [215, 308], false);
  const touch = (/** @type {string} */ type, /** @type {number[]} */ ...xs) =>
    session.send("Input.dispatchTouchEvent", { type: /** @type {any} */ (type), touchPoints: xs.map((x) => ({ x, y: 500 })) });
  const before = await page.evaluate("__whiteboard.viewport.camera.x");
  await touch("touchStart", 400);
  for (let i = 1; i <= 10; i += 1) await touch("touchMove", 400 - i * 10);
  await touch("touchEnd");
  await until("the view moved", async () => (await page.evaluate("__whiteboard.viewport.camera.x")) === before + 100);
  await waitForStrokes(page, 1);
});

test("the wheel pans, and with Ctrl it zooms around the pointer", async () => {
  const page = await (await newUser()).open(await scene.server.drawing());
  const camera = () => page.evaluate("__whiteboard.viewport.camera");
  const start = await camera();
  await page.mouse.move(300, 200);
  await page.mouse.wheel(30, 40);
  await until("it moved", async () => (await camera()).y === start.y + 40 && (await camera()).x === start.x + 30);
  const under = await page.evaluate("__whiteboard.viewport.toPlane({ x: 300, y: 200 })");
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -40);
  await page.keyboard.up("Control");
  await until("it zoomed", async () => (await camera()).zoom > 1.2);
  const still = await page.evaluate("__whiteboard.viewport.toPlane({ x: 300, y: 200 })");
  assert.ok(Math.hypot(still.x - under.x, still.y - under.y) < 1e-6);
  await page.keyboard.press("0");
  await until("the zoom is 100 %", async () => (await camera()).zoom === 1);
  await page.keyboard.down("Space");
  await drag(page, [[300, 300], [350, 300]]);
  await page.keyboard.up("Space");
  await waitForStrokes(page, 0);
});
