// @ts-check
/**
 * Keeps a replica at the server's head: loads it over HTTP, then judges every frame, and asks
 * for what is missing.
 *
 * It must never change a stroke by anything but `replica.take` and `replica.reset`.
 */

import { waitBefore } from "./backoff.js";

/** @typedef {import("./types.js").FromServer} FromServer */
/** @typedef {import("./types.js").StrokesChunk} StrokesChunk */
/** @typedef {import("./replica.js").Replica} Replica */

/** Milliseconds before the same question is asked again. */
const ASK_AGAIN = 3_000;
/** Milliseconds after which an answered op whose change did not come is asked about. */
const CHECK_AFTER = 1_000;
/** Pongs that tell of a later head before this page asks for what it lacks. */
const PONGS_BEHIND = 2;

export class Sync {
  #replica;
  #on;
  #pongsBehind = 0;
  #askedAt = -Infinity;
  #reading = false;
  #checking = false;

  /**
   * @param {Replica} replica
   * @param {object} on
   * @param {(since: number, epoch: string | null, target: number | undefined) => Promise<StrokesChunk>} on.read
   * @param {(frame: object) => void} on.send
   * @param {(title: string) => void} on.title
   * @param {(error: unknown) => boolean} on.readFailed tells whether to try again
   */
  constructor(replica, on) {
    this.#replica = replica;
    this.#on = on;
  }

  /**
   * Reads over HTTP until everything the server has is held.
   * @returns {Promise<boolean>} false when trying again makes no sense
   */
  async load() {
    /** @type {number | undefined} where the first load ends that is under way */
    let target;
    for (let failures = 0; ; ) {
      try {
        const { head, epoch } = this.#replica;
        const chunk = await this.#on.read(head, epoch, target);
        failures = 0;
        // The socket began another epoch meanwhile: the page may be of the one that ended.
        if (this.#replica.epoch !== epoch) {
          target = undefined;
          continue;
        }
        target = chunk.target;
        this.#applyChunk(chunk);
        if (!chunk.more) return true;
      } catch (error) {
        if (!this.#on.readFailed(error)) return false;
        failures += 1;
        await new Promise((resolve) => setTimeout(resolve, waitBefore(failures)));
      }
    }
  }

  /** A socket opened: what was asked before is forgotten. */
  opened() {
    this.#askedAt = -Infinity;
    this.#pongsBehind = 0;
  }

  /** Ops were answered, perhaps before what came of them: asks how far the server is if that does not come. */
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

  /** The socket carries nothing until it is asked again. */
  async #readThenResume() {
    if (this.#reading) return;
    this.#reading = true;
    const loaded = await this.load();
    this.#reading = false;
    this.#askedAt = -Infinity;
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
    if (this.#reading || now - this.#askedAt < ASK_AGAIN) return;
    this.#askedAt = now;
    this.#on.send({ type: "since", since: this.#replica.head, epoch: this.#replica.epoch });
  }
}
