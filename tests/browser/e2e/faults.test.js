import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Server, TestUser, drag, waitForStrokes, launched, waitForPixel, waitForStatus, strokes, until } from "./harness.js";

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

async function newUser() {
  const one = await TestUser.create(browser, server);
  people.push(one);
  return one;
}

/** Waits until the browser of a page has stored `count` ops.
 * @param {import("playwright-core").Page} page
 * @param {number} count
 * @param {number} [within] milliseconds */
async function waitForStoredOps(page, count, within) {
  const found = () => page.evaluate(async () => {
    const request = indexedDB.open("whiteboard-outbox");
    const database = await new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
    const counted = database.transaction("ops").objectStore("ops").count();
    const result = await new Promise((resolve) => (counted.onsuccess = () => resolve(counted.result)));
    database.close();
    return result;
  });
  await until(`${count} stored ops`, async () => (await found()) === count, within);
}

/** Crashes a page.
 * @param {import("playwright-core").Page} page */
async function crash(page) {
  const session = await page.context().newCDPSession(page);
  const crashed = new Promise((resolve) => page.once("crash", resolve));
  session.send("Page.crash").catch(() => {});
  await crashed;
  await page.close();
}

test("strokes drawn while the server is down are saved once it is back", async () => {
  const drawing = await server.drawing();
  const page = await (await newUser()).open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStatus(page, "Saved");
  await server.stop("SIGKILL");
  await waitForStatus(page, /^Reconnecting…$/);
  await drag(page, [[200, 300], [300, 300]]);
  await drag(page, [[200, 400], [300, 400]]);
  await waitForPixel(page, "static", [250, 400]);
  await waitForStatus(page, "Reconnecting… (2 not saved)");
  await server.start();
  await waitForStatus(page, "Saved");
  const other = await (await newUser()).open(drawing);
  await waitForStrokes(other, 3);
  assert.deepEqual(await strokes(other), await strokes(page));
});

test("the unsaved ops of a crashed page are saved by the next one", async () => {
  const drawing = await server.drawing();
  const one = await newUser();
  const page = await one.open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStatus(page, "Saved");
  await server.stop("SIGKILL");
  await waitForStatus(page, /^Reconnecting/);
  await drag(page, [[200, 300], [300, 300]]);
  await page.keyboard.press("Control+z");
  await drag(page, [[200, 400], [300, 400]]);
  await waitForStatus(page, "Reconnecting… (3 not saved)");
  await waitForStoredOps(page, 3);
  await crash(page);
  await server.start();
  const next = await one.open(drawing);
  await waitForStrokes(next, 2);
  await waitForStatus(next, "Saved");
  const other = await (await newUser()).open(drawing);
  await waitForStrokes(other, 2);
  assert.deepEqual(await strokes(other), await strokes(next));
  await waitForStoredOps(next, 0);
});

test("a reload while the server is down loses nothing", async () => {
  const drawing = await server.drawing();
  const page = await (await newUser()).open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStatus(page, "Saved");
  await server.stop("SIGKILL");
  await waitForStatus(page, /^Reconnecting/);
  await drag(page, [[200, 300], [300, 300]]);
  await drag(page, [[200, 400], [300, 400]]);
  await waitForStatus(page, "Reconnecting… (2 not saved)");
  await waitForStoredOps(page, 2);
  const drawn = await strokes(page);
  await assert.rejects(page.reload(), /ERR_CONNECTION_REFUSED/);
  await server.start();
  await page.reload();
  // Possibly before it has recovered the stored ops.
  await waitForStatus(page, "Saved");
  await waitForStrokes(page, 3);
  await waitForStoredOps(page, 0);
  await waitForStatus(page, "Saved");
  const other = await (await newUser()).open(drawing);
  await waitForStrokes(other, 3);
  for (const each of [page, other]) {
    const bodies = (await strokes(each)).map(({ id, body }) => ({ id, body }));
    assert.deepEqual(bodies, drawn.map(({ id, body }) => ({ id, body })));
  }
});

