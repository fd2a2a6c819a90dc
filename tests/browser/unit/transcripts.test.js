// Replays what simulated pages received, sent and were asked to do in the real modules. The Rust tests
// write the transcripts: `cargo test --workspace --test simulation transcripts`.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Outbox, Replica, Sync } from "./client-modules.js";

/** Fewest transcripts, and of each kind of step among them, for the test to mean something. */
const FEWEST = 200;
const FEWEST_STEPS = 10;
const FILE = process.env.WHITEBOARD_TRANSCRIPTS ?? "";

const tasksRun = () => new Promise((resolve) => setImmediate(resolve));

/** One page, without a socket and without time: what it waits for is a step of the transcript. */
class Page {
  sent = [];
  requests = [];
  /** @type {((chunk: object) => void)[]} */
  reads = [];
  chunks = [];
  pauses = new Map();

  constructor(writer) {
    this.writer = writer;
    this.replica = new Replica(() => {});
    const store = { put: async () => {}, deleteUpTo: async () => {} };
    this.outbox = new Outbox({ id: writer, key: "", tab: "", author: "" }, store, {
      answered: (_, n, position) => this.replica.answered(writer, n, position),
      refused: (_, op) => this.replica.refused(writer, op.n),
      countChanged() {},
      storeFailed: () => assert.fail("the store failed"),
    });
    this.sync = new Sync(this.replica, {
      read: () => (this.chunks.length > 0 ? Promise.resolve(this.chunks.shift()) : new Promise((resolve) => this.reads.push(resolve))),
      send: (frame) => this.requests.push(frame),
      title() {},
      readFailed: (error) => assert.fail(error),
    });
    void this.sync.load();
  }

  async step(step) {
    if ("chunk" in step) {
      const read = this.reads.shift();
      if (read) read(step.chunk);
      else this.chunks.push(step.chunk);
    } else if ("since" in step) this.isAt(step.since, step.epoch);
    else if ("connect" in step) {
      this.isAt(step.connect, step.epoch);
    } else if ("hello" in step) {
      assert.equal(this.outbox.first, step.hello, "the next number of hello");
      this.sync.opened();
    } else if ("frame" in step) {
      this.sync.receive(step.frame);
      this.outbox.receive(step.frame, ({ ops }) => this.sent.push(...ops.map(({ n }) => n)));
    } else if ("op" in step) {
      const [op] = this.outbox.add([step.op]);
      assert.equal(op.n, step.n);
      this.replica.applyOptimistic(this.writer, op);
    } else if ("closed" in step) this.outbox.closed();
    else if ("resume" in step) {
      for (const [id, resume] of [...this.pauses]) if (this.pauses.delete(id)) resume();
    }
    await tasksRun();
  }

  isAt(head, epoch) {
    assert.deepEqual([this.replica.head, this.replica.epoch], [head, epoch]);
  }
}

async function replay({ writer, steps, end }, count) {
  const page = new Page(writer);
  const { setTimeout, clearTimeout } = globalThis;
  // The only timer of these modules is the pause of the outbox, which ends with a step.
  globalThis.setTimeout = (then) => (page.pauses.set(then, then), then);
  globalThis.clearTimeout = (id) => page.pauses.delete(id);
  try {
    const expected = new Set();
    for (const step of steps) {
      const kind = step.frame?.type ?? (step.op ? "op" : Object.keys(step)[0]);
      count[kind] = (count[kind] ?? 0) + 1;
      if (step.frame?.reason === "load") count.load = (count.load ?? 0) + 1;
      if ("sends" in step) step.sends.forEach((n) => expected.add(n));
      else await page.step(step);
    }
    assert.deepEqual([...new Set(page.sent)].sort((a, b) => a - b), [...expected].sort((a, b) => a - b), "the ops that were sent");
    assert.equal(page.outbox.count, 0, "every op has its answer");
    page.isAt(end.head, end.epoch);
    page.replica.dropAnswered();
    const byId = (a, b) => (a.id < b.id ? -1 : 1);
    assert.deepEqual(Array.from(page.replica.strokes(), ({ id, z, body, last }) => ({ id, z, body, last })).sort(byId), [...end.strokes].sort(byId));
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
}

test("replayed transcripts of simulated pages end with the drawing of the database", async () => {
  assert.ok(FILE, "WHITEBOARD_TRANSCRIPTS names the file that `cargo test --workspace --test simulation transcripts` writes to target/tmp");
  assert.ok(existsSync(FILE), `${FILE} is missing: run \`cargo test --workspace --test simulation transcripts\``);
  const transcripts = readFileSync(FILE, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const count = {};
  for (const transcript of transcripts) {
    await replay(transcript, count).catch((error) => {
      error.message = `seed ${transcript.seed}: ${error.message}`;
      throw error;
    });
  }
  assert.ok(transcripts.length >= FEWEST, `only ${transcripts.length} transcripts`);
  for (const kind of ["welcome", "done", "refused", "strokes", "reset", "pong", "load", "chunk", "op", "closed", "resume"]) {
    assert.ok(count[kind] >= FEWEST_STEPS, `too few of ${kind}: ${JSON.stringify(count)}`);
  }
});
