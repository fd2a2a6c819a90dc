// @ts-check
/**
 * The visible strokes of a drawing in painting order, and a grid by which those near a place are found
 * without looking at all of them.
 *
 * It must never change a stroke, nor know what one is: boxes and hits are functions that it is given.
 */

import { boxAround, boxOfBoth, isWithin, overlap, sweepsOf } from "./geometry.js";

/** @typedef {import("./types.js").Stroke} Stroke */
/** @typedef {import("./types.js").Body} Body */
/** @typedef {import("./types.js").Box} Box */
/** @typedef {import("./types.js").PlanePoint} PlanePoint */
/** @typedef {{stroke: Stroke, box: Box, gone: boolean, seen: number}} Entry `seen`: the last query that found it */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Cells integer coordinates of cells, inclusive */

/** Side of a cell in units. */
const CELL = 512;
/** A stroke over more cells than this is kept in a list of its own, which every query looks through. */
const MAX_CELLS = 64;
/** Coordinates of cells are within plus and minus this: far beyond the farthest point of a stroke. */
const CELL_RANGE = 2 ** 20;
/** Up to this many new or removed strokes are inserted one by one; more are merged. */
const FEW = 16;
/** Queries for which many new strokes are looked through, before they are put into the grid: the tiles of a window. */
const SCANS = 12;
/** A query of more than this part of the cells takes longer than looking through all strokes. */
const LARGE_PART = 1 / 16;
/** Maximum of strokes that are tested for what they paint in a box, where their own box only overlaps it. */
const MOST_LOOKS = 100;

export class Scene {
  /** @type {Map<string, Entry>} by stroke */
  #entries = new Map();
  /** @type {Entry[]} in painting order, except for what is added or gone since the last look */
  #order = [];
  /** @type {Entry[]} not in the order yet */
  #added = [];
  #goneCount = 0;
  /** @type {Stroke[] | null} */
  #strokes = null;
  /** @type {Map<number, Set<Entry>>} by cell */
  #cells = new Map();
  /** @type {Set<Entry>} */
  #large = new Set();
  /** @type {Set<Entry>} not in the grid yet */
  #outside = new Set();
  /** How often all were looked through since many are outside. */
  #scans = 0;
  #query = 0;
  #boxOf;
  #hits;

  /**
   * @param {object} kinds
   * @param {(body: Body) => Box} kinds.boxOf
   * @param {(body: Body, from: PlanePoint, tolerance: number, to?: PlanePoint) => boolean} kinds.hits
   */
  constructor({ boxOf, hits }) {
    this.#boxOf = boxOf;
    this.#hits = hits;
  }

  get size() {
    return this.#entries.size;
  }

  /** @param {string} id */
  stroke(id) {
    return this.#entries.get(id)?.stroke ?? null;
  }

  /** Adds a stroke, or replaces the one with its id.
   * @param {Stroke} stroke */
  set(stroke) {
    const box = this.#boxOf(stroke.body);
    const held = this.#entries.get(stroke.id);
    this.#strokes = null;
    if (held && held.stroke.z === stroke.z) {
      this.#takeOut(held);
      Object.assign(held, { stroke, box });
      this.#outside.add(held);
      return;
    }
    if (held) this.delete(stroke.id);
    const entry = { stroke, box, gone: false, seen: 0 };
    this.#entries.set(stroke.id, entry);
    this.#added.push(entry);
    this.#outside.add(entry);
  }

  /** @param {string} id */
  delete(id) {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    this.#takeOut(entry);
    entry.gone = true;
    this.#goneCount += 1;
    this.#strokes = null;
  }

  /** All strokes in painting order: by z, ties by id.
   * @returns {readonly Stroke[]} */
  ordered() {
    this.#strokes ??= this.#sorted().map(({ stroke }) => stroke);
    return this.#strokes;
  }

