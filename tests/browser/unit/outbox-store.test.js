import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { randomId, writerOf } from "../../../static/model/ids.js";
import { OutboxStore } from "../../../static/net/outbox-store.js";

const writer = writerOf(randomId(), randomId());
const op = /** @type {any} */ ({ n: 1, op: "erase", stroke: randomId() });

/** A factory whose requests stay open until the test answers them. */
function silentFactory() {
  /** @type {any[]} */
  const requests = [];
  return { requests, open: () => requests[requests.push({}) - 1] };
}

test("a database that does not open within two seconds is done without", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const factory = silentFactory();
    const store = new OutboxStore(randomId(), /** @type {any} */ (factory));
    let stored = false;
    const put = store.put(writer, [op]).then(() => (stored = true));
    mock.timers.tick(1_999);
    await null;
    assert.equal(stored, false);
    mock.timers.tick(1);
    await put;
    assert.equal(store.durable, false);
    // One that opens later is closed again.
    let closed = false;
    factory.requests[0].result = { close: () => (closed = true) };
    factory.requests[0].onsuccess();
    assert.deepEqual([closed, store.durable], [true, false]);
  } finally {
    mock.timers.reset();
  }
});

test("a blocked database is done without at once", async () => {
  const factory = silentFactory();
  const store = new OutboxStore(randomId(), /** @type {any} */ (factory));
  factory.requests[0].onblocked();
  await store.opened;
  assert.equal(store.durable, false);
});

test("an open store does not block a later version in another tab", async () => {
  const factory = new IDBFactory();
  const store = await OutboxStore.open(randomId(), factory);
  await store.put(writer, [op]);
  const request = factory.open("whiteboard-outbox", 2);
  await new Promise((resolve, reject) => {
    request.onsuccess = resolve;
    request.onblocked = reject;
  });
  await assert.rejects(store.put(writer, [op]));
});
