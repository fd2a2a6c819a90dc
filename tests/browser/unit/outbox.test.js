import assert from "node:assert/strict";
import { mock, test } from "node:test";
import "fake-indexeddb/auto";
import { randomId, writerOf } from "../../../static/model/ids.js";
import { Outbox } from "../../../static/net/outbox.js";
import { OutboxStore } from "../../../static/net/outbox-store.js";

const body = { kind: "pen", x: 0, y: 0, points: "AAEAAA==", colour: "#22201d", width: 4 };
const draw = (more = {}) => ({ op: "draw", stroke: randomId(), body: { ...body, ...more } });

/** Waits until `what` returns true, for up to two seconds. */
async function until(what) {
  for (const end = Date.now() + 2000; !what(); await new Promise((resolve) => setTimeout(resolve, 1))) {
    assert.ok(Date.now() < end, `never: ${what}`);
  }
}

async function fresh({ kept = [], writer = writerOf(randomId(), randomId()), drawing = randomId() } = {}) {
  const store = await OutboxStore.open(drawing, indexedDB);
  const frames = [];
  const refused = [];
  const on = { answered() {}, refused: (_, op, frame) => refused.push([op.n, frame.reason]), countChanged() {}, storeFailed: () => assert.fail("the store failed") };
  const outbox = new Outbox(writer, store, on, kept);
  const numbers = () => frames.flatMap(({ ops }) => ops.map(({ n }) => n));
  return { outbox, store, writer, drawing, frames, refused, numbers, send: (frame) => frames.push(frame) };
}

/** An outbox with these ops stored and not sent. */
async function kept(drafts) {
  const parts = await fresh();
  let count = 0;
  const put = parts.store.put.bind(parts.store);
  parts.store.put = (writer, ops) => put(writer, ops).then(() => (count += ops.length));
  drafts.forEach((draft) => parts.outbox.add([draft]));
  await until(() => count === drafts.length);
  return parts;
}

test("ops are stored before they are sent, in order", async () => {
  const { outbox, store, writer, numbers } = await fresh();
  outbox.opened(0, () => {
    throw new Error("sent before it was stored");
  });
  outbox.closed();
  const order = [];
  const put = store.put.bind(store);
  store.put = async (writer, ops) => {
    await put(writer, ops);
    ops.forEach(({ n }) => order.push(`stored ${n}`));
  };
  outbox.opened(0, ({ ops }) => ops.forEach(({ n }) => order.push(`sent ${n}`)));
  outbox.add([draw()]);
  outbox.add([draw()]);
  await until(() => order.length === 4);
  assert.deepEqual(order.filter((what) => what.startsWith("sent")), ["sent 1", "sent 2"]);
  for (const n of [1, 2]) assert.ok(order.indexOf(`stored ${n}`) < order.indexOf(`sent ${n}`));
  assert.deepEqual((await store.ops(writer.tab)).map(({ n }) => n), [1, 2]);
  assert.deepEqual(numbers(), []);
});

test("done is cumulative and empties the store", async () => {
  const { outbox, store, writer, numbers, send } = await fresh();
  outbox.opened(0, send);
  for (let i = 0; i < 3; i += 1) outbox.add([draw()]);
  await until(() => numbers().length === 3);
  outbox.done(2);
  assert.deepEqual([outbox.count, outbox.first], [1, 3]);
  outbox.done(3);
  assert.deepEqual([outbox.count, outbox.first, outbox.next], [0, 4, 4]);
  let left = 1;
  await until(() => (store.ops(writer.tab).then((ops) => (left = ops.length)), left === 0));
});

test("after a reconnect only unanswered ops are sent again", async () => {
  const { outbox, frames, numbers, send } = await fresh();
  outbox.opened(0, send);
  for (let i = 0; i < 4; i += 1) outbox.add([draw()]);
  await until(() => numbers().length === 4);
  outbox.closed();
  outbox.add([draw()]);
  frames.length = 0;
  outbox.opened(2, send);
  await until(() => numbers().length === 3);
  assert.deepEqual(numbers(), [3, 4, 5]);
});

