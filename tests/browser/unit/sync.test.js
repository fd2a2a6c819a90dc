import assert from "node:assert/strict";
import { test } from "node:test";
import { Sync } from "../../../static/sync.js";
import { Replica } from "../../../static/replica.js";

const body = { tool: "pen", x: 0, y: 0, points: "AAEAAA==", colour: "#22201d", width: 4 };
const change = (seq) => ({ seq, stroke: `s${seq}`, z: seq, author: "p", writer: "w", n: seq, body });
const strokes = (from, head, ...seqs) => ({ type: "strokes", from, head, changes: seqs.map(change) });

function fresh(pages = []) {
  const replica = new Replica(() => {});
  const asked = [];
  const reads = [];
  const titles = [];
  const queries = [];
  const sync = new Sync(replica, {
    read: async (since, epoch, target) => {
      reads.push(since);
      queries.push([since, epoch, target]);
      const page = await pages.shift();
      if (page instanceof Error) throw page;
      return { epoch: "l", reset: false, title: "", ...page };
    },
    send: (frame) => asked.push(frame),
    title: (title) => titles.push(title),
    readFailed: (error) => error.message !== "gone",
  });
  return { replica, sync, asked, reads, queries, titles };
}

/** Waits until `what` is true, at most two seconds. */
async function until(what) {
  for (const end = Date.now() + 2000; !what(); await new Promise((resolve) => setTimeout(resolve, 1))) {
    assert.ok(Date.now() < end, `never: ${what}`);
  }
}

test("a drawing is loaded page by page", async () => {
  const { replica, sync, reads, titles } = fresh([
    { from: 0, head: 2, more: true, title: "one", changes: [change(1), change(2)] },
    { from: 2, head: 3, more: false, title: "two", changes: [change(3)] },
  ]);
  assert.equal(await sync.load(), true);
  assert.deepEqual([reads, titles], [[0, 2], ["one", "two"]]);
  assert.deepEqual([replica.head, replica.epoch, replica.ordered().length], [3, "l", 3]);
});

test("each read of a first load names the target that the one before named", async () => {
  const { sync, queries } = fresh([
    { from: 0, head: 1, more: true, target: 2, changes: [change(1)] },
    new Error("cut"),
    { from: 1, head: 2, more: true, target: 2, changes: [change(2)] },
    { from: 2, head: 3, more: false, changes: [change(3)] },
  ]);
  assert.equal(await sync.load(), true);
  assert.deepEqual(queries, [[0, null, undefined], [1, "l", 2], [1, "l", 2], [2, "l", 2]]);
});

test("a failed page is read again, unless there is nothing to read", async () => {
  const again = fresh([new Error("cut"), { from: 0, head: 1, more: false, changes: [change(1)] }]);
  assert.equal(await again.sync.load(), true);
  assert.equal(again.replica.head, 1);
  assert.equal(await fresh([new Error("gone")]).sync.load(), false);
});

