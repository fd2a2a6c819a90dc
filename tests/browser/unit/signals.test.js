import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Signals } from "../../../static/signals.js";

const header = { stroke: "s", n: 1, tool: "pen", colour: "#22201d", width: 4 };
const points = (count) => Array.from({ length: count }, (_, x) => ({ x, y: 0 }));

const someoneJoined = { count: 2, alone: false, someoneJoined: true };

/** A page that others see, and what it said since this was asked last. */
function fresh() {
  const frames = [];
  const signals = new Signals((frame) => frames.push(frame));
  signals.setAudience(someoneJoined);
  return { signals, said: () => frames.splice(0) };
}

let now = 0;
beforeEach(() => {
  now = 1_000;
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(performance, "now", () => now);
});

const pass = (milliseconds) => {
  now += milliseconds;
  mock.timers.tick(milliseconds);
};

test("the first pointer goes at once, and of those that follow quickly the last", () => {
  const { signals, said } = fresh();
  for (const x of [1, 2, 3]) signals.pointer({ x, y: 0 });
  assert.deepEqual(said().map(({ pointer }) => pointer.x), [1]);
  pass(60);
  assert.deepEqual(said().map(({ pointer }) => pointer.x), [3]);
  pass(1_000);
  assert.deepEqual(said(), []);
});

test("ink is told piece by piece, each point once", () => {
  const { signals, said } = fresh();
  signals.ink(header, points(3));
  pass(40);
  signals.ink(header, points(5));
  assert.deepEqual(said().map(({ ink }) => ink.offset), [0, 3]);
  pass(1_000);
  assert.deepEqual(said(), []);
});

test("a welcome, and whoever comes, is told where the pointer is, and all of the ink, though nothing moves", () => {
  const { signals, said } = fresh();
  signals.pointer({ x: 1, y: 0 });
  signals.ink(header, points(3));
  pass(1_000);
  said();
  signals.receive({ type: "pong" });
  assert.deepEqual(said(), []);
  signals.receive({ type: "welcome" });
  const [{ pointer, ink }] = said();
  assert.deepEqual([pointer.x, ink.offset], [1, 0]);
  pass(1_000);
  signals.setAudience(someoneJoined);
  assert.deepEqual(said(), [{ type: "signal", pointer: { x: 1, y: 0 } }], "others hold the ink");
  pass(1_000);
  signals.setAudience({ ...someoneJoined, someoneJoined: false });
  assert.deepEqual(said(), [], "who left, and who was here, need it not");
  signals.setAudience({ count: 1, alone: true, someoneJoined: false });
  assert.deepEqual(said(), [], "nobody would hear it");
  signals.inkDone();
  signals.pointer(null);
  pass(1_000);
  said();
  signals.receive({ type: "welcome" });
  assert.deepEqual(said(), [], "who is not on the drawing says nothing");
});

test("that the pointer left is told, whoever comes meanwhile", () => {
  const { signals, said } = fresh();
  signals.pointer({ x: 1, y: 0 });
  signals.pointer(null);
  signals.setAudience(someoneJoined);
  pass(60);
  assert.deepEqual(said().map(({ away }) => away), [undefined, true]);
});

test("the more people are here the fewer pointers each of them tells, down to one a second", () => {
  for (const [count, every] of [[3, 50], [50, 50], [300, 300], [5_000, 1_000]]) {
    const { signals, said } = fresh();
    signals.setAudience({ count, alone: false, someoneJoined: false });
    for (let at = 0; at < 6_000; at += 10) {
      signals.pointer({ x: at, y: 0 });
      pass(10);
    }
    const pointers = said().length;
    assert.ok(Math.abs(pointers - 6_000 / every) <= 1, `${pointers} with ${count} people`);
  }
});
