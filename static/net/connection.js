// @ts-check
/**
 * A WebSocket that reconnects: opens, detects a dead connection, and opens again.
 *
 * It must never know what the frames mean, except `ping`.
 */

import { waitBefore } from "./backoff.js";

/** @typedef {import("../model/types.js").FromServer} FromServer */

const SUBPROTOCOL = "whiteboard.v1";
/** Milliseconds without a frame before a ping. */
const PING_AFTER = 15_000;
/** Milliseconds to wait for any frame after a ping, or for the socket to open. */
const ANSWER_WITHIN = 10_000;
/** The same after the network or the tab woke up, when a socket is more likely dead than slow. */
const ANSWER_AFTER_WAKING_WITHIN = 3_000;

/**
 * Parses whether and when to reconnect from a close reason.
 * @param {string} reason
 * @returns {{final: boolean, after: number | null}} `after` in milliseconds, if the reason has it
 */
export function parseCloseReason(reason) {
  const after = /^again in (\d+) ms: /.exec(reason);
  return { final: reason.startsWith("final: "), after: after ? Number(after[1]) : null };
}

/** The same while an op is overdue. */
const ANSWER_TO_OVERDUE_WITHIN = 1_500;

export class Connection {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} for the next ping, the timeout, or the next attempt */
  #timer;
  #failures = 0;
  /** Whether a ping for an overdue op is unanswered. */
  #hurried = false;
  /** Whether the last such ping was never answered. */
  #hurriedInVain = false;
  #stopped = true;
  #address;
  #on;
  #onWake = () => this.#wake();

  /**
   * @param {() => string} address where to connect, called for each attempt
   * @param {object} on
   * @param {() => void} on.opened
   * @param {(frame: FromServer) => void} on.frame
   * @param {() => void} on.closed the socket closed or an attempt failed; another attempt follows
   * @param {(code: number, reason: string) => void} on.ended the server says not to reconnect
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
   * @returns {boolean} false if no socket is open
   */
  send(frame) {
    if (!this.#socket || !this.isOpen) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /**
   * Checks that the server is alive; its pong has the server's head.
   * @param {number} [within] milliseconds
   */
  ping(within = ANSWER_WITHIN) {
    if (!this.send({ type: "ping" })) return;
    this.#setTimer(within, () => this.#reconnectLater(null));
  }

  /**
   * An op is overdue: checks that the server is alive, with a short deadline. If the previous one was
   * missed the network may be slow rather than dead, and the deadline is the usual one: otherwise a large
   * op on a slow network would be sent again and again.
   */
  pingForOverdueOp() {
    if (this.#hurried || !this.isOpen) return;
    this.#hurried = true;
    this.ping(this.#hurriedInVain ? ANSWER_WITHIN : ANSWER_TO_OVERDUE_WITHIN);
  }

  /** Replaces the socket by a new one at once. */
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
      if (this.#hurried) this.#hurried = this.#hurriedInVain = false;
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

  /** A frame arrived: the next ping is due after PING_AFTER. */
  #restartIdleTimer() {
    this.#setTimer(PING_AFTER, () => this.ping());
  }

  /** @param {number | null} after */
  #reconnectLater(after) {
    this.#hurriedInVain ||= this.#hurried;
    this.#discard();
    this.#failures += 1;
    this.#setTimer(after ?? waitBefore(this.#failures), () => this.#open());
    this.#on.closed();
  }

  /** Closes the socket without waiting for the closing handshake, which a dead connection never completes. */
  #discard() {
    clearTimeout(this.#timer);
    this.#hurried = false;
    if (!this.#socket) return;
    const { readyState } = this.#socket;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    if (readyState !== WebSocket.CLOSED) this.#socket.close();
    this.#socket = null;
  }

  /** The network changed, or the tab became visible. */
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
