import assert from "node:assert/strict";
import { test } from "node:test";
import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { Replica } from "../../../static/model/replica.js";
import { ReplicaStore, plan, surplus } from "../../../static/net/replica-store.js";
import { dice } from "./dice.js";
import { ordered } from "./ordered.js";

const body = (x) => ({ kind: "text", x, y: 0, colour: "ink", width: 4, text: `at ${x}` });
const held = (more) => ({ drawing: "d", title: "", epoch: "e", head: 9, parts: 1, changes: 9, strokes: 9, bytes: 1, used: 1, ...more });

test("what is stored is appended to, left, or written anew", () => {
  assert.equal(plan(undefined, { epoch: "e", head: 5, saved: 0 }), "replace");
  assert.equal(plan(held(), { epoch: "e", head: 12, saved: 9 }), "append");
  assert.equal(plan(held(), { epoch: "e", head: 12, saved: 7 }), "append", "another tab has stored some of it");
  assert.equal(plan(held(), { epoch: "e", head: 12, saved: 10 }), "replace", "something between is missing");
  assert.equal(plan(held(), { epoch: "e", head: 12, saved: 0 }), "replace", "this tab does not know what was erased");
  assert.equal(plan(held(), { epoch: "e", head: 9, saved: 4 }), "stale");
  assert.equal(plan(held(), { epoch: "f", head: 12, saved: 9 }), "replace");
  assert.equal(plan(held({ changes: 5_000 }), { epoch: "e", head: 12, saved: 9 }), "replace", "a long log");
});

test("the drawings unused for longest make room", () => {
  const large = 100 * 2 ** 20;
  const all = [held({ drawing: "old", used: 1 }), held({ drawing: "new", used: 3, bytes: large }), held({ drawing: "middle", used: 2, bytes: large })];
  assert.deepEqual(surplus(all), ["middle", "old"]);
  const many = Array.from({ length: 203 }, (_, i) => held({ drawing: `d${i}`, used: i }));
  assert.deepEqual(surplus(many), ["d2", "d1", "d0"]);
});

test("without a database nothing is stored, and nothing fails", async () => {
  const store = new ReplicaStore(undefined);
  const replica = new Replica(() => {});
  replica.reset("e");
  await store.save("d", "", replica, 0);
  await store.remove("d");
  await store.makeRoom();
  assert.equal(await store.read("d"), null);
});

/** A tab: a replica with what it knows to be stored. */
class Tab {
  saved = 0;
  starts = -1;

  constructor(factory) {
    this.store = new ReplicaStore(factory);
    this.replica = new Replica(() => {});
  }

  async open(server) {
    const stored = await this.store.read("d");
    if (stored) {
      this.replica.reset(stored.epoch);
      this.replica.apply({ from: 0, head: stored.head, changes: stored.changes });
      this.saved = stored.head;
    } else {
      this.replica.reset(server.epoch);
    }
    this.starts = this.replica.starts;
  }

  async save() {
    const { head, starts } = this.replica;
    if (starts !== this.starts) this.saved = 0;
    await this.store.save("d", "T", this.replica, this.saved);
    [this.saved, this.starts] = [head, starts];
  }
}

/** The changes of a drawing: each stroke's last one. */
class ModelDrawing {
  epoch = "e1";
  head = 0;
  last = new Map();

  change(stroke, more) {
    this.head += 1;
    const z = this.last.get(stroke)?.z ?? this.head;
    this.last.set(stroke, { seq: this.head, stroke, z, writer: "w", n: this.head, ...more });
  }

  after(since) {
    return { from: since, head: this.head, changes: [...this.last.values()].filter(({ seq, erased }) => seq > since && (since > 0 || !erased)) };
  }

  picture() {
    return [...this.last.values()].filter(({ erased }) => !erased).sort((a, b) => a.z - b.z).map(({ stroke, z, body }) => ({ id: stroke, z, body }));
  }
}

const picture = (replica) => ordered(replica).map(({ id, z, body }) => ({ id, z, body }));

test("whatever several tabs store in whatever order, what is read is the drawing at its position", async () => {
  let reads = 0;
  for (let seed = 1; seed <= 40; seed += 1) {
    const roll = dice(seed);
    const factory = new IDBFactory();
    const server = new ModelDrawing();
    /** @type {Map<string, any>} the drawing at each position of each epoch */
    const pictures = new Map();
    const remember = () => pictures.set(`${server.epoch} ${server.head}`, server.picture());
    remember();
    const tabs = [new Tab(factory), new Tab(factory), new Tab(factory)];
    for (const tab of tabs) await tab.open(server);
    for (let step = 0; step < 60; step += 1) {
      const at = roll(tabs.length);
      const tab = tabs[at];
      const what = roll(20);
      if (what < 9) {
        const stroke = `s${roll(12)}`;
        server.change(stroke, roll(3) === 0 ? { erased: true } : { body: body(roll(100)) });
        remember();
      } else if (what < 14) {
        if (tab.replica.epoch !== server.epoch) tab.replica.reset(server.epoch);
        tab.replica.apply(server.after(tab.replica.head));
      } else if (what < 18) await tab.save();
      else if (what === 18) {
        tabs[at] = new Tab(factory);
        await tabs[at].open(server);
      } else if (roll(3) === 0) {
        // The server starts over, or this tab is too far behind.
        if (roll(2) === 0) server.epoch = `e${step}`;
        tab.replica.reset(server.epoch);
        remember();
      }
      const stored = await tab.store.read("d");
      if (!stored) continue;
      reads += 1;
      const copy = new Replica(() => {});
      copy.reset(stored.epoch);
      copy.apply({ from: 0, head: stored.head, changes: stored.changes });
      assert.deepEqual(picture(copy), stored.head === 0 ? [] : pictures.get(`${stored.epoch} ${stored.head}`), `seed ${seed}, step ${step}`);
    }
  }
  assert.ok(reads > 500);
});

test("storage that is full gives its space, once, and what is written then counts", async () => {
  const factory = new IDBFactory();
  const store = new ReplicaStore(factory);
  const replica = new Replica(() => {});
  replica.reset("e");
  replica.apply({ from: 0, head: 1, changes: [{ seq: 1, stroke: "a", z: 1, writer: "w", n: 1, body: body(1) }] });
  await store.save("other", "", replica, 0);
  const { put } = IDBObjectStore.prototype;
  let full = 1;
  IDBObjectStore.prototype.put = function (...values) {
    if (this.name === "log" && full-- > 0) throw new DOMException("full", "QuotaExceededError");
    return put.apply(this, values);
  };
  try {
    await store.save("d", "T", replica, 0);
  } finally {
    IDBObjectStore.prototype.put = put;
  }
  assert.equal(await store.read("other"), null);
  assert.deepEqual((await store.read("d"))?.changes.map(({ stroke }) => stroke), ["a"]);
});
