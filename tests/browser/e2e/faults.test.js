import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Server, Somebody, drag, has, launched, painted, says, strokes, until } from "./harness.js";

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Somebody[]} */
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

async function somebody() {
  const one = await Somebody.come(browser, server);
  people.push(one);
  return one;
}

/** Waits until so many ops are on the shelf of a page's browser.
 * @param {import("playwright-core").Page} page
 * @param {number} count
 * @param {number} [within] milliseconds */
async function shelved(page, count, within) {
  const found = () => page.evaluate(async () => {
    const request = indexedDB.open("whiteboard");
    const database = await new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
    const counted = database.transaction("ops").objectStore("ops").count();
    const result = await new Promise((resolve) => (counted.onsuccess = () => resolve(counted.result)));
    database.close();
    return result;
  });
  await until(`${count} ops on the shelf`, async () => (await found()) === count, within);
}

/** Ends a page as a crash does: nothing of it runs any more.
 * @param {import("playwright-core").Page} page */
async function crash(page) {
  const session = await page.context().newCDPSession(page);
  const crashed = new Promise((resolve) => page.once("crash", resolve));
  session.send("Page.crash").catch(() => {});
  await crashed;
  await page.close();
}

test("what is drawn while the server is dead is saved when it is back", async () => {
  const drawing = await server.drawing();
  const page = await (await somebody()).open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await says(page, "Saved");
  await server.stop("SIGKILL");
  await says(page, /^Reconnecting…$/);
  await drag(page, [[200, 300], [300, 300]]);
  await drag(page, [[200, 400], [300, 400]]);
  await painted(page, "settled", [250, 400]);
  await says(page, "Reconnecting… (2 not saved)");
  await server.start();
  await says(page, "Saved");
  const other = await (await somebody()).open(drawing);
  await has(other, 3);
  assert.deepEqual(await strokes(other), await strokes(page));
});

test("what a crashed page left unsaved is saved by the next one", async () => {
  const drawing = await server.drawing();
  const one = await somebody();
  const page = await one.open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await says(page, "Saved");
  await server.stop("SIGKILL");
  await says(page, /^Reconnecting/);
  await drag(page, [[200, 300], [300, 300]]);
  await page.keyboard.press("Control+z");
  await drag(page, [[200, 400], [300, 400]]);
  await says(page, "Reconnecting… (3 not saved)");
  await shelved(page, 3);
  await crash(page);
  await server.start();
  const next = await one.open(drawing);
  await has(next, 2);
  await says(next, "Saved");
  const other = await (await somebody()).open(drawing);
  await has(other, 2);
  assert.deepEqual(await strokes(other), await strokes(next));
  await shelved(next, 0);
});

test("a page that is loaded again while the server is dead loses nothing", async () => {
  const drawing = await server.drawing();
  const page = await (await somebody()).open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await says(page, "Saved");
  await server.stop("SIGKILL");
  await says(page, /^Reconnecting/);
  await drag(page, [[200, 300], [300, 300]]);
  await drag(page, [[200, 400], [300, 400]]);
  await says(page, "Reconnecting… (2 not saved)");
  await shelved(page, 2);
  const drawn = await strokes(page);
  await assert.rejects(page.reload(), /ERR_CONNECTION_REFUSED/);
  await server.start();
  await page.reload();
  // Perhaps before it found what it left behind.
  await says(page, "Saved");
  await has(page, 3);
  await shelved(page, 0);
  await says(page, "Saved");
  const other = await (await somebody()).open(drawing);
  await has(other, 3);
  for (const each of [page, other]) {
    const bodies = (await strokes(each)).map(({ id, body }) => ({ id, body }));
    assert.deepEqual(bodies, drawn.map(({ id, body }) => ({ id, body })));
  }
});

for (const webLocks of [true, false]) {
  // Without them, as over plain http in a local network, a dead page is told by its silence.
  const how = webLocks ? "with Web Locks" : "without Web Locks";

  test(`${how} another page of the browser leaves a page's outbox alone until it is dead`, async () => {
    const drawing = await server.drawing();
    const one = await somebody();
    if (!webLocks) await one.context.addInitScript(() => Object.defineProperty(Navigator.prototype, "locks", { value: undefined }));
    await one.context.addInitScript(() => {
      /** When this page asked the shelf who kept something: the looks before the last one are over. */
      const looks = [];
      Object.assign(globalThis, { __looks: looks });
      const { getAll } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.getAll = function (...query) {
        if (this.name === "owners") looks.push(Date.now());
        return getAll.apply(this, query);
      };
    });
    const page = await one.open(drawing);
    const other = await one.open(drawing);
    await server.stop("SIGKILL");
    await says(page, /^Reconnecting/);
    await drag(page, [[200, 300], [300, 300]]);
    await says(page, "Reconnecting… (1 not saved)");
    await shelved(page, 1);
    // Longer than a page may be silent that is told by that.
    const silence = webLocks ? 0 : 11_000;
    const looked = Date.now() + silence;
    await until("the other page looked", () => other.evaluate((after) => /** @type {any} */ (globalThis).__looks.filter((at) => at > after).length > 1, looked), 40_000);
    assert.equal(await other.evaluate("__whiteboard.adoption.count"), 0);
    await says(other, "Reconnecting…");
    await crash(page);
    await until("the other page adopts", async () => (await other.evaluate("__whiteboard.adoption.count")) === 1, 40_000);
    await says(other, "Reconnecting… (1 not saved)");
    await server.start();
    await says(other, "Saved");
    await shelved(other, 0);
    await has(other, 1);
    await has(await (await somebody()).open(drawing), 1);
  });
}

