import assert from "node:assert/strict";
import { test } from "node:test";
import { Sync } from "../../../static/net/sync.js";
import { Replica } from "../../../static/model/replica.js";
import { ordered } from "./ordered.js";

const body = { kind: "pen", x: 0, y: 0, points: "AAEAAA==", colour: "#22201d", width: 4 };
const change = (seq) => ({ seq, stroke: `s${seq}`, writer: "w", n: seq, body });
const strokes = (from, head, ...seqs) => ({ type: "strokes", from, head, changes: seqs.map(change) });

function fresh(chunks = []) {
  const replica = new Replica(() => {});
  const asked = [];
  const reads = [];
  const titles = [];
  const sync = new Sync(replica, {
    read: async (since) => {
      reads.push(since);
      const chunk = await chunks.shift();
      if (chunk instanceof Error) throw chunk;
      return { epoch: "l", reset: false, title: "", ...chunk };
    },
    send: (frame) => asked.push(frame),
    title: (title) => titles.push(title),
    readFailed: (error) => error.message !== "final",
  });
  return { replica, sync, asked, reads, titles };
}

/** Waits until `what` returns true, for up to two seconds. */
async function until(what) {
  for (const end = Date.now() + 2000; !what(); await new Promise((resolve) => setTimeout(resolve, 1))) {
    assert.ok(Date.now() < end, `never: ${what}`);
  }
}

test("a drawing is loaded in chunks", async () => {
  const { replica, sync, reads, titles } = fresh([
    { from: 0, head: 2, more: true, title: "one", changes: [change(1), change(2)] },
    { from: 2, head: 3, more: false, title: "two", changes: [change(3)] },
  ]);
  assert.equal(await sync.load(), true);
  assert.deepEqual([reads, titles], [[0, 2], ["one", "two"]]);
  assert.deepEqual([replica.head, replica.epoch, ordered(replica).length], [3, "l", 3]);
});

test("a failed read is retried unless the failure is final", async () => {
  const again = fresh([new Error("cut"), { from: 0, head: 1, more: false, changes: [change(1)] }]);
  assert.equal(await again.sync.load(), true);
  assert.equal(again.replica.head, 1);
  assert.equal(await fresh([new Error("final")]).sync.load(), false);
});

test("a failed read is retried after a wait", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { sync, reads } = fresh([new Error("cut"), { from: 0, head: 1, more: false, changes: [change(1)] }]);
  const loaded = sync.load();
  for (let turn = 0; turn < 10; turn += 1) await null;
  context.mock.timers.tick(99);
  for (let turn = 0; turn < 10; turn += 1) await null;
  assert.deepEqual(reads, [0]);
  context.mock.timers.tick(1_000);
  assert.equal(await loaded, true);
  assert.deepEqual(reads, [0, 0]);
});

test("a gap requests the missing changes once", () => {
  const { replica, sync, asked } = fresh();
  replica.epoch = "l";
  sync.receive(strokes(3, 4, 4));
  sync.receive(strokes(4, 5, 5));
  assert.deepEqual(asked, [{ type: "since", since: 0, epoch: "l" }]);
  sync.receive(strokes(0, 5, 1, 2, 3, 4, 5));
  assert.equal(replica.head, 5);
  sync.receive(strokes(4, 5, 5));
  assert.equal(ordered(replica).length, 5);
});

test("a new socket may request at once", () => {
  const { sync, asked } = fresh();
  sync.receive(strokes(3, 4, 4));
  sync.opened();
  sync.receive(strokes(3, 4, 4));
  assert.equal(asked.length, 2);
});

test("an answered op without its change causes one ping", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { replica, sync, asked } = fresh();
  sync.answered();
  replica.applyOptimistic("w", { n: 1, op: "draw", stroke: "s1", body });
  for (let n = 0; n < 5; n += 1) sync.answered();
  context.mock.timers.tick(1_000);
  assert.deepEqual(asked, [{ type: "ping" }]);
  sync.answered();
  sync.receive(strokes(0, 1, 1));
  context.mock.timers.tick(1_000);
  assert.equal(asked.length, 1);
  replica.applyOptimistic("w", { n: 2, op: "draw", stroke: "s2", body });
  sync.answered();
  context.mock.timers.tick(1_000);
  assert.equal(asked.length, 2, "a later answer causes another ping");
});

test("a pong with the current head drops answered ops without effect", () => {
  const { replica, sync } = fresh();
  sync.receive(strokes(0, 1, 1));
  replica.applyOptimistic("w", { n: 2, op: "edit", stroke: "s1", set: { x: 5 } });
  replica.answered("w", 2);
  sync.receive({ type: "pong", head: 2 });
  assert.equal(replica.stroke("s1").body.x, 5);
  sync.receive({ type: "pong", head: 1 });
  assert.equal(replica.stroke("s1").body.x, 0);
});

