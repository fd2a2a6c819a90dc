import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_WAITING, MAX_WAITING_BYTES, PictureQueue } from "../../../static/net/picture-queue.js";

const pictureOf = (id, size = 10, drawing = "d") => ({ id, drawing, body: { kind: "image", x: 1, y: 2, colour: "ink" }, blob: new Blob([new Uint8Array(size)], { type: "image/png" }) });

test("pictures wait by drawing, in any tab, until they are removed", async () => {
  const queue = new PictureQueue(indexedDB);
  assert.equal(await queue.add(pictureOf("a")), true);
  assert.equal(await queue.add(pictureOf("b", 10, "e")), true);
  assert.equal(await queue.add(pictureOf("a")), false, "not twice");
  const other = new PictureQueue(indexedDB);
  const [held] = await other.of("d");
  assert.deepEqual([held.id, held.body.x, held.blob.size, held.blob.type], ["a", 1, 10, "image/png"]);
  await other.remove("a");
  assert.deepEqual(await queue.of("d"), []);
  assert.equal((await queue.of("e")).length, 1);
  await queue.remove("b");
});

test("no more wait than there is room for, in number and in bytes", async () => {
  const queue = new PictureQueue(indexedDB);
  for (let i = 0; i < MAX_WAITING; i += 1) assert.equal(await queue.add(pictureOf(`n${i}`)), true);
  assert.equal(await queue.add(pictureOf("more")), false);
  for (let i = 0; i < MAX_WAITING; i += 1) await queue.remove(`n${i}`);
  assert.equal(await queue.add(pictureOf("large", MAX_WAITING_BYTES - 10)), true);
  assert.equal(await queue.add(pictureOf("larger", 11)), false);
  assert.equal(await queue.add(pictureOf("fits", 10)), true);
});

test("without a database nothing waits", async () => {
  const queue = new PictureQueue(undefined);
  assert.equal(await queue.add(pictureOf("a")), false);
  assert.deepEqual(await queue.of("d"), []);
  await queue.remove("a");
});
