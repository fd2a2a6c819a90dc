import assert from "node:assert/strict";
import { test } from "node:test";
import { Following } from "../../../static/sync.js";
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
  shelf = new Map();

  constructor(server, id, left = []) {
    this.server = server;
    this.id = id;
    this.counts = { refused: 0, dropped: 0, load: 0, lost: 0 };
    /** Strokes of which this page's people were told that they are not done. */
    this.notDone = new Set();
    this.drawn = new Set(left.map(({ stroke }) => stroke));
    this.replica = new Replica(() => {}, (_, { stroke }) => {
      this.counts.lost += 1;
      assert.ok(!server.rows.has(stroke), "what is stored is not lost");
      this.notDone.add(stroke);
    });
    this.replica.epoch = server.epoch;
    const shelf = {
      keep: async (_, op) => void this.shelf.set(op.n, structuredClone(op)),
      drop: async (_, upTo) => [...this.shelf.keys()].filter((n) => n <= upTo).forEach((n) => this.shelf.delete(n)),
    };
    this.outbox = new Outbox({ id, key: "", tab: "", author: "" }, shelf, {
      answered: (_, n, at) => this.replica.answered(id, n, at),
      refused: (_, op) => {
        this.counts.refused += 1;
        this.replica.refused(id, op.n);
        this.notDone.add(op.stroke);
        this.history.forget(op.stroke);
      },
      count() {},
      shelfFailed: () => assert.fail(),
    }, left);
    left.forEach((op) => {
      this.shelf.set(op.n, op);
      this.replica.wish(id, op);
    });
    this.history = new History(id, (wish) => {
      const op = this.outbox.add(wish);
      this.drawn.add(op.stroke);
      this.replica.wish(id, op);
      return op.n;
    });
    this.following = new Following(this.replica, { read: () => assert.fail(), ask: (frame) => this.up.push(frame), title() {}, readFailed: () => false });
  }

  connect() {
    if (this.session) return;
    this.session = new Session(this.server, (frame) => this.down.push(structuredClone(frame)), this.replica.head);
    this.following.opened();
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
    this.following.frame(frame);
    this.outbox.frame(frame, (ops) => this.up.push(structuredClone(ops)));
  }

  say(busy) {
    const frame = this.up.shift();
    if (frame && this.session) this.session.take(frame, busy);
  }

  act(roll, fresh) {
    const strokes = this.replica.ordered();
    const one = strokes[roll(Math.max(1, strokes.length))];
    const what = roll(10);
    const body = { tool: "text", x: roll(100), y: 0, colour: "#22201d", width: 4, text: "x" };
    let deed = { kind: "draw", stroke: fresh(), body };
    if (what > 3 && one) deed = { kind: "erase", stroke: one.id, body: one.body };
    if (what > 5 && one) deed = { kind: "edit", stroke: one.id, before: { x: one.body.x }, after: { x: roll(100) } };
    if (what === 8) this.history.undo();
    else if (what === 9) this.history.redo();
    else {
      this.history.act(deed);
      this.history.finish([deed]);
    }
  }

  picture() {
    return this.replica.ordered().map(({ id, z, body }) => ({ id, z, body }));
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

async function run(seed) {
  const roll = dice(seed);
  const server = new ModelServer();
  let strokes = 0;
  let writers = 0;
  const fresh = () => `stroke-${String((strokes += 1)).padStart(6, "0")}`;
  const pages = Array.from({ length: 3 }, () => new Page(server, `w${(writers += 1)}`));
  const total = { refused: 0, dropped: 0, load: 0, lost: 0, cuts: 0, crashes: 0 };
  const notDone = new Set();
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
      // The page dies; another one takes what it left on the shelf, under its name.
      await settled();
      page.cut();
      for (const kind of Object.keys(page.counts)) total[kind] += page.counts[kind];
      // What it knew to be decided, and not yet how, nobody is told any more.
      const kept = new Set([...page.shelf.values()].filter(({ op }) => op === "draw").map(({ stroke }) => stroke));
      for (const stroke of page.drawn) if (!kept.has(stroke)) page.notDone.add(stroke);
      page.notDone.forEach((stroke) => notDone.add(stroke));
      const left = [...page.shelf.values()].sort((a, b) => a.n - b.n);
      pages[at] = left.length > 0 ? new Page(server, page.id, left) : new Page(server, `w${(writers += 1)}`);
      total.crashes += 1;
    } else await settled();
  }
  for (let round = 0; round < 500; round += 1) {
    if (round % 100 === 0) pages.forEach((page) => page.cut());
    for (const page of pages) {
      page.connect();
      page.say(false);
      page.hear(false);
    }
    await (round % 10 === 0 ? settled() : null);
  }
  const truth = [...server.rows.values()].filter(({ erased }) => !erased).sort((a, b) => a.z - b.z || (a.stroke < b.stroke ? -1 : 1));
  for (const page of pages) {
    for (const kind of Object.keys(page.counts)) total[kind] += page.counts[kind];
    page.notDone.forEach((stroke) => notDone.add(stroke));
    assert.equal(page.outbox.count, 0, "everything has its answer");
    assert.equal(page.shelf.size, 0, "nothing is left on the shelf");
    assert.equal(page.replica.head, server.head);
    page.replica.settle();
    assert.deepEqual(page.picture(), truth.map(({ stroke, z, body }) => ({ id: stroke, z, body })));
  }
  for (const stroke of server.refused) assert.ok(server.rows.has(stroke) || notDone.has(stroke), `${stroke} was refused without a word`);
  assert.equal(new Set(server.happened).size, server.happened.length, "each op happened once");
  return { ...total, happened: server.happened.length, strokes: truth.length };
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
