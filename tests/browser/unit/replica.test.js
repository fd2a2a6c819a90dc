import assert from "node:assert/strict";
import { test } from "node:test";
import { Replica } from "../../../static/model/replica.js";
import { ordered } from "./ordered.js";

const body = (x = 0) => ({ kind: "pen", x, y: 0, points: "AAEAAA==", colour: "#22201d", width: 4 });
const change = (seq, stroke, more = { body: body() }) => ({ seq, stroke, writer: "other", n: seq, ...more });
const frame = (from, ...changes) => ({ from, head: changes.at(-1)?.seq ?? from, changes });
const ids = (replica) => ordered(replica).map(({ id }) => id);
const fresh = (...changes) => {
  const replica = new Replica(() => {});
  replica.apply(frame(0, ...changes));
  return replica;
};

test("changes apply in order, once, and never across a gap", () => {
  const replica = fresh(change(1, "a"));
  assert.equal(replica.apply(frame(2, change(3, "c"))), "gap");
  assert.deepEqual([ids(replica), replica.head], [["a"], 1]);
  assert.equal(replica.apply(frame(0, change(1, "a", { erased: true }))), "stale");
  assert.deepEqual(ids(replica), ["a"]);
  assert.equal(replica.apply(frame(0, change(1, "a", { erased: true }), change(2, "b"))), "next");
  assert.deepEqual([ids(replica), replica.head], [["a", "b"], 2], "a change that is already applied is skipped");
});

test("an update may advance the head without changes", () => {
  const replica = fresh(change(1, "a"));
  assert.equal(replica.apply({ from: 1, head: 7, changes: [] }), "next");
  assert.equal(replica.head, 7);
});

test("strokes are painted by z, ties by id", () => {
  const replica = fresh(change(1, "b", { z: 5, body: body() }), change(2, "c", { z: 1, body: body() }), change(3, "a", { z: 5, body: body() }));
  assert.deepEqual(ids(replica), ["c", "a", "b"]);
});

test("an own op shows at once, on top, and is replaced by its change", () => {
  const replica = fresh(change(1, "a"));
  replica.applyOptimistic("me", { n: 1, op: "draw", stroke: "z", body: body(1) });
  replica.applyOptimistic("me", { n: 2, op: "draw", stroke: "b", body: body(2) });
  assert.deepEqual(ids(replica), ["a", "z", "b"]);
  replica.apply(frame(1, change(2, "z", { z: 2, writer: "me", n: 1, body: body(7) })));
  assert.equal(replica.stroke("z").body.x, 7);
  assert.equal(replica.pendingCount(), 1);
});

test("an own op stays applied on top of somebody else's earlier change", () => {
  const replica = fresh(change(1, "a"));
  replica.applyOptimistic("me", { n: 1, op: "edit", stroke: "a", set: { x: 5 } });
  replica.apply(frame(1, change(2, "a", { body: { ...body(9), colour: "#d6402b" } })));
  assert.deepEqual([replica.stroke("a").body.x, replica.stroke("a").body.colour], [5, "#d6402b"]);
});

test("a stroke answered before its change arrives stays visible", () => {
  const replica = fresh();
  replica.applyOptimistic("me", { n: 1, op: "draw", stroke: "a", body: body() });
  replica.answered("me", 1);
  assert.deepEqual(ids(replica), ["a"]);
  replica.apply(frame(0, change(1, "a", { erased: true })));
  assert.deepEqual(ids(replica), [], "somebody else's later change counts");
  assert.equal(replica.pendingCount(), 0);
});

test("a stroke drawn and erased stays hidden until its change arrives", () => {
  const replica = fresh();
  replica.applyOptimistic("me", { n: 1, op: "draw", stroke: "a", body: body() });
  replica.applyOptimistic("me", { n: 2, op: "erase", stroke: "a" });
  replica.applyOptimistic("me", { n: 3, op: "erase", stroke: "b" });
  replica.answered("me", 3);
  assert.deepEqual([ids(replica), replica.pendingCount()], [[], 2]);
  replica.apply(frame(0, change(1, "a", { erased: true })));
  assert.equal(replica.pendingCount(), 0);
});

test("an answered op without effect is dropped once all changes have arrived", () => {
  const replica = fresh(change(1, "a"));
  replica.applyOptimistic("me", { n: 1, op: "edit", stroke: "a", set: { x: 5 } });
  replica.answered("me", 1);
  replica.dropAnswered();
  assert.equal(replica.stroke("a").body.x, 0);
});

test("a stroke missing at a position that includes its answer was refused", () => {
  const lost = [];
  const replica = new Replica(() => {}, (writer, { n }) => lost.push([writer, n]));
  replica.epoch = "epoch";
  for (const [n, stroke] of [[1, "a"], [2, "b"], [3, "c"]]) replica.applyOptimistic("me", { n, op: "draw", stroke, body: body() });
  replica.answered("me", 2, { epoch: "epoch", head: 2 });
  replica.answered("me", 2);
  replica.apply(frame(0, change(1, "x")));
  assert.deepEqual(lost, [], "its change may still arrive");
  replica.apply(frame(1, change(2, "b", { writer: "me", n: 2, body: body() })));
  assert.deepEqual([lost, ids(replica)], [[["me", 1]], ["x", "b", "c"]]);
});

test("a stroke missing at the current head after its answer was refused", () => {
  const lost = [];
  const replica = new Replica(() => {}, (_, { n }) => lost.push(n));
  replica.epoch = "epoch";
  replica.applyOptimistic("me", { n: 1, op: "draw", stroke: "a", body: body() });
  replica.applyOptimistic("me", { n: 2, op: "draw", stroke: "b", body: body() });
  replica.apply(frame(0, change(1, "b", { writer: "me", n: 2, erased: true })));
  replica.answered("me", 2, { epoch: "another", head: 1 });
  assert.deepEqual(lost, [], "a position of another epoch is ignored");
  replica.answered("me", 2, { epoch: "epoch", head: 1 });
  assert.deepEqual([lost, ids(replica), replica.pendingCount()], [[1], [], 0]);
});