test("after a failure the page waits before it reads again", async (context) => {
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

test("at a gap the page asks once for what it lacks", () => {
  const { replica, sync, asked } = fresh();
  replica.epoch = "l";
  sync.receive(strokes(3, 4, 4));
  sync.receive(strokes(4, 5, 5));
  assert.deepEqual(asked, [{ type: "since", since: 0, epoch: "l" }]);
  sync.receive(strokes(0, 5, 1, 2, 3, 4, 5));
  assert.equal(replica.head, 5);
  sync.receive(strokes(4, 5, 5));
  assert.equal(replica.ordered().length, 5);
});

test("a new connection may ask at once again", () => {
  const { sync, asked } = fresh();
  sync.receive(strokes(3, 4, 4));
  sync.opened();
  sync.receive(strokes(3, 4, 4));
  assert.equal(asked.length, 2);
});

test("what was answered and does not come is asked for once", (context) => {
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
  assert.equal(asked.length, 2, "what is answered later is asked for too");
});

test("a pong that tells of nothing later ends what was answered and had no effect", () => {
  const { replica, sync } = fresh();
  sync.receive(strokes(0, 1, 1));
  replica.applyOptimistic("w", { n: 2, op: "edit", stroke: "s1", set: { x: 5 } });
  replica.answered("w", 2);
  sync.receive({ type: "pong", head: 2 });
  assert.equal(replica.stroke("s1").body.x, 5);
  sync.receive({ type: "pong", head: 1 });
  assert.equal(replica.stroke("s1").body.x, 0);
});

test("a head that stays ahead on two pongs is asked for", () => {
  const { sync, asked } = fresh();
  sync.receive({ type: "pong", head: 0 });
  sync.receive({ type: "pong", head: 2 });
  assert.equal(asked.length, 0);
  sync.receive({ type: "pong", head: 0 });
  sync.receive({ type: "pong", head: 2 });
  sync.opened();
  sync.receive({ type: "pong", head: 2 });
  assert.equal(asked.length, 0, "they are in a row, and of one socket");
  sync.receive({ type: "pong", head: 2 });
  assert.equal(asked.length, 1);
});

test("a reset starts over from nothing", () => {
  const { replica, sync } = fresh();
  sync.receive(strokes(0, 2, 1, 2));
  sync.receive({ type: "reset", epoch: "new", reason: "epoch" });
  assert.deepEqual([replica.head, replica.epoch, replica.ordered()], [0, "new", []]);
  sync.receive(strokes(0, 1, 1));
  assert.equal(replica.head, 1);
});

test("what is too much for the socket is read over HTTP, and then asked for from there", async () => {
  const { replica, sync, asked } = fresh([{ from: 0, head: 3, more: false, changes: [change(1), change(2), change(3)] }]);
  sync.receive({ type: "read", since: 0 });
  await until(() => asked.length > 0);
  assert.equal(replica.head, 3);
  assert.deepEqual(asked, [{ type: "since", since: 3, epoch: "l" }]);
});

test("while a page is read over HTTP it is read once, and nothing is asked for", async () => {
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

test("what was read over HTTP is followed at once, whenever the page asked last", async () => {
  const { sync, asked } = fresh([{ from: 0, head: 3, more: false, changes: [] }]);
  sync.receive(strokes(3, 4, 4));
  sync.receive({ type: "read", since: 0 });
  await until(() => asked.length > 1);
  assert.deepEqual(asked.map(({ since }) => since), [0, 3]);
});

test("a drawing that is gone is not asked for", async () => {
  const { sync, asked, reads } = fresh([new Error("gone")]);
  sync.receive({ type: "read", since: 0 });
  await until(() => reads.length > 0);
  for (let turn = 0; turn < 10; turn += 1) await null;
  assert.deepEqual([asked, reads], [[], [0]]);
});

test("a page of an epoch that ended while it was read changes nothing", async () => {
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
  assert.deepEqual([replica.epoch, replica.head, replica.ordered().map(({ id }) => id)], ["new", 2, ["s1", "s2"]]);
});

test("a page that starts over, read over HTTP, leaves nothing of what was held, whenever it is read", async () => {
  for (const read of [(sync) => sync.load(), (sync) => sync.receive({ type: "read", since: 9 })]) {
    const { replica, sync } = fresh([{ epoch: "new", reset: true, from: 0, head: 2, more: false, changes: [change(2)] }]);
    replica.epoch = "l";
    sync.receive(strokes(0, 9, 1, 2, 9));
    await read(sync);
    await until(() => replica.epoch === "new");
    assert.deepEqual([replica.head, replica.ordered().map(({ id }) => id)], [2, ["s2"]]);
  }
});

test("a type of frame that the page does not know changes nothing", () => {
  const { replica, sync } = fresh();
  sync.receive({ type: "later" });
  assert.equal(replica.head, 0);
});
