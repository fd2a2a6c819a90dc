import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, TestUser, drag, launched, until, waitForPixel, waitForStatus } from "./harness.js";

/** Maximum of bytes of a first visit, compressed, without and with headers, and of requests that wait for each other. */
const MAX_BYTES = 150_000;
const MAX_BYTES_WITH_HEADERS = 210_000;
const MAX_DEPTH = 3;
/** Modules that a page needs only later, by parts of their names. */
const LATER = ["ui/menu.js", "people-panel", "context-menu", "help-sheet", "export-sheet", "share-sheet", "strings/later"];

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  server = await Server.start();
  browser = await launched();
});
after(async () => {
  await browser?.close();
  await server?.remove();
});

/**
 * Opens a page in a fresh browser, and reports each request: its bytes, and how many others it waited for.
 * @param {string} path
 * @param {(page: import("playwright-core").Page) => Promise<unknown>} ready
 */
async function firstVisit(path, ready) {
  const one = await TestUser.create(browser, server);
  const page = await one.context.newPage();
  const session = await one.context.newCDPSession(page);
  await session.send("Network.enable");
  /** @type {Map<string, {url: string, from: string, headers: number, bytes: number, ended: boolean}>} */
  const requests = new Map();
  session.on("Network.requestWillBeSent", ({ requestId, request, initiator }) => {
    // What a script requests waits for the script; a file that HTML or CSS names waits for that.
    const from = initiator.url ?? initiator.stack?.callFrames[0]?.url ?? "";
    requests.set(requestId, { url: request.url, from, headers: 0, bytes: 0, ended: false });
  });
  session.on("Network.responseReceived", ({ requestId, response }) => {
    Object.assign(requests.get(requestId) ?? {}, { headers: response.encodedDataLength });
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    Object.assign(requests.get(requestId) ?? {}, { bytes: encodedDataLength, ended: true });
  });
  await page.goto(server.address + path);
  await ready(page);
  await until("all is loaded", () => [...requests.values()].every(({ ended }) => ended));
  await one.context.close();
  const all = [...requests.values()].map((each) => ({ ...each, url: each.url.replace(server.address, ""), from: each.from.replace(server.address, "") }));
  const depth = (/** @type {string} */ url, /** @type {string[]} */ seen = []) => {
    const from = all.find((each) => each.url === url)?.from;
    return !from || seen.includes(from) || from === url ? 1 : 1 + depth(from, [...seen, url]);
  };
  return { all, bytes: all.reduce((sum, each) => sum + each.bytes, 0), headers: all.reduce((sum, each) => sum + each.headers, 0), deepest: all.map(({ url }) => ({ url, depth: depth(url) })).sort((a, b) => b.depth - a.depth)[0] };
}

for (const [name, path, ready] of /** @type {[string, () => Promise<string>, (page: import("playwright-core").Page) => Promise<unknown>][]} */ ([
  ["home page", async () => "/", (page) => page.getByRole("heading", { name: "Whiteboard" }).waitFor()],
  ["drawing", async () => `/d/${await server.drawing()}`, (page) => waitForStatus(page, "Saved")],
])) {
  test(`the ${name} loads little, at once, and nothing that is needed later`, async (t) => {
    const { all, bytes, headers, deepest } = await firstVisit(await path(), ready);
    t.diagnostic(`${all.length} requests, ${bytes} bytes, of which ${headers} of headers, deepest ${deepest.depth}: ${deepest.url}`);
    assert.ok(all.length > 5 && bytes > 10_000, "requests are counted");
    assert.ok(bytes <= MAX_BYTES_WITH_HEADERS);
    assert.ok(bytes - headers <= MAX_BYTES, `${bytes} bytes: ${all.sort((a, b) => b.bytes - a.bytes).slice(0, 12).map(({ url, bytes }) => `${url} ${bytes}`).join(", ")}`);
    assert.ok(deepest.depth <= MAX_DEPTH, `${deepest.url} waits for ${deepest.depth - 1} others`);
    assert.deepEqual(all.filter(({ url }) => LATER.some((part) => url.includes(part))).map(({ url }) => url), []);
  });
}

