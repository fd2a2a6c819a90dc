import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { IDBFactory } from "fake-indexeddb";
import { KeyStore } from "../../../static/net/key-store.js";

const KEYS = [{ key: "secret", access: "draw" }];

beforeEach(() => {
  const items = new Map();
  globalThis.sessionStorage = { getItem: (name) => items.get(name) ?? null, setItem: (name, value) => items.set(name, value) };
});

test("keys are stored by drawing, and outlive the page", async () => {
  const factory = new IDBFactory();
  await new KeyStore(factory).put("a", KEYS);
  const later = new KeyStore(factory);
  assert.deepEqual([await later.read("a"), await later.read("b")], [KEYS, []]);
  await later.put("b", [{ key: "other", access: null }]);
  assert.deepEqual((await later.all()).map(({ drawing }) => drawing).toSorted(), ["a", "b"]);
  await later.remove("a");
  assert.deepEqual(await later.read("a"), []);
});

for (const [what, factory] of [["without", undefined], ["with a broken", { open: () => { throw new Error("forbidden"); } }]]) {
  test(`${what} IndexedDB a key lasts as long as the tab, so that a reload finds it`, async () => {
    await new KeyStore(factory).put("a", KEYS);
    const reloaded = new KeyStore(factory);
    assert.deepEqual([await reloaded.read("a"), (await reloaded.all()).length], [KEYS, 1]);
    await reloaded.remove("a");
    assert.deepEqual(await reloaded.all(), []);
  });
}
