import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { isReplicaStored, Server, TestUser, drag, launched, strokes, until, waitForPixel, waitForStatus, waitForStrokes } from "./harness.js";

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {TestUser[]} */
let people = [];

before(async () => {
  browser = await launched();
});
after(() => browser?.close());
beforeEach(async () => {
  server = await Server.start();
});
afterEach(async () => {
  const errors = people.flatMap(({ errors }) => errors);
  await Promise.all(people.map(({ context }) => context.close()));
  people = [];
  await server?.remove();
  assert.deepEqual(errors, []);
});

/** @param {import("playwright-core").BrowserContextOptions} [options] */
async function newUser(options) {
  const one = await TestUser.create(browser, server, { serviceWorkers: "allow", ...options });
  people.push(one);
  return one;
}

/** Waits until a page is served by the service worker, which then has stored every file.
 * @param {import("playwright-core").Page} page */
async function waitForWorker(page) {
  await until("the service worker serves the page", () => page.evaluate(() => navigator.serviceWorker.controller?.state === "activated"), 60_000);
}

/** Waits until the replica of a drawing is stored up to the position that the page holds.
 * @param {import("playwright-core").Page} page */
async function waitForStoredReplica(page) {
  await until("the replica is stored", () => page.evaluate(isReplicaStored), 30_000);
}

/** Strokes without their places in the painting order, which the server decides. */
const bodies = async (/** @type {import("playwright-core").Page} */ page) => (await strokes(page)).map(({ id, body }) => ({ id, body }));

test("in flight mode a visited drawing and the home page open cold, and edits made there are sent on return", async () => {
  const drawing = await server.drawing("Flight plan");
  const one = await newUser();
  let page = await one.open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStatus(page, "Saved");
  const middle = await page.evaluate("__whiteboard.viewport.toPlane({ x: 250, y: 200 })");
  await waitForWorker(page);
  await waitForStoredReplica(page);
  const home = await one.list();
  await home.getByText("Flight plan").waitFor();
  await home.close();
  await page.close();

  await one.context.setOffline(true);
  page = await one.context.newPage();
  await page.goto(`${server.address}/d/${drawing}`);
  await waitForStatus(page, "Offline");
  await waitForStrokes(page, 1);
  // The view shows everything, as on a first visit.
  const { x, y } = /** @type {any} */ (await page.evaluate(`__whiteboard.viewport.toScreen(${JSON.stringify(middle)})`));
  await waitForPixel(page, "static", [x, y]);
  assert.equal(await page.inputValue("#title"), "Flight plan");
  await drag(page, [[200, 300], [300, 300]]);
  await waitForStatus(page, "Offline, will send 1");
  // What is loaded when it is first opened.
  for (const [button, panel] of [["#people", "#people-panel"], ["#menu-button", "#menu"], ["#share", ".sheet"]]) {
    await page.locator(button).press("Enter");
    await page.locator(`${panel} :focus`).waitFor();
    await page.keyboard.press("Escape");
    await page.locator(panel).waitFor({ state: "hidden" });
  }
  const list = await one.list();
  await list.getByText("Flight plan").waitFor();
  await list.locator("#load-error").getByText(/Offline/).waitFor();
  await list.close();

  /** @type {any[]} */
  const sent = [];
  /** @type {string[]} */
  const sockets = [];
  page.on("websocket", (socket) => {
    sockets.push(socket.url());
    socket.on("framesent", ({ payload }) => sent.push(JSON.parse(String(payload))));
  });
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  const head = await page.evaluate("__whiteboard.replica.head");
  await one.context.setOffline(false);
  await waitForStatus(page, "Saved");
  await waitForStrokes(await (await newUser()).open(drawing), 2);
  assert.ok(sockets.length > 0 && sockets.every((url) => Number(new URL(url).searchParams.get("since")) >= Number(head)), `only what is new is asked for: ${sockets}`);
  assert.ok(!requests.some((url) => url.includes("/strokes")), "the drawing is not read anew");
  assert.equal(sent.filter(({ type }) => type === "ops").flatMap(({ ops }) => ops).length, 1);
});

test("strokes drawn in flight mode survive the page, can be undone after a reload, and are sent later", async () => {
  const drawing = await server.drawing();
  const one = await newUser();
  const page = await one.open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStatus(page, "Saved");
  await waitForWorker(page);
  await waitForStoredReplica(page);
  await one.context.setOffline(true);
  await waitForStatus(page, "Offline");
  await drag(page, [[200, 300], [300, 300]]);
  await drag(page, [[200, 400], [300, 400]]);
  await waitForStatus(page, "Offline, will send 2");
  await page.reload();
  await waitForStatus(page, "Offline, will send 2");
  await waitForStrokes(page, 3);
  await until("undo is possible", () => page.locator('[data-command="undo"]').isEnabled());
  await page.keyboard.press("Control+z");
  await waitForStrokes(page, 2);
  await waitForStatus(page, "Offline, will send 3");
  await one.context.setOffline(false);
  await waitForStatus(page, "Saved");
  const other = await (await newUser()).open(drawing);
  await waitForStrokes(other, 2);
  assert.deepEqual(await bodies(other), await bodies(page));
  await page.keyboard.press("Control+z");
  await waitForStrokes(other, 1);
  await page.keyboard.press("Control+Shift+z");
  await page.keyboard.press("Control+Shift+z");
  await waitForStrokes(other, 3);
});

