import assert from "node:assert/strict";
import { test } from "node:test";
import { Sync } from "../../../static/net/sync.js";
import { History } from "../../../static/model/history.js";
import { Outbox } from "../../../static/net/outbox.js";
import { Replica } from "../../../static/model/replica.js";
import { dice } from "./dice.js";
import { ordered } from "./ordered.js";
import { ModelServer, Session } from "./model-server.js";

const SEEDS = Number(process.env.SEEDS ?? 60);
const STEPS = 400;

/** A client without a window: the real modules, connected as on the board page, on a lossy network. */
class Client {
  up = [];
  down = [];
  session = null;
  store = new Map();

  constructor(server, id, left = []) {
    this.server = server;
    this.id = id;
    this.counts = { refused: 0, dropped: 0, load: 0, lost: 0 };
    /** Strokes that were reported to the user as rejected. */
    this.rejected = new Set();
    this.drawn = new Set(left.map(({ stroke }) => stroke));
    this.replica = new Replica(() => {}, (_, { stroke }) => {
      this.counts.lost += 1;
      assert.ok(!server.rows.has(stroke), "a stored stroke is not reported as refused");
      this.rejected.add(stroke);
    });
    this.replica.epoch = server.epoch;
    const store = {
      put: async (_, ops) => ops.forEach((op) => this.store.set(op.n, structuredClone(op))),
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
    this.history = new History(id, (drafts) => {
      const ops = this.outbox.add(drafts);
      for (const op of ops) {
        this.drawn.add(op.stroke);
        this.replica.applyOptimistic(id, op);
      }
      return ops[0].n;
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

  receiveNext(drop) {
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

  sendNext(busy) {
    const frame = this.up.shift();
    if (frame && this.session) this.session.receive(frame, busy);
  }

  act(roll, fresh) {
    const strokes = ordered(this.replica);
    const one = strokes[roll(Math.max(1, strokes.length))];
    const what = roll(10);
    const body = { kind: "text", x: roll(100), y: 0, colour: "#22201d", width: 4, text: "x" };
    let edit = { op: "draw", stroke: fresh(), body };
    if (what > 3 && one) edit = { op: "erase", stroke: one.id, body: one.body };
    if (what > 5 && one) edit = { op: "edit", stroke: one.id, before: { x: one.body.x }, after: { x: roll(100) } };
    if (what === 8) this.history.undo();
    else if (what === 9) this.history.redo();
    else {
      this.history.commit([edit]);
    }
  }

  picture() {
    return ordered(this.replica).map(({ id, z, body }) => ({ id, z, body }));
  }
}

const tasksRun = () => new Promise((resolve) => setTimeout(resolve, 0));

async function run(seed) {
  const roll = dice(seed);
  const server = new ModelServer();
  let strokes = 0;
  let writers = 0;
  const fresh = () => `stroke-${String((strokes += 1)).padStart(6, "0")}`;
  const clients = Array.from({ length: 3 }, () => new Client(server, `w${(writers += 1)}`));
  const total = { refused: 0, dropped: 0, load: 0, lost: 0, cuts: 0, crashes: 0 };
  const rejected = new Set();
  for (let step = 0; step < STEPS; step += 1) {
    const at = roll(clients.length);
    const client = clients[at];
    const what = roll(40);
    if (what < 10) client.act(roll, fresh);
    else if (what < 22) client.receiveNext(roll(12) === 0);
    else if (what < 34) client.sendNext(roll(15) === 0);
    else if (what < 37) client.connect();
    else if (what === 37) {
      client.cut();
      total.cuts += 1;
    } else if (what === 38 && roll(4) === 0) {
      // The client crashes, and another one recovers its stored ops under its writer.
      await tasksRun();
      client.cut();
      for (const kind of Object.keys(client.counts)) total[kind] += client.counts[kind];
      // Ops that were answered before the crash, with an outcome not yet known, can no longer be reported.
      const kept = new Set([...client.store.values()].filter(({ op }) => op === "draw").map(({ stroke }) => stroke));
      for (const stroke of client.drawn) if (!kept.has(stroke)) client.rejected.add(stroke);
      client.rejected.forEach((stroke) => rejected.add(stroke));
      const left = [...client.store.values()].sort((a, b) => a.n - b.n);
      clients[at] = left.length > 0 ? new Client(server, client.id, left) : new Client(server, `w${(writers += 1)}`);
      total.crashes += 1;
    } else await tasksRun();
  }
  for (let round = 0; round < 500; round += 1) {
    if (round % 100 === 0) clients.forEach((client) => client.cut());
    for (const client of clients) {
      client.connect();
      client.sendNext(false);
      client.receiveNext(false);
    }
    await (round % 10 === 0 ? tasksRun() : null);
  }
  const truth = [...server.rows.values()].filter(({ erased }) => !erased).sort((a, b) => a.z - b.z || (a.stroke < b.stroke ? -1 : 1));
  for (const client of clients) {
    for (const kind of Object.keys(client.counts)) total[kind] += client.counts[kind];
    client.rejected.forEach((stroke) => rejected.add(stroke));
    assert.equal(client.outbox.count, 0, "every op has its answer");
    assert.equal(client.store.size, 0, "nothing is left in the store");
    assert.equal(client.replica.head, server.head);
    client.replica.dropAnswered();
    assert.deepEqual(client.picture(), truth.map(({ stroke, z, body }) => ({ id: stroke, z, body })));
  }
  for (const stroke of server.refused) assert.ok(server.rows.has(stroke) || rejected.has(stroke), `${stroke} was refused without a report`);
  assert.equal(new Set(server.applied).size, server.applied.length, "each op was applied once");
  return { ...total, applied: server.applied.length, strokes: truth.length };
}

test("clients converge despite lost frames, cut connections, refusals and crashes", async () => {
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