test("two consecutive pongs with a later head request the changes", () => {
  const { sync, asked } = fresh();
  sync.receive({ type: "pong", head: 0 });
  sync.receive({ type: "pong", head: 2 });
  assert.equal(asked.length, 0);
  sync.receive({ type: "pong", head: 0 });
  sync.receive({ type: "pong", head: 2 });
  sync.opened();
  sync.receive({ type: "pong", head: 2 });
  assert.equal(asked.length, 0, "only consecutive pongs of one socket count");
  sync.receive({ type: "pong", head: 2 });
  assert.equal(asked.length, 1);
});

test("a reset starts over from an empty drawing", () => {
  const { replica, sync } = fresh();
  sync.receive(strokes(0, 2, 1, 2));
  sync.receive({ type: "reset", epoch: "new", reason: "epoch" });
  assert.deepEqual([replica.head, replica.epoch, ordered(replica)], [0, "new", []]);
  sync.receive(strokes(0, 1, 1));
  assert.equal(replica.head, 1);
});

test("a read frame reads over HTTP and then requests from there", async () => {
  const { replica, sync, asked } = fresh([{ from: 0, head: 3, more: false, changes: [change(1), change(2), change(3)] }]);
  sync.receive({ type: "read", since: 0 });
  await until(() => asked.length > 0);
  assert.equal(replica.head, 3);
  assert.deepEqual(asked, [{ type: "since", since: 3, epoch: "l" }]);
});

test("while reading over HTTP no second read and no request is sent", async () => {
  let arrives;
  const { replica, sync, asked, reads } = fresh([new Promise((resolve) => (arrives = resolve))]);
  sync.receive(strokes(3, 4, 4));
  assert.equal(asked.length, 1);
  sync.receive({ type: "read", since: 0 });
  sync.receive({ type: "read", since: 0 });
  sync.opened();
  sync.receive(strokes(3, 4, 4));
  assert.deepEqual([reads, asked.length], [[0], 1]);
  arrives({ from: 0, head: 4, more: false, changes: [change(4)] });
  await until(() => asked.length > 1);
  assert.deepEqual([asked.slice(1), replica.head, reads], [[{ type: "since", since: 4, epoch: "l" }], 4, [0]]);
});

test("after reading over HTTP a request is sent without waiting", async () => {
  const { sync, asked } = fresh([{ from: 0, head: 3, more: false, changes: [] }]);
  sync.receive(strokes(3, 4, 4));
  sync.receive({ type: "read", since: 0 });
  await until(() => asked.length > 1);
  assert.deepEqual(asked.map(({ since }) => since), [0, 3]);
});

test("no request is sent after a read that failed for good", async () => {
  const { sync, asked, reads } = fresh([new Error("final")]);
  sync.receive({ type: "read", since: 0 });
  await until(() => reads.length > 0);
  for (let turn = 0; turn < 10; turn += 1) await null;
  assert.deepEqual([asked, reads], [[], [0]]);
});

test("a chunk of an epoch that ended during the read is discarded", async () => {
  let arrives;
  const { replica, sync } = fresh([
    new Promise((resolve) => (arrives = resolve)),
    { epoch: "new", from: 1, head: 2, more: false, changes: [change(2)] },
  ]);
  replica.epoch = "l";
  const loaded = sync.load();
  sync.receive({ type: "reset", epoch: "new", reason: "epoch" });
  sync.receive(strokes(0, 1, 1));
  arrives({ epoch: "l", from: 0, head: 50, more: false, changes: [change(40)] });
  await loaded;
  assert.deepEqual([replica.epoch, replica.head, ordered(replica).map(({ id }) => id)], ["new", 2, ["s1", "s2"]]);
});

test("a chunk with reset replaces all strokes", async () => {
  for (const read of [(sync) => sync.load(), (sync) => sync.receive({ type: "read", since: 9 })]) {
    const { replica, sync } = fresh([{ epoch: "new", reset: true, from: 0, head: 2, more: false, changes: [change(2)] }]);
    replica.epoch = "l";
    sync.receive(strokes(0, 9, 1, 2, 9));
    await read(sync);
    await until(() => replica.epoch === "new");
    assert.deepEqual([replica.head, ordered(replica).map(({ id }) => id)], [2, ["s2"]]);
  }
});

test("frames of unknown type are ignored", () => {
  const { replica, sync } = fresh();
  sync.receive({ type: "later" });
  assert.equal(replica.head, 0);
});
