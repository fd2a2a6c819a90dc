// @ts-check
/**
 * A browser for tests: tabs that share Web Locks, IndexedDB and a model server, in virtual time. Each
 * tab runs the real outbox store, tab lock, outbox and outbox recovery.
 *
 * It must never let time pass by itself, and never grant one lock to two tabs.
 */

import assert from "node:assert/strict";
import { mock } from "node:test";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { OutboxRecovery } from "../../../static/net/outbox-recovery.js";
import { randomId, writerOf } from "../../../static/model/ids.js";
import { Outbox } from "../../../static/net/outbox.js";
import { holdTabLock } from "../../../static/net/tab-lock.js";
import { OutboxStore } from "../../../static/net/outbox-store.js";
import { ModelServer, Session } from "./model-server.js";

/** Milliseconds of virtual time between two checks of a predicate, and until a wait fails. */
const STEP = 50;
const WITHIN = 60_000;
/** Turns of the event loop in each step, so that IndexedDB keeps up with virtual time. */
const TURNS = 10;

/** Exclusive Web Locks. */
class Locks {
  /** @type {Map<string, (nothing?: undefined) => void>} the function that releases each held lock */
  #held = new Map();

  /**
   * @param {string} name
   * @param {any} options
   * @param {(lock: object | null) => any} [callback]
   */
  async request(name, options, callback = options) {
    await null;
    if (this.#held.has(name)) {
      assert.ok(options.ifAvailable, "no tab may wait for another one's lock");
      return callback(null);
    }
    const released = new Promise((resolve) => this.#held.set(name, resolve));
    const result = await Promise.race([callback({ name }), released]);
    this.#held.delete(name);
    return result;
  }

  /** @param {string} name */
  isHeld(name) {
    return this.#held.has(name);
  }

  /** Releases the lock of a crashed tab.
   * @param {string} name */
  release(name) {
    this.#held.get(name)?.();
  }
}

/** A WebSocket to the model server. Its address is the name of the tab that opens it. */
class Socket {
  static OPEN = 1;
  static CLOSED = 3;
  readyState = 0;
  /** @type {Session | undefined} */
  #session;
  #browser;
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((event: {data: string}) => void) | null} */
  onmessage = null;

  /**
   * @param {ModelBrowser} browser
   * @param {string} tab
   */
  constructor(browser, tab) {
    this.#browser = browser;
    this.tab = tab;
    setImmediate(() => {
      if (this.readyState !== 0 || !browser.reachable || browser.crashed.has(tab)) return;
      this.readyState = Socket.OPEN;
      this.onopen?.();
      this.#session = new Session(browser.server, (frame) => this.#arrives(JSON.stringify(frame)), 0);
    });
  }

  /** @param {string} text */
  send(text) {
    const frame = JSON.parse(text);
    setImmediate(() => {
      const browser = this.#browser;
      if (this.readyState !== Socket.OPEN || browser.crashed.has(this.tab)) return;
      if (frame.type === "hello") {
        browser.hellos.push({ ...frame });
        frame.writer = writerOf(frame.key, frame.tab).id;
      }
      if (frame.type === "ops") browser.receivedOps.push(...frame.ops);
      if (frame.type !== "ops" || browser.answers) this.#session?.receive(frame, false);
    });
  }

  close() {
    this.readyState = Socket.CLOSED;
    if (this.#session) this.#browser.server.sessions.delete(this.#session);
  }

  /** @param {string} data */
  #arrives(data) {
    setImmediate(() => this.readyState === Socket.OPEN && !this.#browser.crashed.has(this.tab) && this.onmessage?.({ data }));
  }
}

export class ModelBrowser {
  server = new ModelServer();
  /** Whether sockets open, and whether the server receives ops. */
  reachable = true;
  answers = true;
  /** @type {any[]} each `hello` that arrived */
  hellos = [];
  /** @type {any[]} each op that arrived */
  receivedOps = [];
  /** @type {Set<string>} the names of crashed tabs */
  crashed = new Set();
  drawing = randomId();
  key = randomId();
  #factory = new IDBFactory();

  /** @param {{webLocks: boolean}} how */
  constructor({ webLocks }) {
    mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: Date.now() });
    this.locks = webLocks ? new Locks() : undefined;
    const browser = this;
    const events = Object.assign(new EventTarget(), { visibilityState: "visible" });
    const globals = {
      IDBKeyRange,
      WebSocket: class extends Socket {
        /** @param {string} address */
        constructor(address) {
          super(browser, address);
        }
      },
      addEventListener: events.addEventListener.bind(events),
      document: events,
      navigator: { locks: this.locks },
      removeEventListener: events.removeEventListener.bind(events),
    };
    for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }

  /** Ends virtual time, and every tab with it. */
  close() {
    mock.timers.reset();
  }

  /** @param {string} name */
  async tab(name) {
    const tab = new ModelTab(this, name, await OutboxStore.open(this.drawing, this.#factory));
    await tab.holdLock();
    return tab;
  }

  /** Lets virtual time pass until `what` is true.
   * @param {string} name what is waited for
   * @param {() => any} what
   * @param {number} [within] milliseconds of virtual time */
  async until(name, what, within = WITHIN) {
    for (let passed = 0; !(await what()); passed += STEP) {
      assert.ok(passed < within, `never: ${name}`);
      mock.timers.tick(STEP);
      for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** One tab of the browser. It stores its own ops and never sends them. */
class ModelTab {
  /** Number of completed searches for ops of dead tabs. */
  searches = 0;
  /** @type {import("../../../static/model/types.js").Op[]} */
  recovered = [];
  /** @type {any[]} */
  refused = [];
  #browser;

  /**
   * @param {ModelBrowser} browser
   * @param {string} name
   * @param {OutboxStore} store
   */
  constructor(browser, name, store) {
    this.#browser = browser;
    this.name = name;
    this.store = store;
    this.writer = writerOf(browser.key, randomId());
    const on = {
      answered() {},
      refused: (/** @type {any} */ _, /** @type {any} */ op, /** @type {any} */ frame) => this.refused.push([op.n, frame.reason]),
      countChanged() {},
      storeFailed: () => assert.fail("the store failed"),
    };
    this.outbox = new Outbox(this.writer, store, on);
    // Reading the owners starts a search, so the previous one is complete.
    const owners = store.owners.bind(store);
    store.owners = async () => {
      if (browser.crashed.has(name)) throw new Error("this tab has crashed");
      const found = await owners();
      this.searches += 1;
      return found;
    };
    this.recovery = new OutboxRecovery(this.writer, store, { address: () => name, token: () => ({}), recovered: (_, op) => this.recovered.push(op), outbox: on });
  }

  async holdLock() {
    await holdTabLock(this.writer, async (writer) => {
      if (!this.#browser.crashed.has(this.name)) await this.store.heartbeat(writer);
    });
  }

  /** The stored ops of a tab.
   * @param {ModelTab} [whose] */
  async storedOps(whose = this) {
    return this.store.ops(whose.writer.tab);
  }

  /** Stops the tab and releases its locks.
   * @param {ModelTab[]} recovered the tabs whose ops it was sending */
  crash(...recovered) {
    this.#browser.crashed.add(this.name);
    for (const { writer } of [this, ...recovered]) this.#browser.locks?.release(`writer-${writer.tab}`);
  }
}