test("a refused op leaves the outbox without a gap in the numbers", async () => {
  const { outbox, frames, refused, numbers, send } = await fresh();
  outbox.opened(0, send);
  const ops = outbox.add(Array.from({ length: 3 }, draw));
  await until(() => numbers().length === 3);
  for (let times = 0; times < 2; times += 1) outbox.refused({ type: "refused", n: 2, reason: "full", message: "the drawing is full" });
  assert.deepEqual([outbox.count, refused], [2, [[2, "full"]]]);
  frames.length = 0;
  outbox.opened(0, send);
  assert.deepEqual(numbers(), [1, 2, 3]);
  const again = frames[0].ops[1];
  assert.equal(again.op, "erase");
  assert.ok(ops.every(({ stroke }) => stroke !== again.stroke), "the placeholder touches no stroke");
  outbox.done(3);
  outbox.refused({ type: "refused", n: 2, reason: "full", message: "" });
  assert.equal(refused.length, 1);
});

test("a refusal of the first op is also its answer", async () => {
  const { outbox, numbers, send } = await fresh();
  outbox.opened(0, send);
  outbox.add([draw()]);
  await until(() => numbers().length === 1);
  outbox.refused({ type: "refused", n: 1, reason: "invalid", message: "" });
  assert.deepEqual([outbox.count, outbox.first], [0, 2]);
});

test("after a refusal for load the op and those after it are resent later", async () => {
  const { outbox, frames, refused, numbers, send } = await fresh();
  outbox.opened(0, send);
  for (let i = 0; i < 3; i += 1) outbox.add([draw()]);
  await until(() => numbers().length === 3);
  frames.length = 0;
  outbox.refused({ type: "refused", n: 2, reason: "load", message: "", retry_ms: 20 });
  outbox.refused({ type: "refused", n: 3, reason: "load", message: "", retry_ms: 20 });
  outbox.add([draw()]);
  assert.deepEqual([numbers(), outbox.count, refused], [[], 4, []]);
  await until(() => numbers().length === 3);
  assert.deepEqual(numbers(), [2, 3, 4]);
});

test("resend sends the ops from that number on", async () => {
  const { outbox, frames, numbers, send } = await fresh();
  outbox.opened(0, send);
  for (let i = 0; i < 3; i += 1) outbox.add([draw()]);
  await until(() => numbers().length === 3);
  frames.length = 0;
  outbox.resend(2);
  assert.deepEqual(numbers(), [2, 3]);
  outbox.done(2);
  frames.length = 0;
  outbox.resend(1);
  assert.deepEqual(numbers(), [], "neither answered ops nor ops in flight are sent again");
});

test("nothing is sent between sessions, and a new session ignores the previous one's retry_ms", async () => {
  const { outbox, frames, numbers, send } = await fresh();
  outbox.opened(0, send);
  outbox.add([draw()]);
  await until(() => numbers().length === 1);
  frames.length = 0;
  outbox.refused({ type: "refused", n: 1, reason: "load", message: "", retry_ms: 600_000 });
  outbox.closed();
  outbox.resend(1);
  assert.deepEqual(numbers(), []);
  outbox.opened(0, send);
  assert.deepEqual(numbers(), [1]);
});

test("a refusal for load without retry_ms waits one second", async (context) => {
  const { outbox, frames, numbers, send } = await kept([draw()]);
  outbox.opened(0, send);
  frames.length = 0;
  context.mock.timers.enable({ apis: ["setTimeout"] });
  outbox.refused({ type: "refused", n: 1, reason: "load", message: "" });
  context.mock.timers.tick(999);
  assert.deepEqual(numbers(), []);
  context.mock.timers.tick(1);
  assert.deepEqual(numbers(), [1]);
});

