import assert from "node:assert/strict";
import { test } from "node:test";
import { drag, until, waitForStrokes } from "./harness.js";
import { sharedScene } from "./scene.js";

const scene = sharedScene();

/**
 * Opens a drawing as a new person.
 * @param {string} drawing
 * @param {string} name
 */
async function opened(drawing, name) {
  const user = await scene.newUser({ reducedMotion: "reduce" });
  await user.context.addInitScript((name) => {
    if (!localStorage.getItem("me")) localStorage.setItem("me", JSON.stringify({ name, colour: "#c2452d" }));
  }, name);
  return user.open(drawing);
}

/** Ada and Bob on one drawing, who know each other. */
async function two() {
  const drawing = await scene.server.drawing();
  const [ada, bob] = [await opened(drawing, "Ada"), await opened(drawing, "Bob")];
  for (const page of [ada, bob]) await until("both are here", async () => (await page.locator("#people .face").count()) === 2);
  return { drawing, ada, bob };
}

const camera = (page) => page.evaluate("__whiteboard.viewport.camera");
const setCamera = (page, camera) => page.evaluate((camera) => globalThis.__whiteboard.viewport.setCamera(camera), camera);
const same = (a, b) => Math.abs(a.x - b.x) < 1 && Math.abs(a.y - b.y) < 1 && Math.abs(a.zoom - b.zoom) < 0.01;

/** Waits until a page shows what a camera shows. */
async function waitForView(page, wanted) {
  await until("the view is there", async () => same(await camera(page), wanted));
}

test("following keeps the other's view until one's own pan", async () => {
  const { ada, bob } = await two();
  await setCamera(ada, { x: 3_000, y: -2_000, zoom: 2 });
  await bob.click("#people");
  await bob.click('[aria-label="Follow Ada"]');
  await waitForView(bob, { x: 3_000, y: -2_000, zoom: 2 });
  await bob.locator("#following").waitFor();
  assert.equal(await bob.textContent("#followed-name"), "Following Ada");
  assert.equal(await bob.getAttribute('[aria-label="Follow Ada"]', "aria-pressed"), "true");
  await setCamera(ada, { x: -500, y: 900, zoom: 0.5 });
  await waitForView(bob, { x: -500, y: 900, zoom: 0.5 });
  await bob.mouse.move(500, 400);
  await bob.mouse.wheel(0, 120);
  await bob.locator("#following").waitFor({ state: "hidden" });
  const own = await camera(bob);
  await setCamera(ada, { x: 0, y: 0, zoom: 1 });
  await until("Ada's view is known", async () => same(await bob.evaluate(() => {
    const { presence } = globalThis.__whiteboard;
    const { left, top, right } = presence.viewOf(presence.places()[0].person.writer);
    return { x: left, y: top, zoom: 1000 / (right - left) };
  }), { x: 0, y: 0, zoom: 1 }));
  assert.deepEqual(await camera(bob), own);
});

test("two who follow each other come to rest", async () => {
  const { ada, bob } = await two();
  await bob.setViewportSize({ width: 700, height: 700 });
  await setCamera(ada, { x: 100, y: 100, zoom: 1 });
  await bob.click("#people");
  await bob.click('[aria-label="Follow Ada"]');
  await bob.locator("#following").waitFor();
  await ada.click("#people");
  await ada.click('[aria-label="Follow Bob"]');
  await ada.locator("#following").waitFor();
  let last;
  await until("nothing moves", async () => {
    const now = JSON.stringify([await camera(ada), await camera(bob)]);
    const rests = now === last;
    last = now;
    await ada.waitForTimeout(400);
    return rests;
  });
  assert.ok((await camera(ada)).zoom > 0.5);
});

test("a mark at the edge leads to who is out of sight", async () => {
  const { ada, bob } = await two();
  assert.equal(await bob.locator(".edge-mark").count(), 0);
  await setCamera(ada, { x: 5_000, y: 0, zoom: 1 });
  const mark = bob.locator(".edge-mark");
  await mark.waitFor();
  const { x, width } = await mark.boundingBox();
  assert.ok(x + width > 900 && x + width <= 1000, "at the right edge");
  assert.equal(await mark.getAttribute("aria-label"), "Go to Ada");
  await mark.click();
  await waitForView(bob, { x: 5_000, y: 0, zoom: 1 });
  await until("she is in sight", async () => (await mark.count()) === 0);
});

