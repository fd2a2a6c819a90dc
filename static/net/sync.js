// @ts-check
/**
 * Keeps a replica at the server's head: loads it over HTTP, applies the frames that follow, and
 * requests the changes that are missing.
 *
 * It must never change a stroke except through `replica.apply` and `replica.reset`.
 */

import { waitBefore } from "./backoff.js";

/** @typedef {import("../model/types.js").FromServer} FromServer */
/** @typedef {import("../model/types.js").StrokesChunk} StrokesChunk */
/** @typedef {import("../model/replica.js").Replica} Replica */

/** Milliseconds before missing changes are requested again. */
const ASK_AGAIN = 3_000;
/** Milliseconds to wait for the change of an answered op before pinging the server. */
const CHECK_AFTER = 1_000;
/** Consecutive pongs with a later head before the missing changes are requested. */
const PONGS_BEHIND = 2;

export class Sync {
  #replica;
  #on;
  #pongsBehind = 0;
  #requestedAt = -Infinity;
  #reading = false;
  #checking = false;

  /**
   * @param {Replica} replica
   * @param {object} on
   * @param {(since: number, epoch: string | null) => Promise<StrokesChunk>} on.read
   * @param {(frame: object) => void} on.send
   * @param {(title: string) => void} on.title
   * @param {(error: unknown) => boolean | Promise<boolean>} on.readFailed returns whether to try again
   */
  constructor(replica, on) {
    this.#replica = replica;
    this.#on = on;
  }

  /**
   * Reads over HTTP until the replica is at the server's head.
   * @returns {Promise<boolean>} false if the read failed for good
   */
  async load() {
    for (let failures = 0; ; ) {
      try {
        const { head, epoch } = this.#replica;
        const chunk = await this.#on.read(head, epoch);
        failures = 0;
        // A reset arrived meanwhile: the chunk may belong to the previous epoch.
        if (this.#replica.epoch !== epoch) continue;
        this.#applyChunk(chunk);
        if (!chunk.more) return true;
      } catch (error) {
        if (!(await this.#on.readFailed(error))) return false;
        failures += 1;
        await new Promise((resolve) => setTimeout(resolve, waitBefore(failures)));
      }
    }
  }

  /** A new socket: requests sent through the previous one do not count. */
  opened() {
    this.#requestedAt = -Infinity;
    this.#pongsBehind = 0;
  }

  /** Ops were answered, perhaps before their changes arrived: pings the server if those do not follow. */
  answered() {
    if (this.#checking || this.#replica.pendingCount() === 0) return;
    this.#checking = true;
    setTimeout(() => {
      this.#checking = false;
      if (this.#replica.pendingCount() > 0) this.#on.send({ type: "ping" });
    }, CHECK_AFTER);
  }

  /** @param {FromServer} frame */
  receive(frame) {
    switch (frame.type) {
      case "strokes":
        if (this.#replica.apply(frame) === "gap") this.#request();
        break;
      case "reset":
        this.#replica.reset(frame.epoch);
        break;
      case "read":
        void this.#readThenResume();
        break;
      case "pong":
        this.#pong(frame.head);
        break;
    }
  }

  /** @param {StrokesChunk} chunk */
  #applyChunk(chunk) {
    if (chunk.reset) this.#replica.reset(chunk.epoch);
    this.#replica.epoch = chunk.epoch;
    this.#replica.apply(chunk);
    this.#on.title(chunk.title);
  }

  /** Reads over HTTP what is too much for the socket, which sends nothing until the next request. */
  async #readThenResume() {
    if (this.#reading) return;
    this.#reading = true;
    const loaded = await this.load();
    this.#reading = false;
    this.#requestedAt = -Infinity;
    if (loaded) this.#request();
  }

  /** @param {number} head */
  #pong(head) {
    if (head <= this.#replica.head) {
      this.#pongsBehind = 0;
      this.#replica.dropAnswered();
      return;
    }
    this.#pongsBehind += 1;
    if (this.#pongsBehind >= PONGS_BEHIND) this.#request();
  }

  #request() {
    const now = performance.now();
    if (this.#reading || now - this.#requestedAt < ASK_AGAIN) return;
    this.#requestedAt = now;
    this.#on.send({ type: "since", since: this.#replica.head, epoch: this.#replica.epoch });
  }
}