test("a refused op leaves no trace", () => {
  const replica = fresh(change(1, "a"));
  replica.applyOptimistic("me", { n: 1, op: "erase", stroke: "a" });
  replica.applyOptimistic("me", { n: 2, op: "draw", stroke: "b", body: body() });
  assert.deepEqual(ids(replica), ["b"]);
  replica.refused("me", 1);
  replica.refused("me", 2);
  assert.deepEqual(ids(replica), ["a"]);
});

test("undo and redo based on an own op work before it is stored", () => {
  const replica = fresh();
  replica.applyOptimistic("me", { n: 1, op: "draw", stroke: "a", body: body() });
  replica.applyOptimistic("me", { n: 2, op: "erase", stroke: "a", base: { writer: "me", n: 1 } });
  assert.deepEqual(ids(replica), []);
  replica.applyOptimistic("me", { n: 3, op: "restore", stroke: "a", body: body(), base: { writer: "me", n: 2 } });
  assert.deepEqual(ids(replica), ["a"]);
});

test("an op whose base is not the last op shows nothing", () => {
  const replica = fresh(change(1, "a", { writer: "me", n: 1, body: body() }), change(2, "a", { writer: "other", n: 9, body: body(3) }));
  replica.applyOptimistic("me", { n: 2, op: "erase", stroke: "a", base: { writer: "me", n: 1 } });
  assert.deepEqual(ids(replica), ["a"]);
});

test("a recovered op that is stored already changes nothing", () => {
  const replica = fresh(change(1, "a", { writer: "dead", n: 2, body: body(8) }));
  replica.applyOptimistic("dead", { n: 1, op: "edit", stroke: "a", set: { x: 5 } });
  replica.applyOptimistic("dead", { n: 2, op: "edit", stroke: "a", set: { x: 8 } });
  assert.deepEqual([replica.stroke("a").body.x, replica.pendingCount()], [8, 0]);
});

test("a reset drops confirmed strokes and keeps unanswered ops", () => {
  const replica = fresh(change(1, "a"));
  replica.applyOptimistic("me", { n: 1, op: "draw", stroke: "b", body: body() });
  replica.applyOptimistic("me", { n: 2, op: "draw", stroke: "c", body: body() });
  replica.answered("me", 1);
  replica.reset("epoch");
  assert.deepEqual([ids(replica), replica.head, replica.epoch], [["c"], 0, "epoch"]);
});

test("every visible change is reported with the stroke before and after", () => {
  const seen = [];
  const replica = new Replica((id, before, after) => seen.push([id, before?.body.x ?? null, after?.body.x ?? null]));
  replica.apply(frame(0, change(1, "a", { body: body(1) })));
  replica.apply(frame(1, change(2, "a", { body: body(2) })));
  replica.apply(frame(2, change(3, "a", { erased: true })));
  assert.deepEqual(seen, [["a", null, 1], ["a", 1, 2], ["a", 2, null]]);
});

test("what was shown already is no visible change when it is confirmed, and keeps its identity", () => {
  const seen = [];
  const replica = new Replica((id, before, after) => seen.push([id, before?.body.x ?? null, after?.body.x ?? null]));
  const bound = (x) => ({ ...body(x), start: { stroke: "b", at: [0, 1] } });
  replica.apply(frame(0, change(1, "a", { body: bound(1) })));
  replica.applyOptimistic("me", { n: 1, op: "edit", stroke: "a", set: { x: 5 } });
  const shown = replica.stroke("a").body;
  replica.answered("me", 1);
  replica.apply(frame(1, change(2, "a", { z: 1, writer: "me", n: 1, body: bound(5) })));
  assert.deepEqual(seen, [["a", null, 1], ["a", 1, 5]]);
  assert.equal(replica.stroke("a").body, shown);
  // Of a drawn stroke the place in the order is known only now.
  replica.applyOptimistic("me", { n: 2, op: "draw", stroke: "c", body: body(7) });
  const drawn = replica.stroke("c").body;
  replica.apply(frame(2, change(3, "c", { writer: "me", n: 2, body: body(7) })));
  assert.deepEqual(seen.slice(2), [["c", null, 7], ["c", 7, 7]]);
  assert.equal(replica.stroke("c").body, drawn);
  // Somebody else's change to what it is already counts as theirs.
  replica.apply(frame(3, change(4, "a", { z: 1, writer: "you", n: 1, body: bound(5) })));
  assert.equal(seen.length, 5);
  replica.apply(frame(4, change(5, "a", { z: 1, writer: "you", n: 2, body: { ...bound(5), start: { stroke: "c", at: [0, 1] } } })));
  assert.equal(seen.length, 6);
});

test("strokes whose last change has no answer yet are told apart, also after the others have gone", () => {
  const replica = fresh(change(1, "a"), change(2, "b"));
  replica.applyOptimistic("me", { n: 1, op: "edit", stroke: "a", set: { x: 5 } });
  replica.applyOptimistic("me", { n: 2, op: "draw", stroke: "c", body: body(7) });
  replica.applyOptimistic("me", { n: 3, op: "erase", stroke: "b" });
  assert.deepEqual(replica.unconfirmed().map(({ id, body: { x } }) => [id, x]), [["a", 5], ["c", 7]]);
  replica.refused("me", 2);
  assert.deepEqual(replica.unconfirmed().map(({ id }) => id), ["a"]);
});
