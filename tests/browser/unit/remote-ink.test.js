import assert from "node:assert/strict";
import { test } from "node:test";
import { packPoints } from "../../../static/model/points.js";
import { RemoteInk } from "../../../static/presence/remote-ink.js";
import { RemotePointers } from "../../../static/presence/remote-pointers.js";

const style = { writer: "w", stroke: "s", n: 1, kind: "pen", colour: "#22201d", width: 4 };
const part = (offset, xs, more = {}) => ({ ...style, offset, ...packPoints(xs.map((x) => ({ x, y: 0 }))), ...more });
const last = (ink, now) => ink.shown(now)[0]?.points.at(-1)?.x;

test("ink is played back smoothly", () => {
  const ink = new RemoteInk();
  ink.receive(part(0, [0, 10]), 1000);
  assert.equal(last(ink, 1200), 10);
  ink.receive(part(2, [20, 30]), 1100);
  const halfway = last(ink, 1150);
  assert.ok(halfway > 10 && halfway < 30, `${halfway}`);
  assert.equal(last(ink, 1400), 30);
});

test("repeated ink only extends its lifetime", () => {
  const ink = new RemoteInk();
  ink.receive(part(0, [0, 10, 20]), 1000);
  ink.receive(part(3, [30, 40]), 1100);
  assert.equal(last(ink, 1500), 40);
  ink.receive(part(0, [0, 10, 20]), 5000);
  assert.equal(last(ink, 5000), 40);
  assert.equal(last(ink, 9900), 40);
  ink.receive(part(0, [0, 10, 99]), 9950);
  assert.equal(last(ink, 11_000), 99, "a changed point is shown");
});

test("ink is shown in the width of its last part", () => {
  const ink = new RemoteInk();
  ink.receive(part(0, [0, 6], { kind: "arrow", width: 1 }), 1000);
  ink.receive(part(0, [0, 90], { kind: "arrow", width: 14 }), 1100);
  assert.equal(ink.shown(1200)[0].width, 14);
});

test("ink is as translucent as its stroke will be", () => {
  const ink = new RemoteInk();
  ink.receive(part(0, [0, 6], { opacity: 0.5 }), 1000);
  assert.equal(ink.shown(1200)[0].opacity, 0.5);
});

test("ink expires five seconds after its last part", () => {
  const ink = new RemoteInk();
  ink.receive(part(0, [0, 10]), 1000);
  assert.equal(ink.shown(5900).length, 1);
  assert.equal(ink.shown(6100).length, 0);
  assert.ok(ink.isEmpty);
});

test("ink is dropped when its stroke arrives and when it is cancelled", () => {
  const ink = new RemoteInk();
  ink.receive(part(0, [0, 10]), 0);
  ink.drop("s");
  assert.ok(ink.isEmpty);
  ink.receive(part(0, [0, 10]), 0);
  ink.receive(part(2, [10], { end: true }), 10);
  assert.ok(ink.isEmpty);
});

test("a figure's points move to their new positions", () => {
  const ink = new RemoteInk();
  ink.receive(part(0, [0, 10], { kind: "line" }), 0);
  assert.equal(last(ink, 100), 10);
  ink.receive(part(0, [0, 50], { kind: "line" }), 100);
  assert.equal(last(ink, 400), 50);
});

test("malformed ink shows nothing", () => {
  const ink = new RemoteInk();
  ink.receive({ ...part(0, [0]), points: "!!" }, 0);
  assert.deepEqual(ink.shown(10), []);
});

test("pointers move smoothly and are shown only for people who are listed", () => {
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
