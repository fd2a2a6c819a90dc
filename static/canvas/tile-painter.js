// @ts-check
/**
 * Paints tiles, a few strokes at a time, until its time is up.
 *
 * It must never show a tile with some of its strokes missing: a new picture is shown when it is whole.
 */

import { paint } from "../kinds/kinds.js";
import { TILE, bleedBox } from "./tiles.js";

/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {HTMLCanvasElement | OffscreenCanvas} Picture */
/** @typedef {import("./tiles.js").Tile<Picture>} Tile */
/** @typedef {{tile: Tile, picture: Picture, strokes: readonly Stroke[], next: number}} Job */

/** Strokes that are painted between two looks at the clock: at least, and at most. */
const MIN_BATCH = 24;
const MAX_BATCH = 1_000;
/** Milliseconds that such a batch should take, or this part of the time left: each look costs some itself. */
const BATCH_TIME = 8;
const BATCH_PART = 1 / 8;
/** More strokes than this in a damaged part of a tile are painted aside, with the rest of the tile. */
const MAX_REPAIR = 250;

export class TilePainter {
  #tiles;
  #inBox;
  /** @type {Job | null} */
  #job = null;
  #probe = contextOf(pictureOf(1));
  /** Strokes a millisecond, as the last batch showed. */
  #rate = 0;
  /** @type {import("../model/palette.js").CanvasTheme} */
  theme = "light";

  /**
   * @param {import("./tiles.js").Tiles<Picture>} tiles
   * @param {(box: Box) => readonly Stroke[]} inBox the strokes that may be visible in a box, in painting order
   */
  constructor(tiles, inBox) {
    this.#tiles = tiles;
    this.#inBox = inBox;
  }

  /** Whether there is nothing left to paint. */
  get isIdle() {
    return !this.#job && !this.#tiles.next();
  }

  /**
   * Paints until the deadline, and at least a little.
   * @param {number} deadline of `performance.now()`
   * @returns {boolean} whether a tile looks different now
   */
  work(deadline) {
    let changed = false;
    if (this.#job && !this.#tiles.isWanted(this.#job.tile)) this.#abandon();
    do {
      const added = this.#tiles.next();
      // What was just added in sight is shown before a job goes on.
      if (added && added.added.length > 0 && added.picture && !added.damage && added !== this.#job?.tile) {
        this.#paintAdded(added, added.picture);
        changed = true;
        continue;
      }
      if (!this.#job) {
        if (!added) return changed;
        changed = this.#begin(added) || changed;
      }
      if (this.#job) changed = this.#goOn(this.#job, deadline) || changed;
    } while (performance.now() < deadline);
    return changed;
  }

  /** Gives up what is half painted, because everything looks different now. */
  reset() {
    this.#job = null;
  }

  #abandon() {
    if (this.#job) {
      this.#tiles.abandon(this.#job.tile);
      this.#tiles.keep(this.#job.picture);
    }
    this.#job = null;
  }

  /**
   * Starts a tile, or does all of it at once where that is quick.
   * @param {Tile} tile
   * @returns {boolean} whether it looks different now
   */
  #begin(tile) {
    const { damage, picture } = tile;
    if (tile.painted && damage && picture) {
      const damaged = this.#inBox(bleedBox(damage));
      if (damaged.length <= MAX_REPAIR) {
        this.#repair(tile, picture, damage, damaged);
        return true;
      }
    }
    const strokes = this.#inBox(tile.reach);
    this.#tiles.start(tile, strokes.at(-1) ?? null);
    if (strokes.length === 0) {
      this.#tiles.finish(tile, null);
      return true;
    }
    this.#job = { tile, picture: this.#blank(), strokes, next: 0 };
    return false;
  }