test("an invitation offers to come and moves nobody by itself", async () => {
  const { ada, bob } = await two();
  await setCamera(ada, { x: 800, y: 700, zoom: 1 });
  const before = await camera(bob);
  await ada.click("#people");
  await ada.click("#call");
  const offer = bob.locator(".toast", { hasText: "Ada asks you to come and look." });
  await offer.waitFor();
  assert.deepEqual(await camera(bob), before);
  await ada.click("#call");
  await ada.locator(".toast", { hasText: "They were asked a moment ago." }).waitFor();
  await offer.locator("button").click();
  await waitForView(bob, { x: 800, y: 700, zoom: 1 });
});

test("everyone has a colour that nobody else has, and can choose another free one", async () => {
  const { drawing, ada, bob } = await two();
  const colourOf = (page) => page.evaluate(() => JSON.parse(localStorage.getItem("me")).colour);
  await until("they differ", async () => (await colourOf(ada)) !== (await colourOf(bob)));
  const cleo = await opened(drawing, "Cleo");
  await until("three differ", async () => new Set([await colourOf(ada), await colourOf(bob), await colourOf(cleo)]).size === 3);
  await ada.click("#people");
  await until("two are taken", async () => (await ada.locator(".own-colour:disabled").count()) === 2);
  const free = ada.locator('.own-colour:not(:disabled)[aria-checked="false"]').first();
  const wanted = await free.evaluate((one) => one.style.getPropertyValue("--face"));
  await free.click();
  assert.equal(await colourOf(ada), wanted);
  await until("Bob sees it", () => bob.evaluate((wanted) => globalThis.__whiteboard.presence.places().some(({ person }) => person.name === "Ada" && person.colour === wanted), wanted));
});

test("the focus stays in the list while people come and go, and Escape gives it back", async () => {
  const { drawing, ada, bob } = await two();
  await ada.locator("#people").focus();
  await ada.keyboard.press("Enter");
  await ada.locator("#people-panel :focus").waitFor();
  assert.equal(await ada.evaluate(() => document.activeElement?.id), "my-name");
  await ada.locator('[aria-label="Go to Bob"]').focus();
  await opened(drawing, "Cleo");
  await ada.locator('[aria-label="Go to Cleo"]').waitFor();
  assert.equal(await ada.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Go to Bob");
  // Also if Bob is gone for a moment.
  await bob.goto(`${scene.server.address}/`);
  await ada.locator('[aria-label="Go to Bob"]').waitFor({ state: "detached" });
  await bob.goto(`${scene.server.address}/d/${drawing}`);
  await ada.locator('[aria-label="Go to Bob"]').waitFor();
  assert.equal(await ada.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Go to Bob");
  await ada.keyboard.press("Escape");
  await ada.locator("#people-panel").waitFor({ state: "hidden" });
  assert.equal(await ada.evaluate(() => document.activeElement?.id), "people");
});

test("the share sheet has the link, a code for it, and copies it", async () => {
  const { drawing, ada } = await two();
  await ada.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await ada.click("#share");
  const link = `${scene.server.address}/d/${drawing}`;
  assert.equal(await ada.inputValue(".link-field"), link);
  await ada.locator(".qr path").waitFor();
  const read = await ada.evaluate(async () => {
    const d = document.querySelector(".qr path").getAttribute("d");
    const { qrcode } = await import("/assets/dev/vendor/qrcode-generator.mjs");
    const code = qrcode(0, "M");
    code.addData(location.href);
    code.make();
    const path = new Path2D(d);
    const context = document.createElement("canvas").getContext("2d");
    const count = code.getModuleCount();
    for (let row = 0; row < count; row += 1) {
      for (let column = 0; column < count; column += 1) {
        if (context.isPointInPath(path, column + 0.5, row + 0.5) !== code.isDark(row, column)) return `${row}, ${column} differs`;
      }
    }
    return count > 20;
  });
  assert.equal(read, true);
  await ada.click(".share-sheet .primary");
  await ada.locator(".toast", { hasText: "Link copied" }).waitFor();
  assert.equal(await ada.evaluate(() => navigator.clipboard.readText()), link);
  await ada.locator(".share-sheet").waitFor({ state: "detached" });
});

test("the strokes in sight are listed for screen readers", async () => {
  const { ada, bob } = await two();
  await ada.click('[aria-label="Red"]');
  await drag(ada, [[300, 300], [400, 320]]);
  await ada.keyboard.press("t");
  await ada.mouse.click(500, 400);
  await ada.keyboard.type("Hello");
  await ada.keyboard.press("Escape");
  await waitForStrokes(bob, 2);
  const lines = () => bob.locator("#strokes li").allTextContents();
  await until("both are listed", async () => (await lines()).join() === "Text: Hello,Pen, Red");
  await setCamera(bob, { x: 9_000, y: 0, zoom: 1 });
  await until("none is in sight", async () => (await lines()).length === 0);
  assert.equal(await bob.textContent("#strokes p"), "2 strokes on the drawing. 0 in sight.");
});
