import assert from "node:assert/strict";
import { test } from "node:test";
import { aligned, boxOfAll, distributed } from "../../../static/model/arrange.js";
import { copies } from "../../../static/model/copies.js";
import { clipOf, plainTextOf, readClip } from "../../../static/model/clip.js";
import { dice } from "./dice.js";

const moved = (boxes, moves) => boxes.map(({ left, top, right, bottom }, i) => ({ left: left + moves[i].dx, top: top + moves[i].dy, right: right + moves[i].dx, bottom: bottom + moves[i].dy }));

function randomBoxes(roll) {
  return Array.from({ length: 1 + roll(6) }, () => {
    const [left, top] = [roll(1000), roll(1000)];
    return { left, top, right: left + roll(300), bottom: top + roll(300) };
  });
}

test("aligned boxes share a side, within the box around them", () => {
  const sides = { left: (box) => box.left, right: (box) => box.right, top: (box) => box.top, bottom: (box) => box.bottom, centre: (box) => box.left + box.right, middle: (box) => box.top + box.bottom };
  for (let seed = 1; seed <= 60; seed += 1) {
    const boxes = randomBoxes(dice(seed));
    for (const [side, of] of Object.entries(sides)) {
      const after = moved(boxes, aligned(boxes, side));
      for (const box of after) assert.ok(Math.abs(of(box) - of(boxOfAll(boxes))) < 1e-6, `seed ${seed} ${side}`);
    }
  }
});

test("distributed boxes have equal gaps, and stay in the box around them", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const boxes = randomBoxes(dice(seed));
    if (boxes.length < 3) continue;
    const order = boxes.map((_, i) => i).sort((a, b) => boxes[a].left + boxes[a].right - boxes[b].left - boxes[b].right);
    const after = moved(boxes, distributed(boxes, "x"));
    const gaps = order.slice(1).map((i, at) => after[i].left - after[order[at]].right);
    for (const gap of gaps) assert.ok(Math.abs(gap - gaps[0]) < 1e-6, `seed ${seed}: ${gaps}`);
    assert.ok(after.every(({ top }, i) => top === boxes[i].top), `seed ${seed}`);
    // Boxes inside others have no gaps between them, and may stick out.
    if (gaps[0] >= 0) assert.ok(Math.abs(boxOfAll(after).left - boxOfAll(boxes).left) < 1e-6, `seed ${seed}`);
  }
});

test("copies have groups of their own, and bindings among themselves only", () => {
  const body = (more) => ({ kind: "rectangle", x: 0, y: 0, colour: "ink", ...more });
  const strokes = [
    { id: "a", body: body({ group: "g", locked: true }) },
    { id: "b", body: body({ group: "g" }) },
    { id: "c", body: body({ kind: "arrow", start: { stroke: "a", at: [0, 0] }, end: { stroke: "elsewhere", at: [1, 1] } }) },
  ];
  const { edits, ids } = copies(strokes, ({ x }) => ({ x: x + 5 }));
  assert.deepEqual(edits.map(({ op, stroke }) => [op, stroke]), ids.map((id) => ["draw", id]));
  const [a, b, c] = edits.map((edit) => edit.body);
  assert.ok(a.group === b.group && a.group !== "g" && a.group.length > 0);
  assert.deepEqual([a.locked, a.x, c.start, c.end], [undefined, 5, { stroke: ids[0], at: [0, 0] }, undefined]);
});

test("what is copied can be read again, and anything else on a clipboard is refused", () => {
  const strokes = [
    { id: "a", body: { kind: "text", x: 1, y: 2, colour: "red", text: "Hi", later: [1] } },
    { id: "b", body: { kind: "pen", x: 0, y: 0, colour: "#112233", points: "AAEAAA==" } },
  ];
  assert.deepEqual(readClip(clipOf(strokes)), strokes);
  assert.equal(plainTextOf(strokes), "Hi");
  for (const text of ["", "hello", "{}", '{"type":"whiteboard/strokes"}', '{"type":"whiteboard/strokes","strokes":', "whiteboard/strokes"]) assert.equal(readClip(text), null);
  const odd = [null, {}, { id: "x", body: { kind: "pen", x: "1", y: 0, colour: "ink" } }, { id: "x", body: { kind: "pen", x: 1, y: 0, colour: "javascript:" } }];
  assert.deepEqual(readClip(JSON.stringify({ type: "whiteboard/strokes", strokes: odd })), []);
});
