import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { randomId } from "../../../static/model/ids.js";
import { ModelBrowser } from "./model-browser.js";

/** The model server refuses a stroke that begins at this x. */
const REFUSED = 1;
const draw = (x = 0) => ({ op: "draw", stroke: randomId(), body: { kind: "pen", x, y: 0, points: "AAEAAA==", colour: "#22201d", width: 4 } });
const numbers = (ops) => ops.map(({ n }) => n);

/** @type {ModelBrowser} */
let browser;
afterEach(() => browser.close());

/** A tab with these ops in its store. */
async function tabWith(webLocks, ...drafts) {
  browser = new ModelBrowser({ webLocks });
  const tab = await browser.tab("original");
  drafts.forEach((draft) => tab.outbox.add([draft]));
  await browser.until("the ops are stored", async () => (await tab.storedOps()).length === drafts.length);
  return tab;
}

for (const webLocks of [true, false]) {
  const how = webLocks ? "with Web Locks" : "without Web Locks";

  test(`${how} the ops of a live tab are not recovered`, async () => {
    const living = await tabWith(webLocks, draw(), draw());
    const other = await browser.tab("other");
    other.recovery.start();
    const start = Date.now();
    await browser.until("the other tab searched for a minute", () => Date.now() - start > 60_000, 120_000);
    assert.ok(other.searches > 10, `only ${other.searches} searches`);
    assert.deepEqual([other.recovered, browser.hellos, numbers(await other.storedOps(living))], [[], [], [1, 2]]);
    living.crash();
    await browser.until("its ops are recovered once it is dead", () => browser.server.applied.length === 2);
    assert.deepEqual(browser.server.applied, [`${living.writer.id} 1`, `${living.writer.id} 2`]);
    await browser.until("its records are deleted", async () => (await other.store.owners()).every(({ tab }) => tab !== living.writer.tab));
    assert.deepEqual([await other.storedOps(living), other.recovery.count], [[], 0]);
  });

  test(`${how} recovered ops stay stored until they are answered`, async () => {
    const dead = await tabWith(webLocks, draw(), draw());
    dead.crash();
    browser.answers = false;
    const first = await browser.tab("first");
    first.recovery.start();
    await browser.until("the ops are sent", () => browser.receivedOps.length === 2);
    assert.deepEqual(numbers(await first.storedOps(dead)), [1, 2]);
    assert.equal(first.recovery.count, 2);
    first.crash(dead);
    browser.answers = true;
    const second = await browser.tab("second");
    second.recovery.start();
    await browser.until("the ops are stored", () => browser.server.applied.length === 2);
    await browser.until("the ops are answered", async () => (await second.storedOps(dead)).length === 0);
    assert.deepEqual(numbers(second.recovered), [1, 2]);
  });

  test(`${how} recovery continues at the dead tab's first unanswered op`, async () => {
    const dead = await tabWith(webLocks, draw(), draw());
    // The first op was answered without a change, so only `hello` tells the server its number.
    dead.outbox.done(1);
    await browser.until("the answered op is dropped", async () => (await dead.storedOps()).length === 1);
    dead.crash();
    const recoverer = await browser.tab("recoverer");
    recoverer.recovery.start();
    await browser.until("the recovered op is stored", () => browser.server.applied.length > 0);
    assert.deepEqual(browser.hellos.map(({ tab, key, next }) => ({ tab, key, next })), [{ tab: dead.writer.tab, key: browser.key, next: 2 }]);
    assert.deepEqual([browser.server.applied, numbers(browser.receivedOps)], [[`${dead.writer.id} 2`], [2]]);
  });

  test(`${how} a dead tab without ops is deleted`, async () => {
    const dead = await tabWith(webLocks, draw());
    dead.outbox.done(1);
    await browser.until("its op is dropped", async () => (await dead.storedOps()).length === 0);
    dead.crash();
    const other = await browser.tab("other");
    const owner = async () => (await other.store.owners()).some(({ tab }) => tab === dead.writer.tab);
    assert.ok(await owner());
    other.recovery.start();
    await browser.until("the tab is deleted", async () => !(await owner()));
    assert.deepEqual(browser.hellos, []);
    if (webLocks) await browser.until("its lock is free", () => !browser.locks.isHeld(`writer-${dead.writer.tab}`));
  });

  test(`${how} ops recovered while the server is down are sent once it is back`, async () => {
    const dead = await tabWith(webLocks, draw(), draw(REFUSED), draw());
    dead.crash();
    browser.reachable = false;
    const recoverer = await browser.tab("recoverer");
    recoverer.recovery.start();
    await browser.until("it is recovered", () => recoverer.recovery.count === 3);
    const start = Date.now();
    await browser.until("half a minute passed", () => Date.now() - start > 30_000);
    assert.deepEqual([recoverer.searches > 5, numbers(recoverer.recovered), recoverer.recovery.count], [true, [1, 2, 3], 3]);
    browser.reachable = true;
    await browser.until("all is answered", () => recoverer.recovery.count === 0);
    assert.deepEqual(browser.server.applied, [`${dead.writer.id} 1`, `${dead.writer.id} 3`]);
    assert.deepEqual(recoverer.refused, [[2, "limit"]]);
    await browser.until("its records are deleted", async () => (await recoverer.storedOps(dead)).length === 0);
    await browser.until("its socket is closed", () => browser.server.sessions.size === 0, 1_000);
  });
}

test("of two tabs only one recovers a dead tab's ops", async () => {
  const dead = await tabWith(true, draw(), draw());
  dead.crash();
  browser.reachable = false;
  const tabs = [await browser.tab("one"), await browser.tab("two")];
  tabs.forEach(({ recovery }) => recovery.start());
  await browser.until("both have searched several times", () => tabs.every(({ searches }) => searches > 3));
  assert.deepEqual(tabs.map(({ recovered }) => recovered.length).sort(), [0, 2]);
  browser.reachable = true;
  await browser.until("the ops are stored", () => browser.server.applied.length === 2);
  await browser.until("the lock is free", () => !browser.locks.isHeld(`writer-${dead.writer.tab}`));
  assert.equal(browser.hellos.length, 1);
});
