import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Signals } from "../../../static/presence/signals.js";

const header = { stroke: "s", n: 1, kind: "pen", colour: "#22201d", width: 4 };
const points = (count) => Array.from({ length: count }, (_, x) => ({ x, y: 0 }));

const someoneJoined = { count: 2, alone: false, someoneJoined: true };

/** The signals of a tab that others see; `said` returns the frames since the last call. */
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

test("the first pointer is sent at once, then only the latest one per interval", () => {
  const { signals, said } = fresh();
  for (const x of [1, 2, 3]) signals.pointer({ x, y: 0 });
  assert.deepEqual(said().map(({ pointer }) => pointer.x), [1]);
  pass(60);
  assert.deepEqual(said().map(({ pointer }) => pointer.x), [3]);
  pass(1_000);
  assert.deepEqual(said(), []);
});

test("ink is sent in parts, each point once", () => {
  const { signals, said } = fresh();
  signals.ink(header, points(3));
  pass(40);
  signals.ink(header, points(5));
  assert.deepEqual(said().map(({ ink }) => ink.offset), [0, 3]);
  pass(1_000);
  assert.deepEqual(said(), []);
});

test("ink has its opacity where the server takes it, also when it is cancelled", () => {
  const { signals, said } = fresh();
  const translucent = { ...header, opacity: 0.5 };
  const sent = () => said().map(({ ink }) => ink.opacity);
  signals.ink(translucent, points(1));
  assert.deepEqual(sent(), [undefined], "before the welcome");
  for (const [welcome, opacity] of [[{ ink_opacity: true }, 0.5], [{ build: "older" }, undefined]]) {
    pass(1_000);
    signals.receive({ type: "welcome", ...welcome });
    assert.deepEqual(sent(), [opacity]);
    signals.inkCancelled();
    assert.deepEqual(sent(), [opacity]);
    signals.ink(translucent, points(1));
    pass(1_000);
    assert.deepEqual(sent(), [opacity]);
  }
});

test("the pointer is sent again when someone joins, and with all of the ink after a welcome", () => {
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
  assert.deepEqual(said(), [{ type: "signal", pointer: { x: 1, y: 0 } }], "the server sends the ink so far");
  pass(1_000);
  signals.setAudience({ ...someoneJoined, someoneJoined: false });
  assert.deepEqual(said(), [], "nobody joined");
  signals.setAudience({ count: 1, alone: true, someoneJoined: false });
  assert.deepEqual(said(), [], "nobody else is here");
  signals.inkDone();
  signals.pointer(null);
  pass(1_000);
  said();
  signals.receive({ type: "welcome" });
  assert.deepEqual(said(), [], "the pointer is not on the drawing");
});

test("a pointer that left is reported although someone joins", () => {
  const { signals, said } = fresh();
  signals.pointer({ x: 1, y: 0 });
  signals.pointer(null);
  signals.setAudience(someoneJoined);
  pass(60);
  assert.deepEqual(said().map(({ away }) => away), [undefined, true]);
});

test("the pointer rate falls with the number of people, to one per second", () => {
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

const box = { left: 0, top: -10, right: 800, bottom: 590 };

test("the view is sent at most each tenth of a second, the latest one, and not while nobody is here", () => {
  const { signals, said } = fresh();
  for (const left of [1, 2, 3]) signals.view({ ...box, left });
  assert.deepEqual(said(), [{ type: "signal", view: { x: 1, y: -10, w: 799, h: 600 } }]);
  pass(110);
  assert.deepEqual(said().map(({ view }) => view.x), [3]);
  signals.setAudience({ count: 1, alone: true, someoneJoined: false });
  signals.view({ ...box, left: 4 });
  pass(1_000);
  assert.deepEqual(said(), []);
  signals.setAudience(someoneJoined);
  assert.deepEqual(said().map(({ view }) => view.x), [4], "somebody has to know it now");
});

test("a view at the end of the plane stays within the bounds of the server", () => {
  const { signals, said } = fresh();
  signals.view({ left: -10_000_100, top: 9_999_990, right: -9_999_000, bottom: 10_000_900 });
  assert.deepEqual(said()[0].view, { x: -10_000_000, y: 9_999_990, w: 1_000, h: 10 });
});

test("an invitation is sent with the view, and a second one only after a while", () => {
  const { signals, said } = fresh();
  assert.equal(signals.call(), false, "there is no view yet");
  signals.view(box);
  said();
  assert.equal(signals.call(), true);
  assert.deepEqual(said(), [{ type: "signal", view: { x: 0, y: -10, w: 800, h: 600 }, call: true }]);
  assert.equal(signals.call(), false);
  pass(10_000);
  assert.equal(signals.call(), true);
});
