import assert from "node:assert/strict";
import { test } from "node:test";
import { RemotePreviews } from "../../../static/presence/remote-previews.js";

const body = (more) => ({ kind: "rectangle", x: 0, y: 0, colour: "ink", ...more });

/** Previews of strokes that a test may change. */
function fresh() {
  const strokes = new Map(["a", "b"].map((id) => [id, { id, z: 1, body: body({ x: id === "a" ? 1 : 2 }), last: { writer: "ada", n: 4 } }]));
  const previews = new RemotePreviews((id) => strokes.get(id) ?? null);
  return { strokes, previews };
}

test("what somebody drags or types stands in for the strokes", () => {
  const { previews } = fresh();
  previews.receive({ writer: "ben", edit: { n: 1, set: { a: { x: 50 } }, ids: ["b", "gone"], matrix: [1, 0, 0, 1, 5, 5], draw: { c: body({ text: "Hi" }) } } }, 0);
  assert.deepEqual([...previews.hidden()].sort(), ["a", "b"]);
  const [{ bodies, carried, box }] = previews.shown();
  assert.deepEqual(bodies.map(({ x, text }) => [x, text]), [[50, undefined], [0, "Hi"]]);
  assert.deepEqual([carried.bodies.map(({ x }) => x), carried.matrix, box], [[2], [1, 0, 0, 1, 5, 5], null]);
});

test("a preview ends when its strokes change, when it is cancelled, and after some seconds", () => {
  const { previews } = fresh();
  const show = (now = 0) => previews.receive({ writer: "ben", edit: { n: 1, set: { a: { x: 50 }, b: { x: 60 } } } }, now);
  show();
  previews.strokeChanged("a");
  assert.deepEqual([...previews.hidden()], ["b"]);
  previews.receive({ writer: "ben", edit: null }, 0);
  assert.deepEqual([previews.hidden().size, previews.shown()], [0, []]);
  show(1_000);
  assert.equal(previews.expire(2_000), 9_000);
  assert.equal(previews.expire(9_001), Infinity);
  assert.equal(previews.isEmpty, true);
});

test("a preview that arrives later than the op that ends its edit is not shown", () => {
  const { strokes, previews } = fresh();
  const edit = { n: 5, set: { a: { x: 50 } }, draw: { b: body() } };
  previews.receive({ writer: "ada", edit }, 0);
  assert.deepEqual([[...previews.hidden()], previews.shown()[0].bodies.length], [["a"], 1], "b exists already");
  strokes.set("a", { ...strokes.get("a"), last: { writer: "ada", n: 5 } });
  assert.deepEqual([previews.hidden().size, previews.shown()[0].bodies], [0, []]);
});

test("nothing that others send breaks the page", () => {
  const { previews } = fresh();
  for (const edit of [{}, { set: { a: { text: 5, x: "far" }, b: null }, ids: "a", matrix: [1] }, { box: [1, 2, 3] }, { draw: { c: null, d: 5, e: { kind: "pen" } } }, { ids: [1, null], matrix: [1, 0, 0, 1, 0, Infinity] }]) {
    previews.receive({ writer: "eve", edit: { n: 1, ...edit } }, 0);
    previews.hidden();
    const [{ bodies, carried, box }] = previews.shown();
    assert.deepEqual([bodies.filter(({ text }) => text !== undefined), carried, box], [[], null, null]);
  }
});
