// @ts-check
/**
 * What the person may do on the drawing, as the server says, and the end if that is nothing any more.
 *
 * It must never load what an open server needs not, nor what it shows before it is needed.
 */

import { LIMITING, limitOf } from "../model/rights.js";
import { accessMode } from "../net/access-mode.js";

/** @typedef {import("../model/types.js").Level} Level */
/** @typedef {import("../ui/ended-dialog.js").End} End */
/**
 * @typedef {object} AccessEvents
 * @property {() => void} changed rights, or what an owner knows of others, may have changed
 * @property {(renewal: object | null) => void} key another key is in use while the page runs; see `DrawingKeys`
 * @property {() => import("./board-end.js").EndParts} parts what the end needs of the page
 */

/** Close codes, which are 4000 + an HTTP status, after which the drawing cannot be opened from here: without
 * rights, without a drawing, and with one that was deleted. */
const GONE = [4401, 4403, 4404, 4410];
const MISSING = 4404;
const DELETED = 4410;

export class BoardAccess {
  mode = accessMode();
  /** The public id of the person, once the server has said it: a token may name somebody. */
  author = "";
  /** Authors who are muted, if this person is an owner. @type {readonly string[]} */
  mutedPeople = [];
  /** @type {import("../model/rights.js").Rights} */
  #rights = { access: "draw", locked: false, muted: false };
  /** @type {import("./drawing-keys.js").DrawingKeys | null} null in open mode */
  #keys = null;
  /** Whether the server has let this page in, or did so in an earlier visit. */
  #wasIn = false;
  #hasEnded = false;
  /** Whether the server has said all rights: what it says later is news. */
  isKnown = false;
  /** @type {Promise<import("./board-end.js").BoardEnd> | null} */
  #end = null;
  #drawing;
  /** @type {AccessEvents | null} */
  #on = null;

  /** @param {string} drawing */
  constructor(drawing) {
    this.#drawing = drawing;
  }

  /** Tells from now on what happens.
   * @param {AccessEvents} on */
  listen(on) {
    this.#on = on;
  }

  /** Waits for a key, if one is needed.
   * @param {IDBFactory | undefined} factory */
  async ready(factory) {
    if (this.mode === "open") return;
    // All at once: one after the other they would be as many round trips.
    const [{ DrawingKeys }] = await Promise.all([import("./drawing-keys.js"), import("../model/keyring.js"), import("../model/token.js"), import("../net/access-key.js"), import("../net/key-store.js")]);
    this.#keys = new DrawingKeys(this.#drawing, factory, (renewal) => (this.#hasEnded ? location.reload() : this.#on?.key(renewal)));
    await this.#keys.ready();
    const { before } = this.#keys;
    if (!before) return;
    this.#wasIn = true;
    this.#rights.access = before;
  }

  /** What `hello` says about it. */
  get token() {
    return this.key ? { token: this.key } : {};
  }

  /** The key in use. */
  get key() {
    return this.#keys?.key ?? null;
  }

  get isLocked() {
    return this.#rights.locked;
  }

  /** Whether the person owns the drawing where not everybody does. */
  get isOwner() {
    return this.mode !== "open" && this.level === "own";
  }

  /** @returns {Level} */
  get level() {
    return this.#rights.access;
  }

  /** Why the person may only look, if so. */
  get limit() {
    return limitOf(this.#rights);
  }

  /**
   * @param {import("../model/types.js").FromServer} frame
   * @returns {boolean} whether a better key was found, which a new socket is to show
   */
  receive(frame) {
    if (frame.type === "welcome") {
      this.#wasIn = true;
      this.author = frame.author;
      if (this.#keys?.accepted(frame.access)) return true;
      this.#set({ access: frame.access });
    } else if (frame.type === "access") {
      const { access, locked, muted } = frame;
      this.mutedPeople = frame.muted_people ?? [];
      const wasKnown = this.isKnown;
      this.isKnown = true;
      this.#set({ access, locked, muted }, wasKnown);
    }
    return false;
  }

  /**
   * The server has closed for good.
   * @param {number} code 4000 + an HTTP status
   * @returns {boolean} whether there is another key to try
   */
  denied(code) {
    return GONE.includes(code) && code !== DELETED && this.#keys?.refused() === true;
  }

  /**
   * The server has refused an op.
   * @param {import("../model/types.js").Stroke | null} stroke with its effect
   * @param {string} reason
   */
  refused(stroke, reason) {
    if (stroke && LIMITING.includes(reason)) void this.#loadedEnd().then((end) => end.refused(stroke), () => {});
  }

  /**
   * Shows the end of the page.
   * @param {number} code
   * @returns {boolean} whether the drawing is gone, for this page
   */
  end(code) {
    this.#hasEnded = true;
    /** @type {End} */
    const named = code === DELETED ? "deleted" : code === MISSING ? "missing" : "rejected";
    const isDenied = this.#keys !== null && code !== DELETED && GONE.includes(code);
    const end = isDenied ? (this.#wasIn ? "revoked" : "denied") : named;
    void this.#loadedEnd().then((loaded) => loaded.show(end, this.mode === "open" || this.isOwner));
    return GONE.includes(code);
  }

  #loadedEnd() {
    const { parts } = /** @type {AccessEvents} */ (this.#on);
    return (this.#end ??= import("./board-end.js").then(({ BoardEnd }) => new BoardEnd(parts())));
  }

  /**
   * @param {Partial<import("../model/rights.js").Rights>} rights
   * @param {boolean} [isNews]
   */
  #set(rights, isNews = false) {
    const before = this.limit;
    Object.assign(this.#rights, rights);
    this.#on?.changed();
    const { limit } = this;
    if (isNews && limit && limit !== before) void this.#loadedEnd().then((end) => end.limited(limit), () => {});
  }
}
