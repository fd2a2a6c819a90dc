// @ts-check
/**
 * A server for tests: one drawing in memory, with its sequence of changes and the rules of ops.
 *
 * It must never accept what the real server rejects.
 */

/** One in this many strokes is refused, by its x. */
const REFUSED_X = 8;

export class ModelServer {
  head = 0;
  epoch = "epoch";
  /** @type {Map<string, any>} the last change of each stroke */
  rows = new Map();
  /** @type {Map<string, number>} the highest op of each writer that was decided and stored */
  done = new Map();
  /** Ops that came to something, as `writer n`: each may be here once. @type {string[]} */
  applied = [];
  /** The strokes that were refused. @type {Set<string>} */
  refused = new Set();
  /** @type {Set<Session>} */
  sessions = new Set();

  /** @param {number} since */
  since(since) {
    const changes = [...this.rows.values()].filter(({ seq }) => seq > since).sort((a, b) => a.seq - b.seq);
    return { type: "strokes", from: since, head: this.head, changes: changes.map(written) };
  }

  /**
   * @param {string} writer
   * @param {any} op
   * @returns {any} a change, a refusal, or null if there is nothing to do
   */
  decide(writer, { n, op, stroke, body, set, base }) {
    const row = this.rows.get(stroke);
    const baseMatches = !base || (row?.writer === base.writer && row?.n === base.n);
    const refused = (/** @type {string} */ reason) => ({ type: "refused", n, reason, message: reason });
    const change = { seq: this.head + 1, stroke, z: row?.z ?? this.head + 1, writer, n };
    if (op === "draw") return row ? refused("exists") : body.x % REFUSED_X === 1 ? refused("limit") : { ...change, body };
    if (op === "erase") return !row || row.erased ? null : baseMatches ? { ...change, erased: true } : refused("changed");
    if (op === "restore") return row?.erased && baseMatches ? { ...change, body } : refused("changed");
    if (!row || row.erased) return refused(row ? "erased" : "absent");
    return baseMatches ? { ...change, body: { ...row.body, ...set } } : refused("changed");
  }
}

/**
 * A change as it is sent: its place in the painting order is left out where it is the position.
 * @param {any} change
 */
function written({ z, ...change }) {
  return z === change.seq ? change : { ...change, z };
}

export class Session {
  #server;
  #send;
  #writer = "";
  #next = 0;
  #held = false;

  /**
   * @param {ModelServer} server
   * @param {(frame: any) => void} send
   * @param {number} since
   */
  constructor(server, send, since) {
    this.#server = server;
    this.#send = send;
    server.sessions.add(this);
    send(server.since(since));
  }

  /**
   * @param {any} frame
   * @param {boolean} busy refuses the first op for load
   */
  receive(frame, busy) {
    const server = this.#server;
    if (frame.type === "hello") {
      this.#writer = frame.writer;
      const done = server.done.get(this.#writer) ?? 0;
      this.#next = Math.max(frame.next, done + 1);
      this.#send({ type: "welcome", epoch: server.epoch, head: server.head, done, title: "" });
    } else if (frame.type === "since") {
      this.#send(server.since(frame.since));
    } else if (frame.type === "ops") {
      this.#ops(frame.ops, busy);
    }
  }

  /**
   * @param {any[]} ops
   * @param {boolean} busy
   */
  #ops(ops, busy) {
    const server = this.#server;
    const from = server.head;
    const changes = new Map();
    let answered = 0;
    for (const op of ops) {
      if (op.n < this.#next) {
        answered = Math.max(answered, this.#next - 1);
        continue;
      }
      if (op.n > this.#next) {
        if (!this.#held) this.#send({ type: "resend", n: this.#next });
        this.#held = true;
        continue;
      }
      if (busy) {
        this.#held = true;
        this.#send({ type: "refused", n: op.n, reason: "load", message: "", retry_ms: 0 });
        break;
      }
      this.#held = false;
      this.#next += 1;
      answered = op.n;
      const outcome = server.decide(this.#writer, op);
      if (outcome?.type === "refused") this.#send(outcome);
      if (outcome?.reason === "limit") server.refused.add(op.stroke);
      if (!outcome?.seq) continue;
      server.head = outcome.seq;
      server.rows.set(op.stroke, outcome);
      server.done.set(this.#writer, op.n);
      server.applied.push(`${this.#writer} ${op.n}`);
      changes.set(op.stroke, outcome);
    }
    if (server.head > from) {
      const frame = { type: "strokes", from, head: server.head, changes: [...changes.values()].sort((a, b) => a.seq - b.seq).map(written) };
      for (const session of server.sessions) session.#send(frame);
    }
    if (answered > 0) this.#send({ type: "done", n: answered });
  }
}