test("a drawing is painted while other modules of its page are on their way, and is drawn on once they are here", async () => {
  const drawing = await server.drawing("Early");
  const author = await TestUser.create(browser, server);
  const first = await author.open(drawing);
  await drag(first, [[300, 350], [700, 350]]);
  await waitForStatus(first, "Saved");
  await author.context.close();

  const reader = await TestUser.create(browser, server);
  const page = await reader.context.newPage();
  /** @type {(value?: unknown) => void} */
  let goOn = () => {};
  const held = new Promise((resolve) => (goOn = resolve));
  await page.route("**/pages/board-page.js", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${server.address}/d/${drawing}`, { waitUntil: "commit" });
  await page.waitForSelector("#static", { state: "attached" });
  await waitForPixel(page, "static", [500, 350]);
  for (const height of [500, 700]) {
    await page.setViewportSize({ width: 1000, height });
    await until("it has the window's size", () => page.evaluate((wanted) => /** @type {any} */ (document.getElementById("dynamic")).height === wanted, height));
  }
  assert.notEqual(await page.locator("#save-status").textContent(), "Saved", "the page is not whole yet");
  goOn();
  await waitForStatus(page, "Saved");
  assert.equal(await page.inputValue("#title"), "Early");
  await drag(page, [[300, 500], [700, 500]]);
  await waitForPixel(page, "static", [500, 500]);
  await waitForStatus(page, "Saved");
  await reader.context.close();
});

/** Holds a module of a page back until the returned function is called, which waits until it has run.
 * @param {import("playwright-core").Page} page
 * @param {string} module in ui/ */
async function heldBack(page, module) {
  /** @type {(value?: unknown) => void} */
  let goOn = () => {};
  const held = new Promise((resolve) => (goOn = resolve));
  const asked = page.waitForRequest(`**/ui/${module}.js`);
  await page.route(`**/ui/${module}.js`, async (route) => {
    await held;
    await route.continue();
  });
  return async () => {
    const address = (await asked).url();
    goOn();
    await page.evaluate((address) => import(address), address);
  };
}

/** Buttons whose panels come late: their selectors, modules and panels. */
const LATE = [["#people", "people-panel", "#people-panel"], ["#menu-button", "menu", "#menu"], ["#share", "share-sheet", ".share-sheet"]];

test("a button that is pressed again while its panel is on its way opens it once", async () => {
  const user = await TestUser.create(browser, server);
  const page = await user.open(await server.drawing());
  await page.waitForSelector("html[data-started]", { state: "attached" });
  for (const [button, module, panel] of LATE) {
    const goOn = await heldBack(page, module);
    await page.click(button);
    await page.click(button);
    await goOn();
    await page.locator(panel).first().waitFor();
    assert.equal(await page.locator(panel).count(), 1);
    await page.keyboard.press("Escape");
    await page.locator(panel).waitFor({ state: "hidden" });
  }
  await user.context.close();
  assert.deepEqual(user.errors, []);
});

test("a panel that is on its way does not open after a press on the drawing or Escape, until it is wanted again", async () => {
  const user = await TestUser.create(browser, server);
  const drawing = await server.drawing();
  for (const leave of /** @type {((page: import("playwright-core").Page) => Promise<unknown>)[]} */ ([
    (page) => page.mouse.click(500, 300),
    (page) => page.keyboard.press("Escape"),
  ])) {
    const page = await user.open(drawing);
    await page.waitForSelector("html[data-started]", { state: "attached" });
    for (const [button, module, panel] of LATE) {
      const goOn = await heldBack(page, module);
      await page.click(button);
      await leave(page);
      await goOn();
      assert.equal(await page.locator(panel).isVisible(), false);
      await page.click(button);
      await page.locator(panel).waitFor();
      await page.keyboard.press("Escape");
      await page.locator(panel).waitFor({ state: "hidden" });
    }
  }
  await user.context.close();
  assert.deepEqual(user.errors, []);
});
