import assert from "node:assert/strict";
import { test } from "node:test";
import { Sync } from "../../../static/sync.js";
import { History } from "../../../static/history.js";
import { Outbox } from "../../../static/outbox.js";
import { Replica } from "../../../static/replica.js";
import { ModelServer, Session } from "./model-server.js";

const SEEDS = Number(process.env.SEEDS ?? 60);
const STEPS = 400;

/** Numbers from 0 to below `most`, the same ones for the same seed. */
function dice(seed) {
  let state = seed;
  return (most) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % most;
  };
}

/** A page without a window: the real parts, tied together as on the page, on a network that drops. */
class Page {
  up = [];
  down = [];
  session = null;
  store = new Map();

  constructor(server, id, left = []) {
    this.server = server;
    this.id = id;
    this.counts = { refused: 0, dropped: 0, load: 0, lost: 0 };
    /** Strokes of which this page's people were told that they are not done. */
    this.rejected = new Set();
    this.drawn = new Set(left.map(({ stroke }) => stroke));
    this.replica = new Replica(() => {}, (_, { stroke }) => {
      this.counts.lost += 1;
      assert.ok(!server.rows.has(stroke), "what is stored is not lost");
      this.rejected.add(stroke);
    });
    this.replica.epoch = server.epoch;
    const store = {
      put: async (_, op) => void this.store.set(op.n, structuredClone(op)),
      deleteUpTo: async (_, upTo) => [...this.store.keys()].filter((n) => n <= upTo).forEach((n) => this.store.delete(n)),
    };
    this.outbox = new Outbox({ id, key: "", tab: "", author: "" }, store, {
      answered: (_, n, at) => this.replica.answered(id, n, at),
      refused: (_, op) => {
        this.counts.refused += 1;
        this.replica.refused(id, op.n);
        this.rejected.add(op.stroke);
        this.history.forget(op.stroke);
      },
      countChanged() {},
      storeFailed: () => assert.fail(),
    }, left);
    left.forEach((op) => {
      this.store.set(op.n, op);
      this.replica.applyOptimistic(id, op);
    });
    this.history = new History(id, (draft) => {
      const op = this.outbox.add(draft);
      this.drawn.add(op.stroke);
      this.replica.applyOptimistic(id, op);
      return op.n;
    });
    this.sync = new Sync(this.replica, { read: () => assert.fail(), send: (frame) => this.up.push(frame), title() {}, readFailed: () => false });
  }

  connect() {
    if (this.session) return;
    this.session = new Session(this.server, (frame) => this.down.push(structuredClone(frame)), this.replica.head);
    this.sync.opened();
    this.up.push({ type: "hello", writer: this.id, next: this.outbox.first });
  }

  cut() {
    if (!this.session) return;
    this.server.sessions.delete(this.session);
    this.session = null;
    this.up = [];
    this.down = [];
    this.outbox.closed();
  }

  hear(drop) {
    const frame = this.down.shift();
    if (!frame) return;
    if (drop && frame.type === "strokes") {
      this.counts.dropped += 1;
      return;
    }
    if (frame.reason === "load") this.counts.load += 1;
    this.sync.receive(frame);
    this.outbox.receive(frame, (ops) => this.up.push(structuredClone(ops)));
  }

  say(busy) {
    const frame = this.up.shift();
    if (frame && this.session) this.session.receive(frame, busy);
  }

  act(roll, fresh) {
    const strokes = this.replica.ordered();
    const one = strokes[roll(Math.max(1, strokes.length))];
    const what = roll(10);
    const body = { tool: "text", x: roll(100), y: 0, colour: "#22201d", width: 4, text: "x" };
    let edit = { kind: "draw", stroke: fresh(), body };
    if (what > 3 && one) edit = { kind: "erase", stroke: one.id, body: one.body };
    if (what > 5 && one) edit = { kind: "edit", stroke: one.id, before: { x: one.body.x }, after: { x: roll(100) } };
    if (what === 8) this.history.undo();
    else if (what === 9) this.history.redo();
    else {
      this.history.act(edit);
      this.history.finish([edit]);
    }
  }

