// A server remembers no refusal: an op that is sent again after it was refused may happen. So
// whoever was told, or finds what a page left that was told, must not send it.
import assert from "node:assert/strict";
import { test } from "node:test";
import "fake-indexeddb/auto";
import { randomId, writerOf } from "../../../static/ids.js";
import { Outbox } from "../../../static/outbox.js";
import { OutboxStore } from "../../../static/outbox-store.js";

const edit = () => ({ op: "edit", stroke: randomId(), set: { x: 1 } });
const refusal = (n) => ({ type: "refused", n, reason: "erased", message: "the stroke is erased" });

/** A page that has sent so many ops; `ops` are those, and `sent` what it sends from then on. */
async function page(count, { writer = writerOf(randomId(), randomId()), drawing = randomId(), kept = [], store } = {}) {
  store ??= await OutboxStore.open(drawing, indexedDB);
  const sent = [];
  const told = [];
  const send = (frame) => sent.push(...frame.ops);
  const on = { answered() {}, refused: (_, { n }) => told.push(n), countChanged() {}, storeFailed: () => assert.fail("the store failed") };
  const outbox = new Outbox(writer, store, on, kept);
  outbox.opened(0, send);
  const ops = Array.from({ length: count }, () => outbox.add(edit()));
  for (const end = Date.now() + 2000; sent.length < count; await new Promise((resolve) => setTimeout(resolve, 1))) {
    assert.ok(Date.now() < end, "the ops are not sent");
  }
  ops.push(...kept);
  sent.length = 0;
  return { outbox, store, writer, drawing, ops, sent, told, on, send };
}

/** The page that adopts what this one left, if it ended right now. */
async function adopter({ store, writer, drawing }) {
  const kept = await store.ops(writer.tab);
  return page(0, { writer, drawing, kept, store: await OutboxStore.open(drawing, indexedDB) });
}

test("a page that was told never sends a refused op again", async () => {
  for (const refused of [[1], [2], [3], [2, 3], [3, 2, 1]]) {
    const { outbox, ops, sent, send } = await page(3);
    refused.forEach((n) => outbox.refused(refusal(n)));
    outbox.resend(1);
    outbox.closed();
    outbox.opened(0, send);
    const strokes = new Set(ops.filter(({ n }) => refused.includes(n)).map(({ stroke }) => stroke));
    assert.ok(sent.every(({ stroke }) => !strokes.has(stroke)), `${refused}`);
    assert.ok(ops.every(({ n, stroke }) => refused.includes(n) || sent.some((op) => op.stroke === stroke)), "the others are sent");
  }
});

test("a page that ends as it is told leaves no refused op to whoever adopts the rest", async () => {
  for (const refused of [[1], [2], [3], [1, 2, 3], [3, 2, 1]]) {
    const dead = await page(3);
    refused.forEach((n) => dead.outbox.refused(refusal(n)));
    // Nothing of the dead page runs from here on.
    const heir = await adopter(dead);
    heir.outbox.opened(0, heir.send);
    const strokes = new Set(dead.ops.filter(({ n }) => refused.includes(n)).map(({ stroke }) => stroke));
    assert.ok(heir.ops.every(({ stroke }) => !strokes.has(stroke)), `${refused}`);
    const numbers = heir.sent.map(({ n }) => n);
    assert.deepEqual(numbers, numbers.map((_, at) => numbers[0] + at), "its numbers have no hole");
    for (const { n, stroke } of dead.ops.filter(({ n }) => !refused.includes(n))) {
      assert.ok(heir.sent.some((op) => op.n === n && op.stroke === stroke), `${n} is still wanted`);
    }
  }
});

test("an adopter that was told and ends leaves no refused op to the next one", async () => {
  const first = await adopter(await page(3));
  const [one, two, three] = first.ops;
  first.outbox.refused(refusal(two.n));
  const second = await adopter(first);
  second.outbox.opened(0, second.send);
  assert.deepEqual(second.ops.map(({ stroke }) => stroke === two.stroke), [false, false, false]);
  second.outbox.refused(refusal(one.n));
  const third = await adopter(second);
  third.outbox.opened(0, third.send);
  assert.deepEqual(third.ops.map(({ n }) => n), [2, 3]);
  assert.equal(third.ops[1].stroke, three.stroke);
});

test("nobody is told before the store is", async () => {
  for (const n of [1, 2]) {
    const { outbox, store, on } = await page(2);
    const order = [];
    for (const name of ["put", "deleteUpTo"]) {
      const before = store[name].bind(store);
      store[name] = (...call) => {
        order.push(call.at(-1));
        return before(...call);
      };
    }
    on.refused = () => order.push("told");
    on.answered = () => order.push("answered");
    outbox.refused(refusal(n));
    assert.deepEqual(order, n === 1 ? ["strict", "told", "answered"] : ["strict", "told"]);
  }
});

test("what is taken off the store hangs on the page no longer", async () => {
  const { outbox, writer, drawing } = await page(1);
  const committed = [];
  const { commit } = IDBTransaction.prototype;
  IDBTransaction.prototype.commit = function () {
    committed.push(this.durability);
    return commit.call(this);
  };
  try {
    outbox.refused(refusal(1));
    assert.deepEqual(committed, ["strict"]);
  } finally {
    IDBTransaction.prototype.commit = commit;
  }
  assert.deepEqual(await (await OutboxStore.open(drawing, indexedDB)).ops(writer.tab), []);
});
