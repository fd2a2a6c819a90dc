import assert from "node:assert/strict";
import { test } from "node:test";
import { handOf } from "./devices.js";
import { TestUser, drag, waitForStrokes, launched, waitForPixel, waitForStatus, strokes, until } from "./harness.js";
import { sharedScene } from "./scene.js";

const scene = sharedScene();
const { newUser, newPage } = scene;

/** @param {import("playwright-core").Page} page */
function camera(page) {
  return page.evaluate("__whiteboard.viewport.camera");
}

test("typing past the edge pans the drawing, and never scrolls the canvas away", async () => {
  const page = await newPage();
  await page.keyboard.press("t");
  await page.mouse.click(900, 500);
  await page.locator("#text-editor").waitFor();
  const before = await camera(page);
  await page.keyboard.type("The quick brown fox jumps\n\n\n\n\n\nover the lazy dog");
  await until("the drawing has moved", async () => (await camera(page)).x > before.x && (await camera(page)).y > before.y);
  const scrolled = await page.evaluate(() => [document.scrollingElement, document.body, document.getElementById("paper")].map((each) => [each.scrollLeft, each.scrollTop]));
  assert.deepEqual(scrolled, [[0, 0], [0, 0], [0, 0]]);
  const { x, y, width, height } = await page.locator("#text-editor").boundingBox();
  const [dock, bar] = [await page.locator("#dock").boundingBox(), await page.locator(".bar").boundingBox()];
  assert.ok(x + width < 1000 && y + height < dock.y, "the caret is visible");
  assert.ok(y + height > bar.y + bar.height);
  await page.keyboard.press("Escape");
  await waitForStrokes(page, 1);
  await page.mouse.move(500, 300);
  const { top, left } = await page.evaluate(() => document.getElementById("dynamic").getBoundingClientRect());
  assert.deepEqual([left, top], [0, 0]);
});

test("the pen outranks a palm that touches before it, beside it or after it", async () => {
  const one = await newUser({ hasTouch: true });
  const page = await one.open(await scene.server.drawing());
  const session = await one.context.newCDPSession(page);
  const pen = (/** @type {"mousePressed"|"mouseMoved"|"mouseReleased"} */ type, /** @type {number} */ x, /** @type {number} */ y) =>
    session.send("Input.dispatchMouseEvent", {
      type, x, y, force: 0.5, pointerType: "pen", button: "left", buttons: type === "mouseReleased" ? 0 : 1, clickCount: 1,
    });
  // A palm touches at one point or several; events of our own, since DevTools lets no touch and pen be down together.
  const palm = (/** @type {string} */ type, /** @type {number} */ pointerId, /** @type {number} */ x) =>
    page.evaluate(([type, pointerId, x]) => {
      const init = { pointerType: "touch", pointerId: Number(pointerId), clientX: Number(x), clientY: 600, bubbles: true, cancelable: true, isPrimary: false };
      document.getElementById("dynamic")?.dispatchEvent(new PointerEvent(String(type), init));
    }, [type, pointerId, x]);
  const stroke = async (/** @type {number} */ y, /** @type {() => Promise<void>} */ meanwhile) => {
    await pen("mousePressed", 200, y);
    await meanwhile();
    for (let i = 1; i <= 10; i += 1) await pen("mouseMoved", 200 + i * 20, y);
    await pen("mouseReleased", 400, y);
  };
  await stroke(200, async () => {});
  await waitForStrokes(page, 1);
  const before = await camera(page);
  // Before the pen, which also ends what the palm began.
  await palm("pointerdown", 71, 500);
  await stroke(250, () => palm("pointermove", 71, 520));
  await palm("pointerup", 71, 520);
  await waitForStrokes(page, 2);
  // Soon after the pen, at two points.
  await stroke(300, async () => {
    await palm("pointerdown", 72, 500);
    await palm("pointerdown", 73, 530);
    await palm("pointermove", 73, 560);
  });
  await palm("pointerup", 72, 500);
  await palm("pointerup", 73, 560);
  await waitForStrokes(page, 3);
  for (const y of [200, 250, 300]) await waitForPixel(page, "static", [300, y]);
  assert.deepEqual(await camera(page), before, "the palm moved nothing");
  // Without the pen a finger pans.
  await palm("pointerdown", 74, 500);
  await palm("pointermove", 74, 450);
  await palm("pointerup", 74, 450);
  await until("the view moved", async () => (await camera(page)).x === before.x + 50);
});

