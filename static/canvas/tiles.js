// @ts-check
/**
 * Which tiles of the drawing exist, what is wrong with them, and which to paint next. A tile is a square
 * picture of a part of the plane at some scale.
 *
 * It must never paint, nor read a clock: it is given pictures and told of changes.
 */

import { boxOfBoth, grown, overlap } from "../model/geometry.js";

/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/**
 * A tile. It shows the strokes as they were painted last, except for `damage`, where they have changed
 * since, and `added`, which lie above them.
 * @template P
 * @typedef {object} Tile
 * @property {number} scale device pixels per unit
 * @property {number} x in tiles
 * @property {number} y
 * @property {Box} box of the plane
 * @property {Box} reach where a stroke must have its box to touch a pixel of it
 * @property {boolean} painted at least once
 * @property {boolean} started being painted anew; changes since then are in `damage` and `added`
 * @property {P | null} picture null if there is nothing on it
 * @property {Stroke | null} top the highest stroke on it
 * @property {Box | null} damage
 * @property {Stroke[]} added in painting order
 * @property {number} used the frame in which it was wanted last
 */
/** @typedef {{x: number, y: number}} Place */

/** Side of a tile in device pixels. */
export const TILE = 512;
/** Units beyond its box in which a stroke may still touch a tile's outermost pixels. */
const BLEED = 1;
/** More strokes than this on top of a tile are painted with all others. */
const MAX_ADDED = 4_000;
/** A ring of so many tiles around those in sight is painted ahead. */
const AHEAD = 1;
/** Most pictures of dropped tiles that are kept. */
const MAX_SPARE = 32;

/**
 * The scale of tiles for a scale of the view: while it changes, the nearest power of two, so that tiles
 * serve many scales; at rest the same one, so that every pixel is sharp.
 * @param {number} scale device pixels per unit
 * @param {boolean} zooming
 */
export function tileScale(scale, zooming) {
  return zooming ? 2 ** Math.round(Math.log2(scale)) : scale;
}

/**
 * The places of all tiles that overlap a box, those nearest to its middle first.
 * @param {Box} box
 * @param {number} scale
 * @param {number} [margin] in tiles
 * @returns {Place[]}
 */
export function placesIn(box, scale, margin = 0) {
  const side = TILE / scale;
  const [left, top] = [Math.floor(box.left / side) - margin, Math.floor(box.top / side) - margin];
  const [right, bottom] = [Math.ceil(box.right / side) - 1 + margin, Math.ceil(box.bottom / side) - 1 + margin];
  const places = [];
  for (let y = top; y <= bottom; y += 1) for (let x = left; x <= right; x += 1) places.push({ x, y });
  const [midX, midY] = [(box.left + box.right) / 2 / side - 0.5, (box.top + box.bottom) / 2 / side - 0.5];
  const away = (/** @type {Place} */ { x, y }) => Math.max(Math.abs(x - midX), Math.abs(y - midY));
  return places.sort((a, b) => away(a) - away(b));
}

/** @template P @param {Tile<P>} tile */
export function isFresh({ painted, damage, added }) {
  return painted && !damage && added.length === 0;
}

/** @template P */
export class Tiles {
  /** @type {Map<number, Map<string, Tile<P>>>} by scale and place */
  #scales = new Map();
  #count = 0;
  #frame = 0;
  /** @type {Tile<P>[]} */
  #visible = [];
  /** @type {Tile<P>[]} */
  #ahead = [];
  /** @type {P[]} */
  #spare = [];

  get count() {
    return this.#count;
  }

  /** Those in sight, those nearest to the middle first. */
  get visible() {
    return this.#visible;
  }

  /** Whether all that is in sight is painted and up to date. */
  get isComplete() {
    return this.#visible.every(isFresh);
  }