for (const webLocks of [true, false]) {
  // Without Web Locks, as over plain http in a local network, a missing heartbeat marks a dead page.
  const how = webLocks ? "with Web Locks" : "without Web Locks";

  test(`${how} a page's outbox is not recovered by another one before it crashes`, async () => {
    const drawing = await server.drawing();
    const one = await newUser();
    if (!webLocks) await one.context.addInitScript(() => Object.defineProperty(Navigator.prototype, "locks", { value: undefined }));
    await one.context.addInitScript(() => {
      /** When this page read the owners of stored ops; every search but the last one is complete. */
      const searches = [];
      Object.assign(globalThis, { __searches: searches });
      const { getAll } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.getAll = function (...query) {
        if (this.name === "owners") searches.push(Date.now());
        return getAll.apply(this, query);
      };
    });
    const page = await one.open(drawing);
    const other = await one.open(drawing);
    await server.stop("SIGKILL");
    await waitForStatus(page, /^Reconnecting/);
    await drag(page, [[200, 300], [300, 300]]);
    await waitForStatus(page, "Reconnecting… (1 not saved)");
    await waitForStoredOps(page, 1);
    // Longer than the time after which a missing heartbeat marks a dead page.
    const delay = webLocks ? 0 : 11_000;
    const looked = Date.now() + delay;
    await until("the other page searched", () => other.evaluate((after) => /** @type {any} */ (globalThis).__searches.filter((at) => at > after).length > 1, looked), 40_000);
    assert.equal(await other.evaluate("__whiteboard.recovery.count"), 0);
    await waitForStatus(other, "Reconnecting…");
    await crash(page);
    await until("the other page recovers the op", async () => (await other.evaluate("__whiteboard.recovery.count")) === 1, 40_000);
    await waitForStatus(other, "Reconnecting… (1 not saved)");
    await server.start();
    await waitForStatus(other, "Saved");
    await waitForStoredOps(other, 0);
    await waitForStrokes(other, 1);
    await waitForStrokes(await (await newUser()).open(drawing), 1);
  });
}

test("without IndexedDB drawing works, and leaving with unsaved ops asks first", async () => {
  const drawing = await server.drawing();
  const one = await newUser();
  await one.context.addInitScript(() => Object.defineProperty(globalThis, "indexedDB", { value: undefined }));
  const page = await one.open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStatus(page, "Saved");
  await server.stop("SIGKILL");
  await waitForStatus(page, /^Reconnecting/);
  await drag(page, [[200, 300], [300, 300]]);
  const asked = new Promise((resolve) => page.once("dialog", (dialog) => {
    resolve(dialog.type());
    void dialog.dismiss();
  }));
  await page.close({ runBeforeUnload: true });
  assert.equal(await asked, "beforeunload");
  await server.start();
  await waitForStatus(page, "Saved");
});

test("a full drawing rejects strokes with a reason until one is erased", async () => {
  const small = await Server.start({ WHITEBOARD_MAX_DRAWING_SIZE: "1500B" });
  try {
    const one = await TestUser.create(browser, small);
    people.push(one);
    const page = await one.open(await small.drawing());
    for (const y of [200, 250]) await drag(page, [[200, y], [300, y]]);
    await waitForStatus(page, "Saved");
    await drag(page, [[200, 300], [300, 300]]);
    await waitForStatus(page, "Not applied: the drawing is full");
    await waitForStrokes(page, 2);
    await waitForPixel(page, "static", [250, 300], false);
    await waitForStatus(page, "Saved");
    await page.keyboard.press("e");
    await drag(page, [[250, 190], [250, 210]]);
    await waitForStrokes(page, 1);
    await page.keyboard.press("p");
    await drag(page, [[200, 300], [300, 300]]);
    await waitForStatus(page, "Saved");
    await waitForStrokes(page, 2);
    await waitForPixel(page, "static", [250, 300]);
  } finally {
    await small.remove();
  }
});

test("a stroke whose refusal was lost with the socket is reported", async () => {
  const small = await Server.start({ WHITEBOARD_MAX_DRAWING_SIZE: "1KiB" });
  try {
    const one = await TestUser.create(browser, small);
    people.push(one);
    /** @type {import("playwright-core").WebSocketRoute[]} */
    const sockets = [];
    let refusals = 0;
    await one.context.routeWebSocket(/\/ws\//, (socket) => {
      const first = sockets.push(socket) === 1;
      socket.connectToServer().onMessage((text) => {
        // The first socket drops all answers except that to the first stroke.
        const { type, n } = JSON.parse(String(text));
        const answers = type === "refused" || type === "done";
        if (first && type === "refused") refusals += 1;
        if (!first || !answers || n === 1) socket.send(text);
      });
    });
    const drawing = await small.drawing();
    const page = await one.open(drawing);
    await drag(page, [[200, 200], [300, 200]]);
    await waitForStatus(page, "Saved");
    await drag(page, [[200, 300], [300, 300]]);
    await page.keyboard.press("e");
    await drag(page, [[250, 190], [250, 210]]);
    await until("the erasure is stored", async () => (await small.api("GET", `/api/drawings/${drawing}/strokes`)).changes.length === 0);
    await until("the refusal is lost", () => refusals === 1);
    await waitForStatus(page, "2 not saved");
    await waitForStrokes(page, 1);
    await sockets[0].close({ code: 4500, reason: "again: for a test" });
    await waitForStatus(page, "Not applied: an earlier stroke is missing: it was refused, or someone erased it");
    await waitForStrokes(page, 0);
    await waitForPixel(page, "static", [250, 300], false);
    await waitForStatus(page, "Saved");
  } finally {
    await small.remove();
  }
});

