import assert from "node:assert/strict";
import { test } from "node:test";
import { Following } from "../../../static/following.js";
import { Replica } from "../../../static/replica.js";

const body = { tool: "pen", x: 0, y: 0, points: "AAEAAA==", colour: "#22201d", width: 4 };
const change = (seq) => ({ seq, stroke: `s${seq}`, z: seq, by: "p", writer: "w", n: seq, body });
const strokes = (from, head, ...seqs) => ({ type: "strokes", from, head, changes: seqs.map(change) });

function fresh(pages = []) {
  const replica = new Replica(() => {});
  const asked = [];
  const reads = [];
  const following = new Following(replica, {
    read: async (since, life, target) => {
      reads.push([since, life, target]);
      const page = pages.shift();
      if (page instanceof Error) throw page;
      return { life: "l", reset: false, title: "", ...page };
    },
    ask: (frame) => asked.push(frame),
    title() {},
    readFailed: (error) => error.message !== "gone",
  });
  return { replica, following, asked, reads };
}

test("a drawing is loaded page by page", async () => {
  const { replica, following } = fresh([
    { from: 0, head: 2, more: true, changes: [change(1), change(2)] },
    { from: 2, head: 3, more: false, changes: [change(3)] },
  ]);
  assert.equal(await following.load(), true);
  assert.deepEqual([replica.head, replica.life, replica.ordered().length], [3, "l", 3]);
});

test("each read of a first load names the target that the one before named", async () => {
  const { following, reads } = fresh([
    { from: 0, head: 1, more: true, target: 2, changes: [change(1)] },
    new Error("cut"),
    { from: 1, head: 2, more: true, target: 2, changes: [change(2)] },
    { from: 2, head: 3, more: false, changes: [change(3)] },
  ]);
  assert.equal(await following.load(), true);
  assert.deepEqual(reads, [[0, null, undefined], [1, "l", 2], [1, "l", 2], [2, "l", 2]]);
});

test("a failed page is read again, unless there is nothing to read", async () => {
  const again = fresh([new Error("cut"), { from: 0, head: 1, more: false, changes: [change(1)] }]);
  assert.equal(await again.following.load(), true);
  assert.equal(again.replica.head, 1);
  assert.equal(await fresh([new Error("gone")]).following.load(), false);
});

test("at a gap the page asks once for what it lacks", () => {
  const { replica, following, asked } = fresh();
  replica.life = "l";
  following.frame(strokes(3, 4, 4));
  following.frame(strokes(4, 5, 5));
  assert.deepEqual(asked, [{ type: "since", since: 0, life: "l" }]);
  following.frame(strokes(0, 5, 1, 2, 3, 4, 5));
  assert.equal(replica.head, 5);
  following.frame(strokes(4, 5, 5));
  assert.equal(replica.ordered().length, 5);
});

test("a new connection may ask at once again", () => {
  const { following, asked } = fresh();
  following.frame(strokes(3, 4, 4));
  following.opened();
  following.frame(strokes(3, 4, 4));
  assert.equal(asked.length, 2);
});

test("what was answered and does not come is asked for once", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { replica, following, asked } = fresh();
  following.answered();
  replica.wish("w", { n: 1, op: "draw", stroke: "s1", body });
  for (let n = 0; n < 5; n += 1) following.answered();
  context.mock.timers.tick(1_000);
  assert.deepEqual(asked, [{ type: "ping" }]);
  following.answered();
  following.frame(strokes(0, 1, 1));
  context.mock.timers.tick(1_000);
  assert.equal(asked.length, 1);
});

test("a head that stays ahead on two pongs is asked for", () => {
  const { following, asked } = fresh();
  following.frame({ type: "pong", head: 0 });
  following.frame({ type: "pong", head: 2 });
  assert.equal(asked.length, 0);
  following.frame({ type: "pong", head: 2 });
  assert.equal(asked.length, 1);
});

test("a reset starts over from nothing", () => {
  const { replica, following } = fresh();
  following.frame(strokes(0, 2, 1, 2));
  following.frame({ type: "reset", life: "new", reason: "life" });
  assert.deepEqual([replica.head, replica.life, replica.ordered()], [0, "new", []]);
  following.frame(strokes(0, 1, 1));
  assert.equal(replica.head, 1);
});

test("what is too much for the socket is read over HTTP, and then asked for from there", async () => {
  const { replica, following, asked } = fresh([{ from: 0, head: 3, more: false, changes: [change(1), change(2), change(3)] }]);
  following.frame({ type: "read", since: 0 });
  while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(replica.head, 3);
  assert.deepEqual(asked, [{ type: "since", since: 3, life: "l" }]);
});

test("a type of frame that the page does not know changes nothing", () => {
  const { replica, following } = fresh();
  following.frame({ type: "later" });
  assert.equal(replica.head, 0);
});
