// @ts-check
/**
 * One WebSocket that comes back: opens, notices when it is dead, and opens again.
 *
 * It must never know what the frames mean, but for `ping`.
 */

import { waitBefore } from "./backoff.js";

/** @typedef {import("./types.js").FromServer} FromServer */

const SUBPROTOCOL = "whiteboard.v1";
/** Milliseconds of silence before asking whether the server is there. */
const PING_AFTER = 15_000;
/** Milliseconds to wait for anything after asking, or for the socket to open. */
const ANSWER_WITHIN = 10_000;
/** The same after the network or the tab came back, when a socket is more likely dead than slow. */
const ANSWER_AFTER_WAKING_WITHIN = 3_000;

/**
 * What a close reason says about coming back.
 * @param {string} reason
 * @returns {{final: boolean, after: number | null}} milliseconds, when it names them
 */
export function readReason(reason) {
  const after = /^again in (\d+) ms: /.exec(reason);
  return { final: reason.startsWith("final: "), after: after ? Number(after[1]) : null };
}

export class Connection {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} when to ping, to give up, or to try again */
  #timer;
  #failures = 0;
  #stopped = true;
  #address;
  #on;
  #awake = () => this.#wake();

  /**
   * @param {() => string} address where to connect, asked each time
   * @param {object} on
   * @param {() => void} on.opened
   * @param {(frame: FromServer) => void} on.frame
   * @param {() => void} on.closed it was open, or an attempt failed; another one follows
   * @param {(code: number, reason: string) => void} on.ended the server says that coming back makes no sense
   */
  constructor(address, on) {
    this.#address = address;
    this.#on = on;
  }

  start() {
    if (!this.#stopped) return;
    this.#stopped = false;
    addEventListener("online", this.#awake);
    addEventListener("offline", this.#awake);
    document.addEventListener("visibilitychange", this.#awake);
    this.#open();
  }

  stop() {
    this.#stopped = true;
    removeEventListener("online", this.#awake);
    removeEventListener("offline", this.#awake);
    document.removeEventListener("visibilitychange", this.#awake);
    this.#leave();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /**
   * @param {object} frame
   * @returns {boolean} whether there was a socket to send it through
   */
  send(frame) {
    if (!this.#socket || !this.isOpen) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /**
   * Asks whether the server is there; its answer tells how far it is.
   * @param {number} [within] milliseconds
   */
  ping(within = ANSWER_WITHIN) {
    if (!this.send({ type: "ping" })) return;
    this.#wait(within, () => this.#lost(null));
  }

  /** Drops the socket and opens another one at once. */
  renew() {
    this.#leave();
    this.#open();
  }

  #open() {
    if (this.#stopped) return;
    const socket = new WebSocket(this.#address(), SUBPROTOCOL);
    this.#socket = socket;
    this.#wait(ANSWER_WITHIN, () => this.#lost(null));
    socket.onopen = () => {
      this.#quiet();
      this.#on.opened();
    };
    socket.onmessage = ({ data }) => {
      this.#failures = 0;
      this.#quiet();
      this.#on.frame(JSON.parse(data));
    };
    socket.onclose = ({ code, reason }) => {
      const { final, after } = readReason(reason);
      if (!final) return this.#lost(after);
      this.stop();
      this.#on.ended(code, reason.replace(/^final: /, ""));
    };
  }

  /** Something was heard: asks again after a silence. */
  #quiet() {
    this.#wait(PING_AFTER, () => this.ping());
  }

  /** @param {number | null} after */
  #lost(after) {
    this.#leave();
    this.#failures += 1;
    this.#wait(after ?? waitBefore(this.#failures), () => this.#open());
    this.#on.closed();
  }

  /** Lets go of the socket without waiting for its closing handshake, which a dead one never ends. */
  #leave() {
    clearTimeout(this.#timer);
    if (!this.#socket) return;
    const { readyState } = this.#socket;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    if (readyState !== WebSocket.CLOSED) this.#socket.close();
    this.#socket = null;
  }

  /** The network or the tab came back, or the network went. */
  #wake() {
    if (document.visibilityState === "hidden") return;
    if (this.isOpen) this.ping(ANSWER_AFTER_WAKING_WITHIN);
    else this.renew();
  }

  /**
   * @param {number} milliseconds
   * @param {() => void} then
   */
  #wait(milliseconds, then) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, milliseconds);
  }
}
