import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Server, TestUser, drag, launched, until, waitForStatus, waitForStrokes } from "./harness.js";

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {TestUser[]} */
let people = [];

before(async () => {
  browser = await launched();
  server = await Server.start();
});
after(async () => {
  await browser?.close();
  await server?.remove();
});
afterEach(async () => {
  const errors = people.flatMap(({ errors }) => errors);
  await Promise.all(people.map(({ context }) => context.close()));
  people = [];
  assert.deepEqual(errors, []);
});

async function newUser() {
  const one = await TestUser.create(browser, server);
  people.push(one);
  return one;
}

/**
 * Lets the frames of the server pass through a function, which may change or drop them.
 * @param {TestUser} one
 * @param {(frame: any, send: (frame: any) => void) => any} change
 */
function changeFrames(one, change) {
  return one.context.routeWebSocket(/\/ws\//, (socket) => {
    const connection = socket.connectToServer();
    const send = (/** @type {any} */ frame) => socket.send(JSON.stringify(frame));
    connection.onMessage((text) => {
      const changed = change(JSON.parse(String(text)), send);
      if (changed) send(changed);
    });
  });
}

/** Everything that the page announces about saving, from now on.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<() => Promise<string[]>>} */
async function announcements(page) {
  await page.evaluate(() => {
    /** @type {string[]} */
    const heard = [];
    Object.assign(globalThis, { __heard: heard });
    const news = /** @type {HTMLElement} */ (document.getElementById("save-news"));
    new MutationObserver(() => heard.push(news.textContent ?? "")).observe(news, { childList: true });
  });
  return () => page.evaluate(() => /** @type {any} */ (globalThis).__heard);
}

test("each lasting state is announced once, and what passes in a moment is not", async () => {
  const one = await newUser();
  const page = await one.open(await server.drawing());
  const heard = await announcements(page);
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStatus(page, "Saved");
  await one.context.setOffline(true);
  await waitForStatus(page, "Offline");
  await until("it is announced", async () => (await heard()).includes("Offline"));
  for (const y of [300, 400]) await drag(page, [[200, y], [300, y]]);
  await waitForStatus(page, "Offline, will send 2");
  await until("it is announced", async () => (await heard()).some((text) => text.startsWith("Offline, will send")));
  await one.context.setOffline(false);
  await until("it is announced", async () => (await heard()).at(-1) === "Saved");
  const kinds = (await heard()).map((text) => text.replace(/\d+/, "n"));
  assert.equal(new Set(kinds).size, kinds.length, `twice: ${kinds.join(" | ")}`);
});

test("a link that only lets you look says so", async () => {
  const one = await newUser();
  await changeFrames(one, (frame) => ("access" in frame ? { ...frame, access: "view" } : frame));
  const page = await one.context.newPage();
  await page.goto(`${server.address}/d/${await server.drawing()}`);
  await waitForStatus(page, "Read only");
});

test("a refusal is told in the page's own words, once, and the state is true again afterwards", async () => {
  const one = await newUser();
  let stroke = 0;
  await changeFrames(one, (frame) => {
    if (frame.type !== "done" || frame.n !== 2) return frame;
    stroke += 1;
    return { type: "refused", n: 2, reason: "full", message: "A sentence of the server" };
  });
  const page = await one.open(await server.drawing());
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStatus(page, "Saved");
  const heard = await announcements(page);
  await drag(page, [[200, 300], [300, 300]]);
  await waitForStatus(page, "Not applied: the drawing is full");
  await until("it is announced", async () => (await heard()).length > 0);
  assert.doesNotMatch(await page.locator("body").innerText(), /A sentence of the server/);
  await waitForStatus(page, "Saved");
  assert.equal(stroke, 1);
  assert.equal((await heard()).filter((text) => text.startsWith("Not applied")).length, 1);
});

test("with full storage the page says to stay open, asks before it is left, and saves all the same", async () => {
  const one = await newUser();
  await one.context.addInitScript(() => {
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (...values) {
      if (this.name !== "owners") throw new DOMException("full", "QuotaExceededError");
      return put.apply(this, values);
    };
  });
  const page = await one.open(await server.drawing());
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStatus(page, "Saved");
  await one.context.setOffline(true);
  await waitForStatus(page, "Offline");
  await drag(page, [[200, 300], [300, 300]]);
  await waitForStatus(page, "Offline, 1 not saved: keep this page open");
  const asked = new Promise((resolve) => page.once("dialog", (dialog) => {
    resolve(dialog.type());
    void dialog.dismiss();
  }));
  await page.close({ runBeforeUnload: true });
  assert.equal(await asked, "beforeunload");
  await one.context.setOffline(false);
  await waitForStatus(page, "Saved");
  await waitForStrokes(await (await newUser()).open(page.url().split("/").pop() ?? ""), 2);
});

test("stored drawings give their space to ops that cannot be stored", async () => {
  const one = await newUser();
  await one.context.addInitScript(() => {
    const { put } = IDBObjectStore.prototype;
    /** Whether the storage is full as long as replicas are in it. */
    Object.assign(globalThis, { __full: false });
    const { clear } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (...values) {
      if (this.name === "ops" && /** @type {any} */ (globalThis).__full) throw new DOMException("full", "QuotaExceededError");
      return put.apply(this, values);
    };
    IDBObjectStore.prototype.clear = function () {
      if (this.name === "log") Object.assign(globalThis, { __full: false, __cleared: true });
      return clear.apply(this);
    };
  });
  const page = await one.open(await server.drawing());
  await page.evaluate(() => Object.assign(globalThis, { __full: true }));
  await one.context.setOffline(true);
  await drag(page, [[200, 300], [300, 300]]);
  await until("the replicas are removed", () => page.evaluate("globalThis.__cleared === true"));
  await waitForStatus(page, "Offline, will send 1");
  await one.context.setOffline(false);
  await waitForStatus(page, "Saved");
});

test("a page whose storage hangs opens, draws and saves, and a broken replica is no obstacle", async () => {
  const one = await newUser();
  await one.context.addInitScript(() => {
    const { transaction } = IDBDatabase.prototype;
    IDBDatabase.prototype.transaction = function (...names) {
      if (this.name === "whiteboard-replicas") return /** @type {any} */ ({ objectStore: () => ({ get: () => ({}), getAll: () => ({}) }) });
      return transaction.apply(this, /** @type {any} */ (names));
    };
  });
  const page = await one.open(await server.drawing());
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStrokes(page, 1);
  await waitForStatus(page, "Saved");
});