test("without IndexedDB drawing works, and leaving with something unsaved asks first", async () => {
  const drawing = await server.drawing();
  const one = await somebody();
  await one.context.addInitScript(() => Object.defineProperty(globalThis, "indexedDB", { value: undefined }));
  const page = await one.open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await says(page, "Saved");
  await server.stop("SIGKILL");
  await says(page, /^Reconnecting/);
  await drag(page, [[200, 300], [300, 300]]);
  const asked = new Promise((resolve) => page.once("dialog", (dialog) => {
    resolve(dialog.type());
    void dialog.dismiss();
  }));
  await page.close({ runBeforeUnload: true });
  assert.equal(await asked, "beforeunload");
  await server.start();
  await says(page, "Saved");
});

test("a full drawing says no with a reason, and erasing makes room", async () => {
  const small = await Server.start({ WHITEBOARD_MAX_STROKES: "2" });
  try {
    const one = await Somebody.come(browser, small);
    people.push(one);
    const page = await one.open(await small.drawing());
    for (const y of [200, 250]) await drag(page, [[200, y], [300, y]]);
    await says(page, "Saved");
    await drag(page, [[200, 300], [300, 300]]);
    await page.getByText("the drawing is full").waitFor();
    await has(page, 2);
    await painted(page, "settled", [250, 300], false);
    await says(page, "Saved");
    await page.keyboard.press("e");
    await drag(page, [[250, 190], [250, 210]]);
    await has(page, 1);
    await page.keyboard.press("p");
    await drag(page, [[200, 300], [300, 300]]);
    await says(page, "Saved");
    await has(page, 2);
    await painted(page, "settled", [250, 300]);
  } finally {
    await small.remove();
  }
});

test("a stroke whose refusal was lost with its socket is told of", async () => {
  const small = await Server.start({ WHITEBOARD_MAX_STROKES: "1" });
  try {
    const one = await Somebody.come(browser, small);
    people.push(one);
    /** @type {import("playwright-core").WebSocketRoute[]} */
    const sockets = [];
    let refusals = 0;
    await one.context.routeWebSocket(/\/ws\//, (socket) => {
      const first = sockets.push(socket) === 1;
      socket.connectToServer().onMessage((text) => {
        // The answers to what comes after the first stroke do not arrive through the first socket.
        const { type, n } = JSON.parse(String(text));
        const answers = type === "refused" || type === "done";
        if (first && type === "refused") refusals += 1;
        if (!first || !answers || n === 1) socket.send(text);
      });
    });
    const drawing = await small.drawing();
    const page = await one.open(drawing);
    await drag(page, [[200, 200], [300, 200]]);
    await says(page, "Saved");
    await drag(page, [[200, 300], [300, 300]]);
    await page.keyboard.press("e");
    await drag(page, [[250, 190], [250, 210]]);
    await until("the erasure is stored", async () => (await small.api("GET", `/api/drawings/${drawing}/strokes`)).changes.length === 0);
    await until("the refusal is lost", () => refusals === 1);
    await says(page, "2 not saved");
    await has(page, 1);
    await sockets[0].close({ code: 4500, reason: "again: for a test" });
    await page.getByText("a stroke is not here that was sent before: it was refused, or someone erased it").waitFor();
    await has(page, 0);
    await painted(page, "settled", [250, 300], false);
    await says(page, "Saved");
  } finally {
    await small.remove();
  }
});

test("after a restart a page gets only what came after what it holds", async () => {
  const drawing = await server.drawing();
  const watching = await somebody();
  const page = await watching.open(drawing);
  /** @type {any[]} */
  const frames = [];
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => frames.push(JSON.parse(String(payload)))));
  const other = await (await somebody()).open(drawing);
  for (let i = 0; i < 3; i += 1) await drag(other, [[200, 200 + i * 50], [300, 200 + i * 50]]);
  await has(page, 3);
  const head = await page.evaluate("__whiteboard.replica.head");
  await watching.context.setOffline(true);
  await server.stop("SIGTERM");
  await says(page, /^Reconnecting/);
  await server.start();
  await says(other, "Saved");
  await drag(other, [[200, 400], [300, 400]]);
  await says(other, "Saved");
  await watching.context.setOffline(false);
  await has(page, 4);
  await says(page, "Saved");
  const changes = frames.filter(({ type }) => type === "strokes").flatMap(({ changes }) => changes);
  assert.deepEqual(changes.map(({ seq }) => seq), [head + 1]);
  assert.ok(!frames.some(({ type }) => type === "reset"));
  assert.deepEqual(await strokes(page), await strokes(other));
});