test("after a restart a client receives only the changes it lacks", async () => {
  const drawing = await server.drawing();
  const watching = await newUser();
  const page = await watching.open(drawing);
  /** @type {any[]} */
  const frames = [];
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => frames.push(JSON.parse(String(payload)))));
  const other = await (await newUser()).open(drawing);
  for (let i = 0; i < 3; i += 1) await drag(other, [[200, 200 + i * 50], [300, 200 + i * 50]]);
  await waitForStrokes(page, 3);
  const head = await page.evaluate("__whiteboard.replica.head");
  // Of two people with the same colour one opens a second socket, which sent these strokes too.
  frames.length = 0;
  await watching.context.setOffline(true);
  await server.stop("SIGTERM");
  await waitForStatus(page, "Offline");
  await server.start();
  await waitForStatus(other, "Saved");
  await drag(other, [[200, 400], [300, 400]]);
  await waitForStatus(other, "Saved");
  await watching.context.setOffline(false);
  await waitForStrokes(page, 4);
  await waitForStatus(page, "Saved");
  const changes = frames.filter(({ type }) => type === "strokes").flatMap(({ changes }) => changes);
  assert.deepEqual(changes.map(({ seq }) => seq), [head + 1]);
  assert.ok(!frames.some(({ type }) => type === "reset"));
  assert.deepEqual(await strokes(page), await strokes(other));
});

test("a browser whose IndexedDB never answers draws and saves, and shows the tools at once", async () => {
  const one = await newUser();
  await one.context.addInitScript(() => {
    IDBFactory.prototype.open = () => /** @type {any} */ ({});
  });
  const page = await one.context.newPage();
  await page.goto(`${server.address}/d/${await server.drawing()}`);
  await page.locator('#tools [aria-label^="Pen"]').waitFor({ timeout: 5_000 });
  await waitForStatus(page, "Saved");
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStrokes(page, 1);
  await until("the stroke is stored", async () => (await strokes(page))[0].z === 1);
  await waitForStatus(page, "Saved");
});

test("a browser with a tab that holds a database of an earlier version draws and saves at once", async () => {
  const one = await newUser();
  const earlier = await one.open(await server.drawing());
  await one.context.addInitScript(() => {
    const { open } = IDBFactory.prototype;
    IDBFactory.prototype.open = function (name, version = 1) {
      const request = open.call(this, name, version + 1);
      request.addEventListener("blocked", () => Object.assign(globalThis, { __blocked: true }));
      return request;
    };
  });
  await earlier.evaluate(async () => {
    // A page of an earlier version that lets nothing go.
    const request = indexedDB.open("whiteboard-outbox");
    await new Promise((resolve) => (request.onsuccess = resolve));
    Object.assign(globalThis, { __held: request.result });
  });
  const page = await one.context.newPage();
  await page.goto(`${server.address}/d/${await server.drawing()}`);
  await waitForStatus(page, "Saved");
  await drag(page, [[200, 200], [300, 200]]);
  await until("the stroke is stored", async () => (await strokes(page))[0]?.z === 1);
  await waitForStatus(page, "Saved");
  assert.equal(await page.evaluate("__blocked"), true);
});

test("a frozen server is noticed within seconds of a stroke, and nothing is lost", async () => {
  const drawing = await server.drawing();
  const page = await (await newUser()).open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStatus(page, "Saved");
  await page.evaluate(() => {
    const [times, status] = [{ drawn: 0, said: 0 }, document.getElementById("save-status")];
    addEventListener("pointerup", () => (times.drawn = performance.now()));
    new MutationObserver(() => {
      if (status?.textContent === "Reconnecting… (1 not saved)") times.said ||= performance.now();
    }).observe(status, { childList: true, characterData: true, subtree: true });
    Object.assign(globalThis, { __times: times });
  });
  server.freeze();
  await drag(page, [[200, 300], [300, 300]]);
  await until("the page says so", async () => (await page.evaluate("__times")).said > 0);
  const { drawn, said } = await page.evaluate("__times");
  assert.ok(said - drawn <= 5_000, `${said - drawn} ms`);
  server.thaw();
  await waitForStatus(page, "Saved");
  const other = await (await newUser()).open(drawing);
  await waitForStrokes(other, 2);
});