test("a palm that rests beside the pen opens no menu, and ends nothing", async () => {
  const one = await newUser({ hasTouch: true });
  const page = await one.open(await scene.server.drawing());
  await page.keyboard.press("r");
  await drag(page, [[300, 300], [400, 400]]);
  await page.keyboard.press("v");
  const session = await one.context.newCDPSession(page);
  const pen = (/** @type {"mousePressed"|"mouseMoved"|"mouseReleased"} */ type, /** @type {number} */ x) =>
    session.send("Input.dispatchMouseEvent", {
      type, x, y: 350, force: 0.5, pointerType: "pen", button: "left", buttons: type === "mouseReleased" ? 0 : 1, clickCount: 1,
    });
  await pen("mousePressed", 300);
  await pen("mouseMoved", 320);
  // An event of our own, since DevTools lets no touch and pen be down together. It rests longer than a finger that is held.
  const menus = await page.evaluate(() => new Promise((resolve) => {
    const init = { pointerType: "touch", pointerId: 71, clientX: 600, clientY: 600, bubbles: true, cancelable: true };
    document.getElementById("dynamic")?.dispatchEvent(new PointerEvent("pointerdown", init));
    setTimeout(() => resolve(document.querySelectorAll(".context-menu").length), 700);
  }));
  await pen("mouseMoved", 350);
  await pen("mouseReleased", 350);
  assert.equal(menus, 0);
  await until("it has moved", async () => (await strokes(page))[0].body.x === -150);
});