test("two tabs offline both keep their strokes, and agree once they are back", async () => {
  const drawing = await server.drawing();
  const one = await newUser();
  const tabs = [await one.open(drawing), await one.open(drawing)];
  // A person draws in the tab in front; others are not painted.
  await tabs[0].bringToFront();
  await drag(tabs[0], [[200, 200], [300, 200]]);
  for (const tab of tabs) await waitForStrokes(tab, 1);
  for (const tab of tabs) await waitForStatus(tab, "Saved");
  await waitForWorker(tabs[0]);
  await waitForStoredReplica(tabs[0]);
  await one.context.setOffline(true);
  for (const [i, tab] of tabs.entries()) {
    await waitForStatus(tab, "Offline");
    await tab.bringToFront();
    await drag(tab, [[200, 300 + 50 * i], [300, 300 + 50 * i]]);
    await waitForStatus(tab, "Offline, will send 1");
  }
  await tabs[1].reload();
  await waitForStrokes(tabs[1], 2);
  await one.context.setOffline(false);
  for (const tab of tabs) await waitForStrokes(tab, 3);
  for (const tab of tabs) await waitForStatus(tab, "Saved");
  assert.deepEqual(await strokes(tabs[0]), await strokes(tabs[1]));
  await waitForStoredReplica(tabs[0]);
});

test("a drawing that was never opened here says so in flight mode, and appears later", async () => {
  const [visited, other] = [await server.drawing(), await server.drawing("Elsewhere")];
  const one = await newUser();
  const page = await one.open(visited);
  await waitForWorker(page);
  await one.context.setOffline(true);
  await page.goto(`${server.address}/d/${other}`);
  await waitForStatus(page, "Offline: not opened here before");
  await one.context.setOffline(false);
  await waitForStatus(page, "Saved");
  assert.equal(await page.inputValue("#title"), "Elsewhere");
});

test("with a dead or a frozen server pages open from what is stored, and a live server's page is never replaced", async () => {
  const drawing = await server.drawing("Before");
  const one = await newUser();
  const page = await one.open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStatus(page, "Saved");
  await waitForWorker(page);
  await waitForStoredReplica(page);
  server.freeze();
  await page.reload();
  await waitForStrokes(page, 1);
  await waitForStatus(page, /Connecting|Reconnecting/);
  server.thaw();
  await waitForStatus(page, "Saved");
  await server.stop("SIGKILL");
  await page.reload();
  await waitForStrokes(page, 1);
  await waitForStatus(page, "Reconnecting…");
  await drag(page, [[200, 300], [300, 300]]);
  await waitForStatus(page, "Reconnecting… (1 not saved)");
  await server.start();
  await waitForStatus(page, "Saved");
  const answer = await page.reload();
  assert.equal(answer?.fromServiceWorker(), true);
  await page.evaluate(() => caches.open("whiteboard-dev").then((cache) => cache.put("/", new Response("stale"))));
  await page.goto(server.address);
  await page.getByText("New drawing").waitFor();
});

test("undo and redo survive a reload, and are refused where somebody else has changed the stroke", async () => {
  const drawing = await server.drawing();
  const one = await newUser();
  const page = await one.open(drawing);
  const other = await (await newUser()).open(drawing);
  for (const y of [200, 300, 400]) await drag(page, [[200, y], [300, y]]);
  await page.keyboard.press("Control+z");
  await waitForStatus(page, "Saved");
  await page.reload();
  await waitForStatus(page, "Saved");
  await until("redo is possible", () => page.locator('[data-command="redo"]').isEnabled());
  await page.keyboard.press("Control+Shift+z");
  await waitForStrokes(page, 3);
  await waitForStrokes(other, 3);
  await other.keyboard.press("e");
  await drag(other, [[250, 390], [250, 410]]);
  await waitForStrokes(page, 2);
  await page.keyboard.press("Control+z");
  await page.getByText("somebody else has erased it").waitFor();
  await page.keyboard.press("Control+z");
  await page.keyboard.press("Control+z");
  await waitForStrokes(other, 0);
});

test("the application can be installed", async () => {
  const one = await newUser();
  const page = await one.list();
  const session = await one.context.newCDPSession(page);
  const { errors, data } = await session.send("Page.getAppManifest");
  assert.deepEqual(errors, []);
  const manifest = JSON.parse(data ?? "");
  assert.equal(manifest.display, "standalone");
  const address = await page.evaluate(() => /** @type {HTMLLinkElement} */ (document.querySelector('link[rel="manifest"]')).href);
  for (const { src, sizes, type } of manifest.icons) {
    const answer = await fetch(new URL(src, address));
    assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, type]);
    if (type !== "image/png") continue;
    const bytes = Buffer.from(await answer.arrayBuffer());
    assert.equal(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`, sizes);
  }
  const worker = await fetch(`${server.address}/sw.js`);
  assert.equal(worker.headers.get("cache-control"), "no-cache");
  assert.match(worker.headers.get("content-type") ?? "", /^text\/javascript/);
});
