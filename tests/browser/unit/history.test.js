import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../../static/model/history.js";

const body = { kind: "pen", x: 0, y: 0, points: "AAEAAA==", colour: "#22201d", width: 4 };

function fresh() {
  /** @type {any[]} */
  const drafts = [];
  return { drafts, history: new History("me", (added) => drafts.push(...added) - added.length + 1) };
}

const done = (history, ...edits) => history.commit(edits);

test("undo and redo are based on this tab's previous op", () => {
  const { history, drafts } = fresh();
  done(history, { op: "draw", stroke: "a", body });
  history.undo();
  history.redo();
  history.undo();
  assert.deepEqual(drafts, [
    { op: "draw", stroke: "a", body },
    { op: "erase", stroke: "a", base: { writer: "me", n: 1 } },
    { op: "restore", stroke: "a", body, base: { writer: "me", n: 2 } },
    { op: "erase", stroke: "a", base: { writer: "me", n: 3 } },
  ]);
});

test("undo leaves out what somebody else has erased, and says how much that is", () => {
  const { history, drafts } = fresh();
  done(history, { op: "draw", stroke: "a", body });
  done(history, { op: "draw", stroke: "b", body }, { op: "draw", stroke: "c", body });
  assert.equal(history.undo((stroke) => stroke !== "b"), 1);
  assert.deepEqual(drafts.slice(3), [{ op: "erase", stroke: "c", base: { writer: "me", n: 3 } }]);
  assert.equal(history.undo(() => false), 1);
  assert.deepEqual([drafts.length, history.canUndo, history.canRedo], [4, false, true]);
});

test("redo leaves out what somebody else has erased, and says how much that is", () => {
  const { history, drafts } = fresh();
  const edit = (/** @type {string} */ stroke) => ({ op: "edit", stroke, before: { text: "x" }, after: { text: "y" } });
  done(history, edit("a"), edit("b"));
  history.undo();
  assert.equal(history.redo((stroke) => stroke !== "b"), 1);
  assert.deepEqual(drafts.slice(4), [{ op: "edit", stroke: "a", set: { text: "y" }, base: { writer: "me", n: 4 } }]);
  assert.deepEqual([history.canUndo, history.canRedo, history.redo()], [true, false, 0]);
});

test("what is reverted is restored, and is no step", () => {
  const { history, drafts } = fresh();
  const erased = { op: "erase", stroke: "a", body };
  history.apply([erased]);
  history.revert([erased]);
  assert.deepEqual(drafts.slice(1), [{ op: "restore", stroke: "a", body, base: { writer: "me", n: 1 } }]);
  assert.deepEqual([history.canUndo, history.canRedo], [false, false]);
});

test("undo of erasing restores all strokes in one step", () => {
  const { history, drafts } = fresh();
  done(history, { op: "erase", stroke: "a", body }, { op: "erase", stroke: "b", body });
  history.undo();
  assert.deepEqual(drafts.slice(2), [
    { op: "restore", stroke: "b", body, base: { writer: "me", n: 2 } },
    { op: "restore", stroke: "a", body, base: { writer: "me", n: 1 } },
  ]);
  assert.deepEqual([history.canUndo, history.canRedo], [false, true]);
});

test("undo of drawing after undo of editing is based on the undone edit", () => {
  const { history, drafts } = fresh();
  done(history, { op: "draw", stroke: "a", body });
  done(history, { op: "edit", stroke: "a", before: { text: "x" }, after: { text: "y" } });
  history.undo();
  history.undo();
  assert.deepEqual(drafts.slice(2), [
    { op: "edit", stroke: "a", set: { text: "x" }, base: { writer: "me", n: 2 } },
    { op: "erase", stroke: "a", base: { writer: "me", n: 3 } },
  ]);
});

test("a new edit clears redo, and a forgotten stroke leaves the history", () => {
  const { history } = fresh();
  done(history, { op: "draw", stroke: "a", body });
  history.undo();
  done(history, { op: "draw", stroke: "b", body });
  assert.equal(history.canRedo, false);
  history.forget("b");
  assert.equal(history.canUndo, false);
});

test("after a reload the steps of the page before can be undone and redone, based on its ops", () => {
  const before = fresh();
  done(before.history, { op: "draw", stroke: "a", body });
  done(before.history, { op: "draw", stroke: "b", body });
  before.history.undo();
  /** @type {any[]} */
  const drafts = [];
  const history = new History("later", (added) => drafts.push(...added) - added.length + 1);
  history.restore(structuredClone(before.history.kept(10_000)));
  assert.deepEqual([history.canUndo, history.canRedo], [true, true]);
  history.redo();
  history.undo();
  history.undo();
  assert.deepEqual(drafts, [
    { op: "restore", stroke: "b", body, base: { writer: "me", n: 3 } },
    { op: "erase", stroke: "b", base: { writer: "later", n: 1 } },
    { op: "erase", stroke: "a", base: { writer: "me", n: 1 } },
  ]);
});

test("what was done since the reload is undone first, and ends what could be redone", () => {
  const before = fresh();
  done(before.history, { op: "draw", stroke: "a", body });
  done(before.history, { op: "draw", stroke: "b", body });
  before.history.undo();
  const { history, drafts } = fresh();
  done(history, { op: "draw", stroke: "c", body });
  history.restore(before.history.kept(10_000));
  assert.equal(history.canRedo, false);
  history.undo();
  history.undo();
  assert.deepEqual(drafts.slice(1).map(({ stroke }) => stroke), ["c", "a"]);
});

test("only the newest steps are kept that fit", () => {
  const { history } = fresh();
  for (const stroke of ["a", "b", "c"]) done(history, { op: "draw", stroke, body });
  const one = JSON.stringify([{ op: "draw", stroke: "c", body }]).length;
  const { done: steps, last } = history.kept(2 * one);
  assert.deepEqual(steps.flat().map(({ stroke }) => stroke), ["b", "c"]);
  assert.deepEqual(last.map(([stroke]) => stroke), ["b", "c"]);
  assert.deepEqual(history.kept(one - 1).done, []);
});
