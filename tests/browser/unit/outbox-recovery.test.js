import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { randomId } from "../../../static/ids.js";
import { ModelBrowser } from "./model-browser.js";

/** The model server refuses a stroke that begins at this x. */
const REFUSED = 1;
const draw = (x = 0) => ({ op: "draw", stroke: randomId(), body: { tool: "pen", x, y: 0, points: "AAEAAA==", colour: "#22201d", width: 4 } });
const numbers = (ops) => ops.map(({ n }) => n);

/** @type {ModelBrowser} */
let browser;
afterEach(() => browser.close());

/** A page that dies with these ops on the store, and its browser. */
async function left(webLocks, ...drafts) {
  browser = new ModelBrowser({ webLocks });
  const page = await browser.page("left");
  drafts.forEach((draft) => page.outbox.add(draft));
  await browser.until("the ops are kept", async () => (await page.storedOps()).length === drafts.length);
  return page;
}

for (const webLocks of [true, false]) {
  const how = webLocks ? "with Web Locks" : "without Web Locks";

  test(`${how} the ops of a living page are its own for as long as it lives`, async () => {
    const living = await left(webLocks, draw(), draw());
    const other = await browser.page("other");
    other.recovery.start();
    const began = Date.now();
    await browser.until("the other page looked for a minute", () => Date.now() - began > 60_000, 120_000);
    assert.ok(other.searches > 10, `only ${other.searches} searches`);
    assert.deepEqual([other.recovered, browser.hellos, numbers(await other.storedOps(living))], [[], [], [1, 2]]);
    living.crash();
    await browser.until("its ops are recovered once it is dead", () => browser.server.applied.length === 2);
    assert.deepEqual(browser.server.applied, [`${living.writer.id} 1`, `${living.writer.id} 2`]);
    await browser.until("nothing of it is left", async () => (await other.store.owners()).every(({ tab }) => tab !== living.writer.tab));
    assert.deepEqual([await other.storedOps(living), other.recovery.count], [[], 0]);
  });

  test(`${how} ops stay on the store until they are answered, whoever sends them`, async () => {
    const dead = await left(webLocks, draw(), draw());
    dead.crash();
    browser.answers = false;
    const first = await browser.page("first");
    first.recovery.start();
    await browser.until("the ops are sent", () => browser.receivedOps.length === 2);
    assert.deepEqual(numbers(await first.storedOps(dead)), [1, 2]);
    assert.equal(first.recovery.count, 2);
    first.crash(dead);
    browser.answers = true;
    const second = await browser.page("second");
    second.recovery.start();
    await browser.until("the ops are stored", () => browser.server.applied.length === 2);
    await browser.until("the ops are answered", async () => (await second.storedOps(dead)).length === 0);
    assert.deepEqual(numbers(second.recovered), [1, 2]);
  });

  test(`${how} an adopter goes on at the number that the dead page had reached`, async () => {
    const dead = await left(webLocks, draw(), draw());
    // The first op was answered, and came to nothing: the server knows its number from `hello` alone.
    dead.outbox.done(1);
    await browser.until("the answered op is dropped", async () => (await dead.storedOps()).length === 1);
    dead.crash();
    const adopter = await browser.page("adopter");
    adopter.recovery.start();
    await browser.until("what was left is stored", () => browser.server.applied.length > 0);
    assert.deepEqual(browser.hellos.map(({ tab, key, next }) => ({ tab, key, next })), [{ tab: dead.writer.tab, key: browser.key, next: 2 }]);
    assert.deepEqual([browser.server.applied, numbers(browser.receivedOps)], [[`${dead.writer.id} 2`], [2]]);
  });

  test(`${how} a dead page that left nothing is forgotten`, async () => {
    const dead = await left(webLocks, draw());
    dead.outbox.done(1);
    await browser.until("its op is dropped", async () => (await dead.storedOps()).length === 0);
    dead.crash();
    const other = await browser.page("other");
    const owner = async () => (await other.store.owners()).some(({ tab }) => tab === dead.writer.tab);
    assert.ok(await owner());
    other.recovery.start();
    await browser.until("it is forgotten", async () => !(await owner()));
    assert.deepEqual(browser.hellos, []);
    if (webLocks) await browser.until("its lock is free", () => !browser.locks.isHeld(`writer-${dead.writer.tab}`));
  });

  test(`${how} what is left while the server is away is recovered, and sent when it is back`, async () => {
    const dead = await left(webLocks, draw(), draw(REFUSED), draw());
    dead.crash();
    browser.reachable = false;
    const adopter = await browser.page("adopter");
    adopter.recovery.start();
    await browser.until("it is recovered", () => adopter.recovery.count === 3);
    const began = Date.now();
    await browser.until("half a minute passed", () => Date.now() - began > 30_000);
    assert.deepEqual([adopter.searches > 5, numbers(adopter.recovered), adopter.recovery.count], [true, [1, 2, 3], 3]);
    browser.reachable = true;
    await browser.until("all is answered", () => adopter.recovery.count === 0);
    assert.deepEqual(browser.server.applied, [`${dead.writer.id} 1`, `${dead.writer.id} 3`]);
    assert.deepEqual(adopter.refused, [[2, "limit"]]);
    await browser.until("nothing of it is left", async () => (await adopter.storedOps(dead)).length === 0);
    await browser.until("its socket is closed", () => browser.server.sessions.size === 0, 1_000);
  });
}

test("of two pages that look, one adopts", async () => {
  const dead = await left(true, draw(), draw());
  dead.crash();
  browser.reachable = false;
  const pages = [await browser.page("one"), await browser.page("two")];
  pages.forEach(({ recovery }) => recovery.start());
  await browser.until("both looked again and again", () => pages.every(({ searches }) => searches > 3));
  assert.deepEqual(pages.map(({ recovered }) => recovered.length).sort(), [0, 2]);
  browser.reachable = true;
  await browser.until("the ops are stored", () => browser.server.applied.length === 2);
  await browser.until("the lock is free", () => !browser.locks.isHeld(`writer-${dead.writer.tab}`));
  assert.equal(browser.hellos.length, 1);
});
