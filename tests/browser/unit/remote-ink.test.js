import assert from "node:assert/strict";
import { test } from "node:test";
import { packPoints } from "../../../static/points.js";
import { RemoteInk } from "../../../static/remote-ink.js";
import { RemotePointers } from "../../../static/remote-pointers.js";

const style = { writer: "w", stroke: "s", n: 1, tool: "pen", colour: "#22201d", width: 4 };
const piece = (offset, xs, more = {}) => ({ ...style, offset, ...packPoints(xs.map((x) => ({ x, y: 0 }))), ...more });
const last = (ink, now) => ink.shown(now)[0]?.points.at(-1)?.x;

test("ink is played over the time it took, not shown in jumps", () => {
  const ink = new RemoteInk();
  ink.receive(piece(0, [0, 10]), 1000);
  assert.equal(last(ink, 1200), 10);
  ink.receive(piece(2, [20, 30]), 1100);
  const halfway = last(ink, 1150);
  assert.ok(halfway > 10 && halfway < 30, `${halfway}`);
  assert.equal(last(ink, 1400), 30);
});

test("ink that is told again changes nothing but that it was heard", () => {
  const ink = new RemoteInk();
  ink.receive(piece(0, [0, 10, 20]), 1000);
  ink.receive(piece(3, [30, 40]), 1100);
  assert.equal(last(ink, 1500), 40);
  ink.receive(piece(0, [0, 10, 20]), 5000);
  assert.equal(last(ink, 5000), 40);
  assert.equal(last(ink, 9900), 40);
  ink.receive(piece(0, [0, 10, 99]), 9950);
  assert.equal(last(ink, 11_000), 99, "a figure that is another one is");
});

test("ink ends by itself after five seconds of silence", () => {
  const ink = new RemoteInk();
  ink.receive(piece(0, [0, 10]), 1000);
  assert.equal(ink.shown(5900).length, 1);
  assert.equal(ink.shown(6100).length, 0);
  assert.ok(ink.isEmpty);
});

test("ink goes when its stroke is here, and when it is given up", () => {
  const ink = new RemoteInk();
  ink.receive(piece(0, [0, 10]), 0);
  ink.drop("s");
  assert.ok(ink.isEmpty);
  ink.receive(piece(0, [0, 10]), 0);
  ink.receive(piece(2, [10], { end: true }), 10);
  assert.ok(ink.isEmpty);
});

test("a figure's points move to where they are told", () => {
  const ink = new RemoteInk();
  ink.receive(piece(0, [0, 10], { tool: "line" }), 0);
  assert.equal(last(ink, 100), 10);
  ink.receive(piece(0, [0, 50], { tool: "line" }), 100);
  assert.equal(last(ink, 400), 50);
});

test("ink that makes no sense shows nothing", () => {
  const ink = new RemoteInk();
  ink.receive({ ...piece(0, [0]), points: "!!" }, 0);
  assert.deepEqual(ink.shown(10), []);
});

test("pointers glide, and only of those who are here", () => {
  const pointers = new RemotePointers();
  const person = { writer: "w", author: "p", name: "Ada", colour: "#c2452d" };
  pointers.receive({ writer: "w", at: { x: 0, y: 0 } }, 0);
  assert.deepEqual(pointers.shown(0).pointers, []);
  pointers.setPeople([person]);
  pointers.receive({ writer: "w", at: { x: 0, y: 0 } }, 0);
  pointers.receive({ writer: "w", at: { x: 100, y: 0 } }, 0);
  const { pointers: [shown], moving } = pointers.shown(30);
  assert.ok(moving && shown.point.x > 0 && shown.point.x < 100);
  pointers.receive({ writer: "w", at: null }, 40);
  assert.deepEqual(pointers.shown(50).pointers, []);
});