  /**
   * A part of the plane is shown at a scale: makes its tiles, and drops those used least recently
   * when there are too many.
   * @param {Box} box
   * @param {number} scale
   */
  show(box, scale) {
    this.#frame += 1;
    const wanted = new Set(placesIn(box, scale).map((place) => this.#tile(place, scale)));
    this.#visible = [...wanted];
    this.#ahead = placesIn(box, scale, AHEAD).map((place) => this.#tile(place, scale)).filter((tile) => !wanted.has(tile));
    for (const tile of [...this.#ahead, ...this.#visible]) tile.used = this.#frame;
    this.#evict(3 * (this.#visible.length + this.#ahead.length));
  }

  /**
   * What to paint next: first what was just added in sight, then what is missing, then what has changed,
   * then what is around; null if there is nothing to do.
   * @returns {Tile<P> | null}
   */
  next() {
    const due = [
      (/** @type {Tile<P>} */ tile) => tile.painted && !tile.damage && tile.added.length > 0,
      (/** @type {Tile<P>} */ tile) => tile.painted && !isFresh(tile),
      (/** @type {Tile<P>} */ tile) => !tile.painted,
    ];
    for (const is of due) {
      const tile = this.#visible.find(is);
      if (tile) return tile;
    }
    return this.#ahead.find((tile) => !isFresh(tile)) ?? null;
  }

  /**
   * A stroke was added, changed or removed.
   * @param {Stroke | null} before
   * @param {Stroke | null} after
   * @param {Box} box around both
   */
  changed(before, after, box) {
    for (const tiles of this.#scales.values()) {
      for (const tile of tiles.values()) {
        if (!(tile.painted || tile.started) || !overlap(tile.reach, box)) continue;
        if (!before && after && isAbove(after, tile.added.at(-1) ?? tile.top) && tile.added.length < MAX_ADDED) tile.added.push(after);
        else tile.damage = boxOfBoth(tile.damage, box);
      }
    }
  }

  /**
   * A tile begins to be painted with the strokes as they are now.
   * @param {Tile<P>} tile
   * @param {Stroke | null} top the highest of them
   */
  start(tile, top) {
    Object.assign(tile, { started: true, top, damage: null, added: [] });
  }

  /**
   * A tile that was started is painted.
   * @param {Tile<P>} tile
   * @param {P | null} picture
   */
  finish(tile, picture) {
    if (tile.picture !== picture) this.keep(tile.picture);
    Object.assign(tile, { started: false, painted: true, picture });
  }

  /**
   * No tile shows a picture any more: keeps it to be painted on again. A browser frees the memory of dropped ones late, and
   * stops everything for that.
   * @param {P | null} picture
   */
  keep(picture) {
    if (picture && this.#spare.length < MAX_SPARE) this.#spare.push(picture);
  }

  /** A picture of before, if there is one. */
  takeSpare() {
    return this.#spare.pop() ?? null;
  }

  /** A tile that was started is given up: what it shows is not known to be true.
   * @param {Tile<P>} tile */
  abandon(tile) {
    Object.assign(tile, { started: false, damage: tile.box, added: [] });
  }

  /** Whether a tile was in sight or near it in the last frame.
   * @param {Tile<P>} tile */
  isWanted({ used }) {
    return used === this.#frame;
  }

  /**
   * The painted tiles of another scale that show most of a box, for as long as its own tile is missing;
   * of two scales that show as much, the nearer one.
   * @param {Box} box
   * @param {number} scale
   * @returns {Tile<P>[]}
   */
  standIns(box, scale) {
    /** @type {Tile<P>[]} */
    let best = [];
    let covered = 0;
    const away = (/** @type {number} */ other) => Math.abs(Math.log2(other / scale));
    for (const other of [...this.#scales.keys()].sort((a, b) => away(a) - away(b))) {
      if (other === scale) continue;
      const found = [...(this.#scales.get(other)?.values() ?? [])].filter((tile) => tile.painted && overlap(tile.box, box));
      const area = found.reduce((sum, tile) => sum + commonArea(tile.box, box), 0);
      if (area > covered * 1.001) [best, covered] = [found, area];
    }
    return best;
  }

  /** Everything looks different: no tile shows anything true. */
  clear() {
    this.#scales.clear();
    this.#count = 0;
    this.#visible = [];
    this.#ahead = [];
    this.#spare = [];
  }

  /**
   * @param {Place} place
   * @param {number} scale
   * @returns {Tile<P>}
   */
  #tile({ x, y }, scale) {
    let tiles = this.#scales.get(scale);
    if (!tiles) this.#scales.set(scale, (tiles = new Map()));
    const key = `${x} ${y}`;
    let tile = tiles.get(key);
    if (!tile) {
      const side = TILE / scale;
      const box = { left: x * side, top: y * side, right: (x + 1) * side, bottom: (y + 1) * side };
      tile = { scale, x, y, box, reach: bleedBox(box), painted: false, started: false, picture: null, top: null, damage: null, added: [], used: this.#frame };
      tiles.set(key, tile);
      this.#count += 1;
    }
    return tile;
  }

  /** @param {number} limit */
  #evict(limit) {
    if (this.#count <= limit) return;
    const all = [...this.#scales.values()].flatMap((tiles) => [...tiles.values()]).sort((a, b) => a.used - b.used);
    for (const { scale, x, y, picture } of all.slice(0, this.#count - limit)) {
      this.keep(picture);
      const tiles = this.#scales.get(scale);
      tiles?.delete(`${x} ${y}`);
      if (tiles?.size === 0) this.#scales.delete(scale);
      this.#count -= 1;
    }
  }
}

/**
 * Where a stroke must have its box to touch a pixel of `box`.
 * @param {Box} box
 */
export function bleedBox(box) {
  return grown(box, BLEED);
}

/**
 * Whether a stroke is painted after another.
 * @param {Stroke} stroke
 * @param {Stroke | null} other
 */
function isAbove(stroke, other) {
  return !other || stroke.z > other.z || (stroke.z === other.z && stroke.id > other.id);
}

/**
 * @param {Box} a
 * @param {Box} b
 */
function commonArea(a, b) {
  const [width, height] = [Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)];
  return Math.max(0, width) * Math.max(0, height);
}
