// Servers do not remember refusals: a refused op that is sent again may be applied. So neither the tab
// that received the refusal nor one that recovers its ops may send it.
import assert from "node:assert/strict";
import { test } from "node:test";
import "fake-indexeddb/auto";
import { randomId, writerOf } from "../../../static/model/ids.js";
import { Outbox } from "../../../static/net/outbox.js";
import { OutboxStore } from "../../../static/net/outbox-store.js";

const edit = () => ({ op: "edit", stroke: randomId(), set: { x: 1 } });
const refusal = (n) => ({ type: "refused", n, reason: "erased", message: "the stroke is erased" });

/** A tab that has sent `count` ops: `ops` are those, and `sent` collects what it sends afterwards. */
async function tab(count, { writer = writerOf(randomId(), randomId()), drawing = randomId(), kept = [], store } = {}) {
  store ??= await OutboxStore.open(drawing, indexedDB);
  const sent = [];
  const refused = [];
  const send = (frame) => sent.push(...frame.ops);
  const on = { answered() {}, refused: (_, { n }) => refused.push(n), countChanged() {}, storeFailed: () => assert.fail("the store failed") };
  const outbox = new Outbox(writer, store, on, kept);
  outbox.opened(0, send);
  const ops = count > 0 ? outbox.add(Array.from({ length: count }, edit)) : [];
  for (const end = Date.now() + 2000; sent.length < count; await new Promise((resolve) => setTimeout(resolve, 1))) {
    assert.ok(Date.now() < end, "the ops are not sent");
  }
  ops.push(...kept);
  sent.length = 0;
  return { outbox, store, writer, drawing, ops, sent, refused, on, send };
}

/** A tab that recovers the ops of another one, as if that had just ended. */
async function recoverer({ store, writer, drawing }) {
  const kept = await store.ops(writer.tab);
  return tab(0, { writer, drawing, kept, store: await OutboxStore.open(drawing, indexedDB) });
}

test("a refused op is never sent again", async () => {
  for (const refused of [[1], [2], [3], [2, 3], [3, 2, 1]]) {
    const { outbox, ops, sent, send } = await tab(3);
    refused.forEach((n) => outbox.refused(refusal(n)));
    outbox.resend(1);
    outbox.closed();
    outbox.opened(0, send);
    const strokes = new Set(ops.filter(({ n }) => refused.includes(n)).map(({ stroke }) => stroke));
    assert.ok(sent.every(({ stroke }) => !strokes.has(stroke)), `${refused}`);
    assert.ok(ops.every(({ n, stroke }) => refused.includes(n) || sent.some((op) => op.stroke === stroke)), "the other ops are sent");
  }
});

test("a tab that ends right after a refusal leaves no refused op to be recovered", async () => {
  for (const refused of [[1], [2], [3], [1, 2, 3], [3, 2, 1]]) {
    const dead = await tab(3);
    refused.forEach((n) => dead.outbox.refused(refusal(n)));
    // The dead tab does nothing from here on.
    const successor = await recoverer(dead);
    successor.outbox.opened(0, successor.send);
    const strokes = new Set(dead.ops.filter(({ n }) => refused.includes(n)).map(({ stroke }) => stroke));
    assert.ok(successor.ops.every(({ stroke }) => !strokes.has(stroke)), `${refused}`);
    const numbers = successor.sent.map(({ n }) => n);
    assert.deepEqual(numbers, numbers.map((_, at) => numbers[0] + at), "the numbers have no gap");
    for (const { n, stroke } of dead.ops.filter(({ n }) => !refused.includes(n))) {
      assert.ok(successor.sent.some((op) => op.n === n && op.stroke === stroke), `${n} is still sent`);
    }
  }
});

test("a tab that ends while recovering leaves no refused op either", async () => {
  const first = await recoverer(await tab(3));
  const [one, two, three] = first.ops;
  first.outbox.refused(refusal(two.n));
  const second = await recoverer(first);
  second.outbox.opened(0, second.send);
  assert.deepEqual(second.ops.map(({ stroke }) => stroke === two.stroke), [false, false, false]);
  second.outbox.refused(refusal(one.n));
  const third = await recoverer(second);
  third.outbox.opened(0, third.send);
  assert.deepEqual(third.ops.map(({ n }) => n), [2, 3]);
  assert.equal(third.ops[1].stroke, three.stroke);
});

test("a refused op is deleted from the store before anyone is notified", async () => {
  for (const n of [1, 2]) {
    const { outbox, store, on } = await tab(2);
    const order = [];
    for (const name of ["put", "deleteUpTo"]) {
      const before = store[name].bind(store);
      store[name] = (...call) => {
        order.push(call.at(-1));
        return before(...call);
      };
    }
    on.refused = () => order.push("refused");
    on.answered = () => order.push("answered");
    outbox.refused(refusal(n));
    assert.deepEqual(order, n === 1 ? ["strict", "refused", "answered"] : ["strict", "refused"]);
  }
});

test("deletion from the store is committed explicitly", async () => {
  const { outbox, writer, drawing } = await tab(1);
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