test("every change of the number of unanswered ops is reported", async () => {
  const counts = [];
  const store = { put: async () => {}, deleteUpTo: async () => {} };
  const on = { answered() {}, refused() {}, countChanged: () => counts.push(outbox.count), storeFailed() {} };
  const outbox = new Outbox(writerOf(randomId(), randomId()), store, on);
  for (let i = 0; i < 3; i += 1) outbox.add([draw()]);
  outbox.refused({ type: "refused", n: 2, reason: "limit", message: "" });
  outbox.done(1);
  outbox.done(1);
  outbox.done(3);
  assert.deepEqual(counts, [1, 2, 3, 2, 1, 0]);
});

/** An outbox with ops that are in memory only, for many or large ones, and the frames it sends. */
async function unkept(drafts) {
  const frames = [];
  const on = { answered() {}, refused() {}, countChanged() {}, storeFailed() {} };
  const outbox = new Outbox(writerOf(randomId(), randomId()), { put: async () => {}, deleteUpTo: async () => {} }, on);
  outbox.add(drafts);
  outbox.opened(0, (frame) => frames.push(frame));
  await until(() => frames.length > 0);
  return { outbox, frames, numbers: () => frames.flatMap(({ ops }) => ops.map(({ n }) => n)) };
}

test("no more than a window of ops is in flight, in as few frames as possible", async () => {
  const { outbox, frames, numbers } = await unkept(Array.from({ length: 2_250 }, () => draw()));
  assert.deepEqual([numbers().length, frames.length], [1_000, 2]);
  outbox.done(750);
  assert.equal(numbers().length, 1_750);
  outbox.done(1_000);
  outbox.done(2_000);
  assert.deepEqual(numbers(), Array.from({ length: 2_250 }, (_, i) => i + 1));
});

test("only so many bytes are in flight, and one frame more", async () => {
  const { outbox, numbers } = await unkept(Array.from({ length: 100 }, () => draw({ later: "x".repeat(50_000) })));
  const first = numbers().length;
  assert.ok(first >= 40 && first <= 48, String(first));
  outbox.done(first);
  assert.ok(numbers().length >= first + 40);
});

test("frames are filled up to the limit, and only a single op may exceed it", async () => {
  const large = (bytes) => draw({ later: "é".repeat(bytes / 2) });
  const drafts = [...Array.from({ length: 20 }, () => large(30_000)), large(300_000), draw()];
  const { outbox, frames, numbers, send } = await kept(drafts);
  outbox.opened(0, send);
  assert.deepEqual(frames.map(({ ops }) => ops.length), [6, 6, 6, 2, 1, 1]);
  const bytes = frames.map((frame) => new TextEncoder().encode(JSON.stringify(frame)).length);
  bytes.splice(4, 1);
  assert.ok(Math.max(...bytes) < 256 * 1024, `${bytes}`);
  assert.deepEqual(numbers(), drafts.map((_, i) => i + 1));
});

test("a placeholder replaces a refused op in the store", async () => {
  const { outbox, store, writer, numbers, send } = await kept([draw(), draw(), draw()]);
  outbox.opened(0, send);
  const [{ stroke }] = (await store.ops(writer.tab)).slice(1, 2);
  outbox.refused({ type: "refused", n: 2, reason: "limit", message: "" });
  let left = [];
  await until(() => (store.ops(writer.tab).then((ops) => (left = ops)), left.length === 3 && left[1].op === "erase"));
  assert.deepEqual(left.map(({ n }) => n), [1, 2, 3], "no number is missing");
  assert.ok(left.every((op) => op.stroke !== stroke), "the refused op is deleted");
  assert.deepEqual(numbers(), [1, 2, 3]);
});