test("leaving by the back link shows at once, even if the browser keeps the page", async () => {
  const keeping = await launched({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
  try {
    const drawing = await scene.server.drawing();
    const [ada, bob] = [await TestUser.create(keeping, scene.server), await newUser()];
    const [page, other] = [await ada.open(drawing), await bob.open(drawing)];
    const here = () => other.locator("#people").getAttribute("aria-label");
    await until("both are here", async () => (await here()) === "People here: 2");
    await page.click('[aria-label="All drawings"]');
    await page.locator("#create").waitFor();
    await until("the other sees it", async () => (await here()) === "People here: 1", 5_000);
    await page.goBack();
    await waitForStatus(page, "Saved");
    await until("both are here again", async () => (await here()) === "People here: 2");
    assert.deepEqual(ada.errors, []);
  } finally {
    await keeping.close();
  }
});

test("undo and redo of what somebody else has erased say so", async () => {
  const drawing = await scene.server.drawing();
  const [a, b] = [await (await newUser()).open(drawing), await (await newUser()).open(drawing)];
  await drag(a, [[200, 200], [300, 200]]);
  await waitForStrokes(b, 1);
  await b.keyboard.press("e");
  await drag(b, [[250, 180], [250, 220]]);
  await waitForStrokes(a, 0);
  await a.keyboard.press("Control+z");
  const said = a.getByText("Somebody else has erased it.");
  await said.waitFor({ timeout: 5_000 });
  await waitForStatus(a, "Saved");
  await said.waitFor({ state: "detached", timeout: 15_000 });
  // A move that was undone cannot be done again when the stroke is gone.
  await a.keyboard.press("p");
  await drag(a, [[200, 300], [300, 300]]);
  await a.keyboard.press("v");
  await a.mouse.click(250, 300);
  await a.keyboard.press("ArrowRight");
  await a.keyboard.press("Control+z");
  await waitForStatus(a, "Saved");
  await waitForStrokes(b, 1);
  await drag(b, [[250, 280], [250, 320]]);
  await waitForStrokes(a, 0);
  await a.keyboard.press("Control+Shift+z");
  await said.waitFor({ timeout: 5_000 });
  assert.deepEqual(await strokes(a), []);
});

test("people in one drawing have different colours", async () => {
  const drawing = await scene.server.drawing();
  const pages = [];
  for (const name of ["Ada", "Bob", "Eve"]) {
    const one = await newUser();
    await one.context.addInitScript((name) => {
      if (!localStorage.getItem("me")) localStorage.setItem("me", JSON.stringify({ name, colour: "#c2452d" }));
    }, name);
    pages.push(await one.open(drawing));
  }
  for (const page of pages) {
    await until("there are three colours", async () => {
      const colours = await page.locator("#people .face").evaluateAll((faces) => faces.map((face) => face.style.getPropertyValue("--face")));
      return colours.length === 3 && new Set(colours).size === 3;
    });
    await waitForStatus(page, "Saved");
  }
});

for (const [key, points] of /** @type {[string, [number, number][]][]} */ ([["r", [[200, 150], [800, 550]]], ["o", [[200, 150], [800, 550]]], ["p", [[200, 150], [800, 150], [800, 550], [200, 550], [200, 150]]]])) {
  test(`inside a large outline that the key ${key} draws a button leads back, unless some of it is in sight`, async () => {
    const page = await newPage();
    const back = page.getByRole("button", { name: "Back to the drawing" });
    const zoomed = (/** @type {number} */ factor) => page.evaluate((by) => /** @type {any} */ (globalThis).__whiteboard.viewport.zoom(by, { x: 500, y: 350 }), factor);
    await zoomed(0.05);
    await page.keyboard.press(key);
    await drag(page, points);
    await waitForStrokes(page, 1);
    await zoomed(20);
    await back.waitFor();
    // To its left side, which is 6,000 units from the middle of the window, and back.
    const pan = (/** @type {number} */ dx) => page.evaluate((by) => /** @type {any} */ (globalThis).__whiteboard.viewport.pan(by, 0), dx);
    await pan(6_000);
    await back.waitFor({ state: "hidden" });
    await pan(-6_000);
    await back.click();
    await back.waitFor({ state: "hidden" });
    await waitForPixel(page, "static", [500, 150], false);
    assert.ok((await camera(page)).zoom < 0.2);
  });
}

test("Ctrl and the wheel over a panel zoom the drawing, not the page", async () => {
  const page = await newPage();
  await page.evaluate(() => addEventListener("wheel", (event) => Object.assign(globalThis, { __prevented: event.defaultPrevented })));
  for (const panel of ["#dock #kit", ".titled"]) {
    const { x, y, width, height } = await page.locator(panel).boundingBox();
    await page.mouse.move(x + width / 2, y + height / 2);
    const { zoom } = await camera(page);
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -40);
    await page.keyboard.up("Control");
    await until("the drawing is larger", async () => (await camera(page)).zoom > zoom);
    assert.equal(await page.evaluate("__prevented"), true, panel);
  }
});

test("with reduced motion nothing moves, not even what is drawn before an element", async () => {
  const page = await newPage({ reducedMotion: "reduce" });
  await page.locator("#save-status").evaluate((status) => (status.dataset.state = "connecting"));
  const moving = () => page.evaluate(() => [...document.querySelectorAll("*")].flatMap((each) => ["", "::before", "::after"].map((part) => getComputedStyle(each, part)))
    .filter(({ animationName, transitionDuration }) => animationName !== "none" || transitionDuration !== "0s").length);
  assert.equal(await moving(), 0);
  await page.goto(scene.server.address);
  await page.locator(".card").first().waitFor();
  assert.equal(await moving(), 0);
  await page.goto(`${scene.server.address}/nothing/here`);
  assert.equal(await moving(), 0);
});

test("the help sheet lists the keys, is closed by the keyboard, and takes no key from the drawing", async () => {
  const page = await newPage();
  await page.keyboard.press("?");
  const sheet = page.getByRole("dialog", { name: "Keys" });
  await sheet.waitFor();
  assert.equal(await sheet.locator("dt", { hasText: /^Undo$/ }).locator("+ dd kbd").textContent(), "Ctrl+Z");
  await page.keyboard.press("m");
  assert.equal(await page.locator('[aria-label="Pen (P)"]').getAttribute("aria-pressed"), "true");
  await page.keyboard.press("Escape");
  await sheet.waitFor({ state: "detached" });
  await page.locator('[aria-label="Help (?)"]').focus();
  await page.keyboard.press("Enter");
  await sheet.waitFor();
  await page.keyboard.press("Enter");
  await sheet.waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Help (?)");
});

test("a stroke of an unknown kind is shown as a box, and the page works on", async () => {
  const drawing = await scene.server.drawing();
  const page = await (await newUser()).open(drawing);
  await page.evaluate(async (drawing) => {
    const hex = () => crypto.randomUUID().replaceAll("-", "");
    const socket = new WebSocket(`ws://${location.host}/ws/${drawing}?since=0`, "whiteboard.v1");
    const body = { kind: "hologram", x: 200, y: 150, w: 80, h: 40, colour: "ink", beam: [1] };
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", key: hex(), tab: hex(), name: "Eve", colour: "#1f78a8", next: 1 }));
    await new Promise((done) => (socket.onmessage = ({ data }) => JSON.parse(data).type === "welcome" && done(null)));
    socket.send(JSON.stringify({ type: "ops", ops: [{ n: 1, op: "draw", stroke: "A".repeat(22), body }] }));
  }, drawing);
  await waitForStrokes(page, 1);
  assert.deepEqual((await strokes(page))[0].body.beam, [1]);
  const { x, y } = await page.evaluate("__whiteboard.viewport.toScreen({ x: 200, y: 150 })");
  await waitForPixel(page, "static", [Math.round(x), Math.round(y)]);
  await drag(page, [[300, 500], [400, 500]]);
  await waitForStrokes(page, 2);
});

test("a tap on a button right after a fast stroke of a finger is not lost", async () => {
  const page = await (await newUser({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })).open(await scene.server.drawing());
  const { drag, move, lift } = await handOf(page, "touch");
  const { x, y, width, height } = await page.locator('[data-command="undo"]').first().boundingBox();
  // A flick is one by its speed; the pauses after it are those of a hurried person.
  for (const pause of [60, 150, 300]) {
    await drag([[200, 600]], { lift: false });
    for (let step = 1; step <= 5; step += 1) {
      await move([200, 600 - 60 * step]);
      await page.waitForTimeout(8);
    }
    await lift();
    await waitForStrokes(page, 1);
    await page.waitForTimeout(pause);
    await drag([[x + width / 2, y + height / 2]]);
    await waitForStrokes(page, 0);
  }
});
