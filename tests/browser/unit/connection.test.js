import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { waitBefore } from "../../../static/net/backoff.js";
import { Connection, parseCloseReason } from "../../../static/net/connection.js";

/** A WebSocket whose other end is the test. */
class Socket {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 3;
  /** @type {Socket[]} all that were made, in order */
  static all = [];

  readyState = Socket.CONNECTING;
  /** @type {any[]} */
  sent = [];
  wasClosed = false;

  constructor(address, subprotocol) {
    Object.assign(this, { address, subprotocol });
    Socket.all.push(this);
  }

  send(text) {
    assert.equal(this.readyState, Socket.OPEN);
    this.sent.push(JSON.parse(text));
  }

  /** As with a dead connection, no close event follows. */
  close() {
    this.wasClosed = true;
  }

  opens() {
    this.readyState = Socket.OPEN;
    this.onopen?.();
  }

  says(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  closes(code, reason) {
    this.readyState = Socket.CLOSED;
    this.onclose?.({ code, reason });
  }

  get pings() {
    return this.sent.filter(({ type }) => type === "ping").length;
  }
}

const last = () => Socket.all.at(-1);
/** Milliseconds of the first wait if `Math.random` returns 0.5. */
const FIRST_WAIT = waitBefore(1, () => 0.5);
/** @type {EventTarget & {visibilityState?: string}} */
let page;
/** @type {any[]} what the connection said, in order */
let reported;
/** @type {Connection} */
let connection;

/** @param {number} milliseconds */
const wait = (milliseconds) => mock.timers.tick(milliseconds);

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(Math, "random", () => 0.5);
  page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  Object.assign(globalThis, {
    WebSocket: Socket,
    document: page,
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
  });
  Socket.all = [];
  reported = [];
  let asked = 0;
  connection = new Connection(() => `ws://here/${(asked += 1)}`, {
    opened: () => reported.push("opened"),
    frame: (frame) => reported.push(frame),
    closed: () => reported.push("closed"),
    ended: (code, reason) => reported.push({ code, reason }),
  });
});
afterEach(() => {
  connection.stop();
  mock.timers.reset();
  mock.restoreAll();
  for (const name of ["WebSocket", "document", "addEventListener", "removeEventListener"]) delete globalThis[name];
});

/** Opens the connection's first socket. */
function open() {
  connection.start();
  last().opens();
  return last();
}

test("a close reason says whether and when to reconnect", () => {
  assert.deepEqual(parseCloseReason("again: nothing was heard"), { final: false, after: null });
  assert.deepEqual(parseCloseReason("again in 1500 ms: the server restarts"), { final: false, after: 1500 });
  assert.deepEqual(parseCloseReason("final: there is no such drawing"), { final: true, after: null });
  assert.deepEqual(parseCloseReason(""), { final: false, after: null });
});

test("waits grow, stay between 0.1 and 10 seconds, and have jitter", () => {
  assert.equal(waitBefore(1, () => 0), 100);
  assert.equal(waitBefore(50, () => 0.999_999) <= 10_000, true);
  assert.ok(waitBefore(4, () => 0.5) > waitBefore(2, () => 0.5));
  for (const attempt of [1, 2, 5, 50]) {
    const spread = waitBefore(attempt, () => 0.999) - waitBefore(attempt, () => 0);
    assert.ok(spread >= 890, `attempt ${attempt} is spread over ${spread} ms`);
  }
});

test("frames are sent only through an open socket", () => {
  assert.equal(connection.send({ type: "hello" }), false);
  connection.start();
  connection.start();
  assert.equal(Socket.all.length, 1);
  assert.deepEqual([last().address, last().subprotocol], ["ws://here/1", "whiteboard.v1"]);
  assert.deepEqual([connection.isOpen, connection.send({ type: "hello" })], [false, false]);
  last().opens();
  assert.deepEqual([connection.isOpen, connection.send({ type: "hello" })], [true, true]);
  last().says({ type: "pong", head: 3 });
  assert.deepEqual(last().sent, [{ type: "hello" }]);
  assert.deepEqual(reported, ["opened", { type: "pong", head: 3 }]);
});

test("a silent socket is pinged once after 15 seconds and dropped 10 seconds later", () => {
  const socket = open();
  wait(14_999);
  assert.equal(socket.pings, 0);
  wait(1);
  assert.equal(socket.pings, 1);
  wait(9_999);
  assert.deepEqual([socket.pings, socket.wasClosed, reported], [1, false, ["opened"]]);
  wait(1);
  assert.deepEqual([socket.wasClosed, reported], [true, ["opened", "closed"]]);
  // Events of the dropped socket are ignored.
  socket.says({ type: "pong", head: 1 });
  socket.closes(1006, "");
  assert.deepEqual([Socket.all.length, reported], [1, ["opened", "closed"]]);
  wait(FIRST_WAIT);
  assert.deepEqual([Socket.all.length, last().address], [2, "ws://here/2"]);
  last().opens();
  assert.deepEqual(reported, ["opened", "closed", "opened"]);
});

