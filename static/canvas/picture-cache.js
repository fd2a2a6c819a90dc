// @ts-check
/**
 * The pictures of images, loaded once and kept for painting.
 *
 * It must never load from an address that it was not given.
 */

/** @typedef {import("../kinds/pictures.js").Picture} Picture */
/** @typedef {{image: HTMLImageElement, state: "loading" | "loaded" | "missing", done: Promise<void>, failedAt: number}} Entry */

/** Milliseconds after which a picture that could not be loaded is tried again, if it is still painted. */
const RETRY_AFTER = 10_000;

export class PictureCache {
  /** @type {Map<string, Entry>} by hash */
  #entries = new Map();
  #address;
  #changed;

  /**
   * @param {(hash: string) => string | Promise<string>} address
   * @param {(hash: string) => void} changed it is loaded, or will not be
   */
  constructor(address, changed) {
    this.#address = address;
    this.#changed = changed;
  }

  /**
   * @param {string} hash
   * @returns {Picture}
   */
  find(hash) {
    const { state, image } = this.#entry(hash);
    return state === "loaded" ? image : state;
  }

  /** Waits until pictures are loaded, or cannot be.
   * @param {string[]} hashes */
  load(hashes) {
    return Promise.all(hashes.map((hash) => this.#entry(hash).done));
  }

  /** @param {string} hash */
  #entry(hash) {
    const held = this.#entries.get(hash);
    const isStale = held?.state === "missing" && performance.now() - held.failedAt > RETRY_AFTER;
    if (held && !isStale) return held;
    const image = new Image();
    /** @type {Entry} */
    const entry = { image, state: "loading", done: Promise.resolve(), failedAt: 0 };
    entry.done = this.#loaded(image, hash).then(
      () => void (entry.state = "loaded"),
      () => void Object.assign(entry, { state: "missing", failedAt: performance.now() }),
    ).then(() => this.#changed(hash));
    this.#entries.set(hash, entry);
    return entry;
  }

  /**
   * @param {HTMLImageElement} image
   * @param {string} hash
   */
  async #loaded(image, hash) {
    image.src = await this.#address(hash);
    await image.decode();
  }
}