  #blank() {
    const spare = this.#tiles.takeSpare();
    if (!spare) return pictureOf(TILE);
    const context = contextOf(spare);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, TILE, TILE);
    return spare;
  }

  /**
   * @param {Tile} tile
   * @param {Picture} picture
   * @param {Box} damage
   * @param {readonly Stroke[]} strokes
   */
  #repair(tile, picture, damage, strokes) {
    const { top } = tile;
    // The highest stroke may have gone, or moved down.
    const topChanged = top !== null && strokes.at(-1) !== top;
    this.#tiles.start(tile, topChanged || tile.added.length > 0 ? this.#inBox(tile.reach).at(-1) ?? null : top);
    const context = contextOf(picture);
    const { scale, x, y } = tile;
    const pixel = (/** @type {number} */ at, /** @type {number} */ start) => at * scale - start * TILE;
    const [left, up] = [Math.floor(pixel(damage.left, x)) - 1, Math.floor(pixel(damage.top, y)) - 1];
    const [right, down] = [Math.ceil(pixel(damage.right, x)) + 1, Math.ceil(pixel(damage.bottom, y)) + 1];
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.beginPath();
    context.rect(left, up, right - left, down - up);
    context.clip();
    context.clearRect(0, 0, TILE, TILE);
    toPlane(context, tile);
    for (const { body } of strokes) paint(context, body, { scale, theme: this.theme });
    context.restore();
    this.#flush(picture);
    this.#tiles.finish(tile, picture);
  }

  /**
   * @param {Tile} tile
   * @param {Picture} picture
   */
  #paintAdded(tile, picture) {
    const strokes = tile.added.splice(0, MIN_BATCH);
    this.#paint(picture, tile, strokes);
    tile.top = strokes.at(-1) ?? tile.top;
  }

  /**
   * @param {Job} job
   * @param {number} deadline
   * @returns {boolean} whether it is done
   */
  #goOn(job, deadline) {
    const { tile, picture, strokes } = job;
    do {
      const started = performance.now();
      const batch = this.#batch(deadline - started);
      this.#paint(picture, tile, strokes.slice(job.next, job.next + batch));
      job.next += batch;
      this.#rate = batch / Math.max(0.1, performance.now() - started);
    } while (job.next < strokes.length && performance.now() < deadline);
    if (job.next < strokes.length) return false;
    this.#tiles.finish(tile, picture);
    this.#job = null;
    return true;
  }

  /**
   * How many strokes to paint next.
   * @param {number} left milliseconds until the deadline
   */
  #batch(left) {
    // Little time is left while something moves: then no frame may be late.
    if (left < BATCH_TIME) return MIN_BATCH;
    return Math.max(MIN_BATCH, Math.min(MAX_BATCH, Math.round(this.#rate * Math.max(BATCH_TIME, left * BATCH_PART))));
  }

  /**
   * @param {Picture} picture
   * @param {Tile} tile
   * @param {readonly Stroke[]} strokes
   */
  #paint(picture, tile, strokes) {
    const context = contextOf(picture);
    toPlane(context, tile);
    for (const { body } of strokes) paint(context, body, { scale: tile.scale, theme: this.theme });
    this.#flush(picture);
  }

  /**
   * A browser only records what is painted, and does the work when the picture is needed: a look at one
   * of its pixels makes the clock say what it has cost, without reading anything back. Setting a size forgets what was
   * seen: as long as anybody holds the picture as it was, painting more on it copies all of it.
   * @param {Picture} picture
   */
  #flush(picture) {
    this.#probe.drawImage(picture, 0, 0, 1, 1, 0, 0, 1, 1);
    this.#probe.canvas.width = 1;
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Tile} tile
 */
function toPlane(context, { scale, x, y }) {
  context.setTransform(scale, 0, 0, scale, -x * TILE, -y * TILE);
}

/** @param {number} side in device pixels
 * @returns {Picture} */
function pictureOf(side) {
  const picture = document.createElement("canvas");
  picture.width = picture.height = side;
  return picture;
}

/** @param {Picture} picture */
export function contextOf(picture) {
  return /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
}