test("any frame restarts the timers, before and after a ping", () => {
  const socket = open();
  wait(14_000);
  socket.says({ type: "strokes" });
  wait(14_000);
  assert.equal(socket.pings, 0);
  wait(1_000);
  assert.equal(socket.pings, 1);
  wait(9_000);
  socket.says({ type: "signals" });
  wait(14_999);
  assert.deepEqual([socket.pings, socket.wasClosed], [1, false]);
  wait(1);
  assert.equal(socket.pings, 2);
});

test("a socket that does not open is dropped after 10 seconds", () => {
  connection.start();
  const [first] = Socket.all;
  wait(9_999);
  assert.deepEqual([first.wasClosed, reported], [false, []]);
  wait(1);
  assert.deepEqual([first.wasClosed, reported], [true, ["closed"]]);
  first.opens();
  assert.deepEqual(reported, ["closed"]);
  wait(FIRST_WAIT);
  assert.equal(Socket.all.length, 2);
});

test("each consecutive failure makes the next wait longer, until a frame arrives", () => {
  connection.start();
  for (const attempt of [1, 2, 3, 4, 5, 6]) {
    // Opening does not reset the backoff: a server may accept sockets and then fail them.
    last().opens();
    last().closes(1006, "");
    const expected = waitBefore(attempt, () => 0.5);
    wait(expected - 1);
    assert.equal(Socket.all.length, attempt);
    wait(1);
    assert.equal(Socket.all.length, attempt + 1);
  }
  last().opens();
  last().says({ type: "welcome" });
  last().closes(1006, "");
  wait(FIRST_WAIT - 1);
  assert.equal(Socket.all.length, 7);
  wait(1);
  assert.equal(Socket.all.length, 8);
});

test("the wait named in a close reason is used", () => {
  const socket = open();
  socket.closes(1012, "again in 3500 ms: the server restarts");
  wait(3_499);
  assert.deepEqual([Socket.all.length, reported], [1, ["opened", "closed"]]);
  wait(1);
  assert.equal(Socket.all.length, 2);
});

test("a final close reason ends the connection for good", () => {
  const socket = open();
  socket.closes(4404, "final: there is no such drawing");
  assert.deepEqual(reported, ["opened", { code: 4404, reason: "there is no such drawing" }]);
  page.dispatchEvent(new Event("online"));
  page.dispatchEvent(new Event("visibilitychange"));
  wait(600_000);
  assert.equal(Socket.all.length, 1);
});

test("a stopped connection opens no socket and reports nothing", () => {
  const socket = open();
  connection.stop();
  assert.equal(socket.wasClosed, true);
  socket.says({ type: "strokes" });
  page.dispatchEvent(new Event("online"));
  wait(600_000);
  assert.deepEqual([Socket.all.length, reported], [1, ["opened"]]);
});

for (const event of ["online", "offline", "visibilitychange"]) {
  test(`after ${event} it pings at once and waits only 3 seconds for an answer`, () => {
    const socket = open();
    page.dispatchEvent(new Event(event));
    assert.equal(socket.pings, 1);
    wait(2_999);
    assert.equal(socket.wasClosed, false);
    wait(1);
    assert.deepEqual([socket.wasClosed, reported], [true, ["opened", "closed"]]);
  });

  test(`after ${event} it reconnects without waiting`, () => {
    open().closes(1012, "again in 5000 ms: the server restarts");
    page.dispatchEvent(new Event(event));
    assert.equal(Socket.all.length, 2);
    // This replaces the scheduled attempt.
    last().opens();
    wait(14_000);
    assert.equal(Socket.all.length, 2);
  });
}

test("a hidden tab does not ping on waking", () => {
  const socket = open();
  page.visibilityState = "hidden";
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(socket.pings, 0);
  wait(15_000);
  assert.equal(socket.pings, 1);
});

test("a socket that answers after waking is kept", () => {
  const socket = open();
  page.dispatchEvent(new Event("online"));
  socket.says({ type: "pong", head: 0 });
  wait(3_000);
  assert.deepEqual([socket.wasClosed, Socket.all.length], [false, 1]);
});

test("an overdue op is a reason to ping at once and to wait only 1.5 seconds, a second time in a row 10 seconds", () => {
  const first = open();
  connection.pingForOverdueOp();
  connection.pingForOverdueOp();
  assert.equal(first.pings, 1);
  wait(1_499);
  assert.equal(first.wasClosed, false);
  wait(1);
  assert.deepEqual([first.wasClosed, reported], [true, ["opened", "closed"]]);
  wait(FIRST_WAIT);
  const second = last();
  second.opens();
  second.says({ type: "welcome" });
  connection.pingForOverdueOp();
  wait(9_000);
  // Asking again does not postpone the deadline.
  connection.pingForOverdueOp();
  assert.deepEqual([second.pings, second.wasClosed], [1, false]);
  second.says({ type: "pong", head: 0 });
  connection.pingForOverdueOp();
  wait(1_500);
  assert.deepEqual([second.pings, second.wasClosed], [2, true]);
});