test("a dead tab's ops are sent by another tab with the same numbers", async () => {
  const dead = await fresh();
  for (let i = 0; i < 3; i += 1) dead.outbox.add([draw()]);
  let kept = [];
  await until(() => (dead.store.ops(dead.writer.tab).then((ops) => (kept = ops)), kept.length === 3));

  const store = await OutboxStore.open(dead.drawing, indexedDB);
  const [owner] = await store.owners();
  assert.deepEqual([owner.tab, owner.key], [dead.writer.tab, dead.writer.key]);
  assert.deepEqual(await (await OutboxStore.open(randomId(), indexedDB)).owners(), [], "another drawing has no owners");
  const recoverer = await fresh({ kept: await store.ops(owner.tab), writer: writerOf(owner.key, owner.tab), drawing: dead.drawing });
  assert.deepEqual([recoverer.outbox.count, recoverer.outbox.first, recoverer.outbox.next], [3, 1, 4]);
  recoverer.outbox.opened(1, recoverer.send);
  assert.deepEqual(recoverer.numbers(), [2, 3]);
  recoverer.outbox.done(3);
  await store.removeOwner(owner.tab);
  assert.deepEqual([await store.owners(), await store.ops(owner.tab)], [[], []]);
});

test("without a database ops are still sent", async () => {
  const store = await OutboxStore.open(randomId(), { open: () => { throw new Error("private mode"); } });
  assert.equal(store.durable, false);
  const sent = [];
  const on = { answered() {}, refused() {}, countChanged() {}, storeFailed() {} };
  const outbox = new Outbox(writerOf(randomId(), randomId()), store, on);
  outbox.opened(0, ({ ops }) => sent.push(...ops));
  outbox.add([draw()]);
  await until(() => sent.length === 1);
});

test("a database that fails later does not stop sending", async () => {
  let failures = 0;
  const store = { put: async () => { throw new Error("quota"); }, deleteUpTo: async () => {} };
  const sent = [];
  const on = { answered() {}, refused() {}, countChanged() {}, storeFailed: () => (failures += 1) };
  const outbox = new Outbox(writerOf(randomId(), randomId()), store, on);
  outbox.opened(0, ({ ops }) => sent.push(...ops));
  outbox.add([draw()]);
  await until(() => sent.length === 1);
  assert.equal(failures, 1);
});

test("an op in flight is overdue after three seconds, and an answer or a closed socket starts over", async () => {
  const { outbox, send, numbers } = await fresh();
  const in3s = () => outbox.becameOverdue(performance.now() + 3_000);
  outbox.opened(0, send);
  assert.equal(in3s(), false, "nothing is in flight");
  outbox.add([draw()]);
  outbox.add([draw()]);
  await until(() => numbers().length === 2);
  assert.deepEqual([outbox.becameOverdue(performance.now()), in3s(), in3s()], [false, true, false], "once in three seconds");
  outbox.done(1);
  assert.deepEqual([outbox.becameOverdue(performance.now() + 2_500), in3s()], [false, true]);
  outbox.closed();
  assert.equal(in3s(), false);
  outbox.opened(1, send);
  assert.equal(in3s(), true);
  outbox.done(2);
  assert.equal(in3s(), false);
});

test("ops are held back while others must be answered first, but not for ever", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const sent = [];
    const stored = [];
    const store = { put: async (_, ops) => void stored.push(...ops), deleteUpTo: async () => {} };
    const outbox = new Outbox(writerOf(randomId(), randomId()), store, { answered() {}, refused() {}, countChanged() {}, storeFailed() {} });
    const tasks = () => new Promise(setImmediate);
    outbox.hold(true);
    outbox.add([draw()]);
    mock.timers.tick(60_000);
    outbox.opened(0, ({ ops }) => sent.push(...ops));
    await tasks();
    assert.deepEqual([stored.length, sent.length], [1, 0], "the time before a session does not count");
    outbox.hold(false);
    assert.equal(sent.length, 1);
    outbox.hold(true);
    outbox.add([draw()]);
    await tasks();
    mock.timers.tick(14_999);
    assert.equal(sent.length, 1);
    mock.timers.tick(1);
    assert.equal(sent.length, 2);
  } finally {
    mock.timers.reset();
  }
});