  /**
   * The strokes that a circle at `point`, or dragged from there to `to`, touches, in painting order.
   * @param {PlanePoint} point
   * @param {number} tolerance
   * @param {PlanePoint} [to]
   * @returns {Stroke[]}
   */
  at(point, tolerance, to = point) {
    return this.inBox(boxAround([point, to], tolerance)).filter(({ body }) => this.#hits(body, point, tolerance, to));
  }

  /** The strokes whose boxes overlap a box, in painting order.
   * @param {Box} box
   * @returns {Stroke[]} */
  inBox(box) {
    const cells = cellsOf(box);
    if (!this.#hasGrid() || countOf(cells) > this.#cells.size * LARGE_PART) return this.#ofAll(box);
    const found = this.#near(box, cells);
    // Sorting many is slower than picking them from all, which are in order.
    if (found.length * Math.log2(found.length + 1) > this.#entries.size) return this.#ofAll(box);
    return found.sort(compare).map(({ stroke }) => stroke);
  }

  /** The box around all strokes; null if there are none. */
  bounds() {
    /** @type {Box | null} */
    let all = null;
    for (const { box } of this.#entries.values()) all = box.right < box.left ? all : boxOfBoth(all, box);
    return all;
  }

  /** Whether anything is painted in a box. If more strokes overlap it than are tested, something is.
   * @param {Box} box */
  shows(box) {
    const [around, ...sweeps] = sweepsOf(box);
    let looks = MOST_LOOKS;
    const isShown = (/** @type {Entry} */ { box: own, stroke: { body } }) => {
      const touched = (/** @type {typeof around} */ { from, to, radius }) => this.#hits(body, from, radius, to);
      return isWithin(own, box) || (looks -= 1) < 0 || (touched(around) && sweeps.some(touched));
    };
    const cells = cellsOf(box);
    if (this.#hasGrid() && countOf(cells) <= this.#cells.size) return this.#near(box, cells).some(isShown);
    for (const entry of this.#entries.values()) if (overlap(entry.box, box) && isShown(entry)) return true;
    return false;
  }

  /** @param {Box} box */
  #ofAll(box) {
    const found = [];
    for (const entry of this.#sorted()) if (overlap(entry.box, box)) found.push(entry.stroke);
    return found;
  }

  /**
   * Whether all strokes are in the grid. Many that are new are put into it only after some queries, which takes as
   * long as some thirty queries: the first picture of a large drawing is shown sooner without it.
   */
  #hasGrid() {
    if (this.#outside.size > FEW && (this.#scans += 1) <= SCANS) return false;
    this.#scans = 0;
    this.#outside.forEach((entry) => this.#putIn(entry));
    this.#outside.clear();
    return true;
  }

  /**
   * @param {Box} box
   * @param {Cells} cells
   */
  #near(box, cells) {
    this.#query += 1;
    /** @type {Entry[]} */
    const found = [];
    const take = (/** @type {Entry} */ entry) => {
      if (entry.seen === this.#query) return;
      entry.seen = this.#query;
      if (overlap(entry.box, box)) found.push(entry);
    };
    forEachKey(cells, (key) => this.#cells.get(key)?.forEach(take));
    this.#large.forEach(take);
    return found;
  }

  /** The entries in order, after inserting the added ones and dropping those that are gone. */
  #sorted() {
    if (this.#goneCount > 0) {
      this.#added = this.#added.filter(({ gone }) => !gone);
      this.#order = this.#order.filter(({ gone }) => !gone);
      this.#goneCount = 0;
    }
    if (this.#added.length <= FEW) {
      for (const entry of this.#added) this.#order.splice(placeOf(this.#order, entry), 0, entry);
    } else {
      this.#order = merged(this.#order, this.#added.sort(compare));
    }
    this.#added = [];
    return this.#order;
  }

  /** @param {Entry} entry */
  #putIn(entry) {
    const cells = cellsOf(entry.box);
    if (countOf(cells) > MAX_CELLS) {
      this.#large.add(entry);
      return;
    }
    forEachKey(cells, (key) => {
      const cell = this.#cells.get(key);
      if (cell) cell.add(entry);
      else this.#cells.set(key, new Set([entry]));
    });
  }

  /** @param {Entry} entry */
  #takeOut(entry) {
    if (this.#outside.delete(entry) || this.#large.delete(entry)) return;
    forEachKey(cellsOf(entry.box), (key) => {
      const cell = this.#cells.get(key);
      cell?.delete(entry);
      if (cell?.size === 0) this.#cells.delete(key);
    });
  }
}

/**
 * @param {Entry} a
 * @param {Entry} b
 */
function compare({ stroke: a }, { stroke: b }) {
  return a.z - b.z || (a.id < b.id ? -1 : Number(a.id > b.id));
}

/**
 * The index of the first entry that belongs after another.
 * @param {Entry[]} order
 * @param {Entry} entry
 */
function placeOf(order, entry) {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(order[middle], entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param {Entry[]} a in order
 * @param {Entry[]} b in order
 */
function merged(a, b) {
  /** @type {Entry[]} */
  const all = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) all.push(compare(a[i], b[j]) < 0 ? a[i++] : b[j++]);
  while (i < a.length) all.push(a[i++]);
  while (j < b.length) all.push(b[j++]);
  return all;
}

/** @param {Box} box
 * @returns {Cells} */
function cellsOf({ left, top, right, bottom }) {
  const cell = (/** @type {number} */ at) => Math.max(1 - CELL_RANGE, Math.min(CELL_RANGE - 1, Math.floor(at / CELL)));
  return { left: cell(left), top: cell(top), right: cell(right), bottom: cell(bottom) };
}

/** @param {Cells} cells */
function countOf({ left, top, right, bottom }) {
  return Math.max(0, right - left + 1) * Math.max(0, bottom - top + 1);
}

/**
 * @param {Cells} cells
 * @param {(key: number) => void} each
 */
function forEachKey({ left, top, right, bottom }, each) {
  for (let y = top; y <= bottom; y += 1) {
    for (let x = left; x <= right; x += 1) each((y + CELL_RANGE) * 2 * CELL_RANGE + x + CELL_RANGE);
  }
}
