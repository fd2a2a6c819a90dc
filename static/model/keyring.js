// @ts-check
/**
 * The keys that this browser holds for one drawing, and which of them it uses.
 *
 * It must never use a key that was refused while there is another one.
 */

import { isToken } from "./token.js";

/** @typedef {import("./types.js").Level} Level */
/** @typedef {{key: string, access: Level | null, refused?: number}} HeldKey `access` as the server said last; `refused`: when the server did so last, in milliseconds since 1970. */

/** Maximum of keys for one drawing. */
const MOST = 4;
/** @type {readonly (Level | null)[]} from the least */
const LEVELS = [null, "view", "draw", "own"];

export class Keyring {
  /** @type {HeldKey[]} */
  #held = [];
  /** Those that were refused since the page was opened. @type {Set<string>} */
  #tried = new Set();
  /** @type {HeldKey | null} */
  #used = null;

  /** The keys, the best one first. */
  get held() {
    return this.#held;
  }

  /** The key in use. */
  get key() {
    return this.#used?.key ?? null;
  }

  /** Adds keys that are stored, and uses the best one unless one is in use.
   * @param {readonly HeldKey[]} stored */
  add(stored) {
    const known = new Set(this.#held.map(({ key }) => key));
    this.#held = [...this.#held, ...stored.filter(({ key }) => !known.has(key))].slice(0, MOST);
    this.#used ??= this.#best;
  }

  /** Uses a key that the person has just brought. A token makes room for itself: each is renewed many times.
   * @param {string} key */
  take(key) {
    const before = this.#used;
    const known = this.#held.find((one) => one.key === key);
    const isRenewed = isToken(key) && isToken(this.key);
    this.#used = known ?? { key, access: isRenewed && before ? before.access : null };
    const others = this.#held.filter((one) => one !== this.#used && (!isToken(key) || one === before || !isToken(one.key)));
    this.#held = [this.#used, ...others].slice(0, MOST);
    this.#tried.delete(key);
  }

  /**
   * The server has accepted the key in use.
   * @param {Level} access
   * @returns {boolean} whether a better one is in use now
   */
  accepted(access) {
    const used = this.#used;
    if (!used) return false;
    used.access = access;
    delete used.refused;
    // Of two tokens the later one counts, also if it gives less.
    if (isToken(used.key)) this.#held = this.#held.filter((one) => one === used || !isToken(one.key));
    const best = this.#best;
    if (!best || best === used || rank(best) <= rank(used)) return false;
    this.#used = best;
    return true;
  }

  /**
   * The server has refused the key in use.
   * @param {number} now milliseconds since 1970
   * @returns {boolean} whether another one is in use now
   */
  refused(now) {
    if (!this.#used) return false;
    this.#used.refused ??= now;
    this.#tried.add(this.#used.key);
    this.#used = this.#best;
    return this.#used !== null;
  }

  /** The one that gives most, of those that were not refused since the page was opened. */
  get #best() {
    return bestOf(this.#held.filter(({ key }) => !this.#tried.has(key)));
  }
}

/**
 * The key that gives most; one that was refused comes last, but may be good again.
 * @param {readonly HeldKey[]} held
 */
export function bestOf(held) {
  return held.toSorted((a, b) => Number(a.refused !== undefined) - Number(b.refused !== undefined) || rank(b) - rank(a)).at(0) ?? null;
}

/** @param {HeldKey} held */
function rank({ access, refused }) {
  return refused === undefined ? LEVELS.indexOf(access) : 0;
}
