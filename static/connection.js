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
export function parseCloseReason(reason) {
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
  #onWake = () => this.#wake();

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
    addEventListener("online", this.#onWake);
    addEventListener("offline", this.#onWake);
    document.addEventListener("visibilitychange", this.#onWake);
    this.#open();
  }

  stop() {
    this.#stopped = true;
    removeEventListener("online", this.#onWake);
    removeEventListener("offline", this.#onWake);
    document.removeEventListener("visibilitychange", this.#onWake);
    this.#discard();
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
    this.#setTimer(within, () => this.#reconnectLater(null));
  }

  /** Drops the socket and opens another one at once. */
  reconnect() {
    this.#discard();
    this.#open();
  }

  #open() {
    if (this.#stopped) return;
    const socket = new WebSocket(this.#address(), SUBPROTOCOL);
    this.#socket = socket;
    this.#setTimer(ANSWER_WITHIN, () => this.#reconnectLater(null));
    socket.onopen = () => {
      this.#restartIdleTimer();
      this.#on.opened();
    };
    socket.onmessage = ({ data }) => {
      this.#failures = 0;
      this.#restartIdleTimer();
      this.#on.frame(JSON.parse(data));
    };
    socket.onclose = ({ code, reason }) => {
      const { final, after } = parseCloseReason(reason);
      if (!final) return this.#reconnectLater(after);
      this.stop();
      this.#on.ended(code, reason.replace(/^final: /, ""));
    };
  }

  /** Something was heard: asks again after a silence. */
  #restartIdleTimer() {
    this.#setTimer(PING_AFTER, () => this.ping());
  }

  /** @param {number | null} after */
  #reconnectLater(after) {
    this.#discard();
    this.#failures += 1;
    this.#setTimer(after ?? waitBefore(this.#failures), () => this.#open());
    this.#on.closed();
  }

  /** Lets go of the socket without waiting for its closing handshake, which a dead one never ends. */
  #discard() {
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
    else this.reconnect();
  }

  /**
   * @param {number} milliseconds
   * @param {() => void} then
   */
  #setTimer(milliseconds, then) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, milliseconds);
  }
}