  picture() {
    return this.replica.ordered().map(({ id, z, body }) => ({ id, z, body }));
  }
}

const tasksRun = () => new Promise((resolve) => setTimeout(resolve, 0));

async function run(seed) {
  const roll = dice(seed);
  const server = new ModelServer();
  let strokes = 0;
  let writers = 0;
  const fresh = () => `stroke-${String((strokes += 1)).padStart(6, "0")}`;
  const pages = Array.from({ length: 3 }, () => new Page(server, `w${(writers += 1)}`));
  const total = { refused: 0, dropped: 0, load: 0, lost: 0, cuts: 0, crashes: 0 };
  const rejected = new Set();
  for (let step = 0; step < STEPS; step += 1) {
    const at = roll(pages.length);
    const page = pages[at];
    const what = roll(40);
    if (what < 10) page.act(roll, fresh);
    else if (what < 22) page.hear(roll(12) === 0);
    else if (what < 34) page.say(roll(15) === 0);
    else if (what < 37) page.connect();
    else if (what === 37) {
      page.cut();
      total.cuts += 1;
    } else if (what === 38 && roll(4) === 0) {
      // The page dies; another one takes what it left on the store, under its name.
      await tasksRun();
      page.cut();
      for (const kind of Object.keys(page.counts)) total[kind] += page.counts[kind];
      // What it knew to be decided, and not yet how, nobody is told any more.
      const kept = new Set([...page.store.values()].filter(({ op }) => op === "draw").map(({ stroke }) => stroke));
      for (const stroke of page.drawn) if (!kept.has(stroke)) page.rejected.add(stroke);
      page.rejected.forEach((stroke) => rejected.add(stroke));
      const left = [...page.store.values()].sort((a, b) => a.n - b.n);
      pages[at] = left.length > 0 ? new Page(server, page.id, left) : new Page(server, `w${(writers += 1)}`);
      total.crashes += 1;
    } else await tasksRun();
  }
  for (let round = 0; round < 500; round += 1) {
    if (round % 100 === 0) pages.forEach((page) => page.cut());
    for (const page of pages) {
      page.connect();
      page.say(false);
      page.hear(false);
    }
    await (round % 10 === 0 ? tasksRun() : null);
  }
  const truth = [...server.rows.values()].filter(({ erased }) => !erased).sort((a, b) => a.z - b.z || (a.stroke < b.stroke ? -1 : 1));
  for (const page of pages) {
    for (const kind of Object.keys(page.counts)) total[kind] += page.counts[kind];
    page.rejected.forEach((stroke) => rejected.add(stroke));
    assert.equal(page.outbox.count, 0, "everything has its answer");
    assert.equal(page.store.size, 0, "nothing is left on the store");
    assert.equal(page.replica.head, server.head);
    page.replica.dropAnswered();
    assert.deepEqual(page.picture(), truth.map(({ stroke, z, body }) => ({ id: stroke, z, body })));
  }
  for (const stroke of server.refused) assert.ok(server.rows.has(stroke) || rejected.has(stroke), `${stroke} was refused without a word`);
  assert.equal(new Set(server.applied).size, server.applied.length, "each op happened once");
  return { ...total, applied: server.applied.length, strokes: truth.length };
}

test("whatever is drawn, dropped, cut, refused and crashed, all pages end with the same picture", async () => {
  const sum = {};
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const counts = await run(seed).catch((error) => {
      error.message = `seed ${seed}: ${error.message}`;
      throw error;
    });
    for (const [kind, count] of Object.entries(counts)) sum[kind] = (sum[kind] ?? 0) + count;
  }
  for (const [kind, count] of Object.entries(sum)) assert.ok(count >= SEEDS / 2, `too few of ${kind}: ${JSON.stringify(sum)}`);
});
