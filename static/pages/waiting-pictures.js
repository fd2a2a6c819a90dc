// @ts-check
/**
 * Pictures that were brought without a connection: shown pale in their places, kept in this browser, and stored
 * and drawn once the server is back.
 *
 * It must never draw a picture before the server has it, nor drop one without words.
 */

import { drawing as drawn } from "../model/edits.js";
import { ApiError, storeAsset } from "../net/api.js";
import { waitBefore } from "../net/backoff.js";
import { loadStored, saveStored } from "../net/local-storage.js";
import { PictureQueue } from "../net/picture-queue.js";
import { claimTabLock } from "../net/tab-lock.js";
import { t } from "../strings/later.js";
import { failureText } from "../ui/failure.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../net/picture-queue.js").WaitingPicture} WaitingPicture */
/**
 * What the page shows of them: their bodies, with the addresses of their pictures by the hashes there.
 * @typedef {{bodies: Body[], addresses: Map<string, string>}} ShownWaiting
 */
/** @typedef {{picture: WaitingPicture, body: Body, release: () => void}} Held `body`: as it is shown */

/** What this browser stores the drawings as that have pictures waiting. */
const STORED_AS = "pictures";
const PALE = 0.5;
/** Milliseconds between searches for those of tabs that have ended, while other tabs take care of some. */
const SEARCH_EVERY = 5_000;
/** Statuses by which the server refuses the picture itself, or has no room for it ever. */
const REFUSED = [400, 413, 415, 422, 507];

export class WaitingPictures {
  /** Those that this tab takes care of, in order. @type {Held[]} */
  #held = [];
  #queue;
  #isSending = false;
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  #on;

  /**
   * @param {object} on
   * @param {IDBFactory | undefined} on.factory
   * @param {string} on.drawing
   * @param {() => boolean} on.readOnly
   * @param {import("../model/scene.js").Scene} on.scene
   * @param {import("../canvas/canvas.js").Canvas} on.canvas
   * @param {import("../model/history.js").History} on.history
   * @param {ShownWaiting} on.waiting
   * @param {(hashes: string[]) => Promise<unknown>} on.loadPictures
   * @param {() => void} on.waits other pictures wait than before
   * @param {(message: string) => void} on.notify
   */
  constructor(on) {
    this.#on = on;
    this.#queue = new PictureQueue(on.factory);
    addEventListener("online", () => void this.#send());
  }

  /** Takes up what an earlier visit has left, and what another tab leaves. */
  async resume() {
    const all = await this.#queue.of(this.#on.drawing);
    for (const picture of all) await this.#hold(picture);
    if (all.length > this.#held.length) setTimeout(() => void this.resume(), SEARCH_EVERY);
    await this.#mark();
    await this.#send();
  }

  /**
   * Stores a picture, or keeps it until the server can be reached.
   * @param {string} id of the stroke that is to show it
   * @param {Body} body of that stroke, with any other hash as its asset
   * @param {Blob} blob
   * @returns {Promise<string | null>} its hash; null: it waits
   */
  async stored(id, body, blob) {
    const { drawing } = this.#on;
    try {
      return await storeAsset(drawing, blob);
    } catch (error) {
      if (error instanceof ApiError && error.isFinal) throw error;
      const picture = { id, drawing, body, blob };
      if (!(await this.#queue.add(picture))) throw new NoRoom();
      await this.#hold(picture);
      await this.#mark();
      this.#later();
      return null;
    }
  }

  /** @param {WaitingPicture} picture */
  async #hold(picture) {
    const { id, drawing, blob, body } = picture;
    if (this.#held.some((one) => one.picture.id === id)) return;
    const release = await claimTabLock({ drawing, tab: `picture-${id}`, key: "", heartbeat: 0 });
    // Another tab shows it, and will send it.
    if (!release) return;
    const { canvas, waiting, loadPictures, waits } = this.#on;
    const { asset = "" } = body;
    waiting.addresses.set(asset, URL.createObjectURL(blob));
    const held = { picture, body: { ...body, opacity: PALE }, release };
    this.#held.push(held);
    waiting.bodies.push(held.body);
    waits();
    void loadPictures([asset]).then(() => canvas.refresh());
  }

  /** Notes for the next visit whether anything waits. */
  async #mark() {
    const { drawing } = this.#on;
    // Those that other tabs take care of are waiting too.
    const waits = (await this.#queue.of(drawing).catch(() => this.#held)).length > 0;
    const others = loadStored(STORED_AS, () => /** @type {string[]} */ ([]), Array.isArray).filter((one) => one !== drawing);
    saveStored(STORED_AS, waits ? [...others, drawing] : others);
  }

  #later() {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#send(), waitBefore((this.#failures += 1)));
  }

  async #send() {
    if (this.#isSending || this.#on.readOnly()) return;
    this.#isSending = true;
    try {
      for (let next = this.#held.at(0); next; next = this.#held.at(0)) await this.#sendOne(next);
      this.#failures = 0;
    } catch (error) {
      // Without rights, or without a drawing, it waits for another visit.
      if (!(error instanceof ApiError && error.isFinal)) this.#later();
    } finally {
      this.#isSending = false;
    }
  }

  /** @param {Held} held */
  async #sendOne({ picture, body, release }) {
    const { drawing, scene, canvas, history, waiting, waits, notify } = this.#on;
    const { id, blob } = picture;
    try {
      const asset = await storeAsset(drawing, blob);
      // A page that ended between drawing it and forgetting it has left its op.
      if (!scene.stroke(id)) history.commit([drawn(id, { ...picture.body, asset })]);
    } catch (error) {
      if (!(error instanceof ApiError && REFUSED.includes(error.status))) throw error;
      notify(t("import.failed", { reason: failureText(error) }));
    }
    this.#held.shift();
    waiting.bodies.splice(waiting.bodies.indexOf(body), 1);
    waits();
    canvas.refresh();
    await this.#queue.remove(id).catch(() => {});
    await this.#mark();
    release();
    const address = waiting.addresses.get(body.asset ?? "");
    if (address) URL.revokeObjectURL(address);
    waiting.addresses.delete(body.asset ?? "");
  }
}

/** No more pictures can wait. */
export class NoRoom extends Error {}
