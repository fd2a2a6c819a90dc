import assert from "node:assert/strict";
import { test } from "node:test";
import { TILE, Tiles, bleedBox, isFresh, placesIn, tileScale } from "../../../static/canvas/tiles.js";
import { overlap } from "../../../static/model/geometry.js";
import { dice } from "./dice.js";

const box = (left, top, width, height) => ({ left, top, right: left + width, bottom: top + height });
const inOrder = (a, b) => a.z - b.z || (a.id < b.id ? -1 : 1);

test("while zooming tiles have the nearest power of two as scale, at rest the exact one", () => {
  for (const scale of [0.05, 0.3, 0.5, 0.72, 1, 1.3, 2.625, 8, 24]) {
    assert.equal(tileScale(scale, false), scale);
    const power = tileScale(scale, true);
    assert.ok(Number.isInteger(Math.log2(power)));
    assert.ok(scale / power <= Math.SQRT2 + 1e-9 && power / scale <= Math.SQRT2 + 1e-9, `${power} for ${scale}`);
  }
});

test("the places of a box cover it, none is needless, and the middle comes first", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const roll = dice(seed);
    const scale = 2 ** (roll(8) - 4);
    const shown = box(roll(9000) - 4500, roll(9000) - 4500, 1 + roll(2000) / scale, 1 + roll(1500) / scale);
    const side = TILE / scale;
    const places = placesIn(shown, scale);
    assert.equal(new Set(places.map(({ x, y }) => `${x} ${y}`)).size, places.length);
    for (const { x, y } of places) assert.ok(overlap(box(x * side, y * side, side, side), shown), `seed ${seed}`);
    for (let i = 0; i < 20; i += 1) {
      const point = { x: shown.left + (roll(1000) / 1000) * (shown.right - shown.left), y: shown.top + (roll(1000) / 1000) * (shown.bottom - shown.top) };
      assert.ok(places.some(({ x, y }) => x === Math.floor(point.x / side) && y === Math.floor(point.y / side)), `seed ${seed}`);
    }
    const [first] = places;
    assert.ok(Math.abs((first.x + 0.5) * side - (shown.left + shown.right) / 2) <= side, `seed ${seed}`);
  }
});

/** Tiles whose pictures are lists of strokes, painted like the browser's, at random moments. */
class Model {
  tiles = new Tiles();
  strokes = new Map();
  reused = 0;
  #started = null;

  inBox(area) {
    return [...this.strokes.values()].filter((stroke) => overlap(stroke.box, bleedBox(area))).sort(inOrder);
  }

  set(stroke) {
    const before = this.strokes.get(stroke.id) ?? null;
    this.strokes.set(stroke.id, stroke);
    for (const area of before ? [before.box, stroke.box] : [stroke.box]) this.tiles.changed(before, stroke, area);
  }

  delete(id) {
    const before = this.strokes.get(id);
    if (!before) return;
    this.strokes.delete(id);
    this.tiles.changed(before, null, before.box);
  }

  /** A picture of these strokes, on one of before if there is one: no tile may show that any more. */
  #painted(strokes) {
    const spare = this.tiles.takeSpare();
    if (spare) this.reused += 1;
    const picture = spare ?? [];
    picture.splice(0, picture.length, ...strokes);
    return picture;
  }

  /** Does a step of painting; returns whether there was one. */
  paint() {
    if (this.#started && !this.tiles.isWanted(this.#started.tile)) {
      this.tiles.abandon(this.#started.tile);
      this.tiles.keep(this.#started.picture);
      this.#started = null;
    }
    const tile = this.tiles.next();
    if (tile && tile !== this.#started?.tile && tile.painted && !tile.damage && tile.added.length > 0 && tile.picture) {
      const added = tile.added.splice(0, 2);
      tile.picture.push(...added);
      tile.top = added.at(-1);
      return true;
    }
    if (this.#started) {
      this.tiles.finish(this.#started.tile, this.#started.picture);
      this.#started = null;
      return true;
    }
    if (!tile) return false;
    const strokes = this.inBox(tile.box);
    this.tiles.start(tile, strokes.at(-1) ?? null);
    this.#started = { tile, picture: strokes.length > 0 ? this.#painted(strokes) : null };
    return true;
  }
}

test("whatever changes while tiles are painted, in the end each shows the strokes in painting order", () => {
  let reused = 0;
  for (let seed = 1; seed <= 60; seed += 1) {
    const roll = dice(seed);
    const model = new Model();
    let z = 0;
    let view = [box(0, 0, 1280, 800), 1];
    model.tiles.show(...view);
    const stroke = () => ({ id: `s${roll(60)}`, z: roll(4) ? (z += 1) : roll(z + 1), box: box(roll(2400) - 600, roll(1600) - 400, roll(500), roll(300)) });
    for (let step = 0; step < 300; step += 1) {
      const what = roll(10);
      if (what < 4) model.set(stroke());
      else if (what < 5) model.delete(`s${roll(60)}`);
      else if (what < 6) {
        const scale = 2 ** (roll(3) - 1);
        view = [box(roll(800) - 400, roll(800) - 400, 1280 / scale, 800 / scale), scale];
        model.tiles.show(...view);
      } else model.paint();
    }
    while (model.paint());
    assert.ok(model.tiles.isComplete, `seed ${seed}`);
    for (const tile of model.tiles.visible) {
      assert.ok(isFresh(tile));
      assert.deepEqual((tile.picture ?? []).map(({ id, z }) => `${id} ${z}`), model.inBox(tile.box).map(({ id, z }) => `${id} ${z}`), `seed ${seed}`);
    }
    reused += model.reused;
  }
  assert.ok(reused > 100, `${reused} pictures were painted on again`);
});

test("what was just added in sight is painted first, then what changed, then what is missing, then what is around", () => {
  const model = new Model();
  model.tiles.show(box(0, 0, 1024, 512), 1);
  const first = model.tiles.next();
  assert.ok(!first.painted && model.tiles.visible.includes(first));
  const [left, right] = model.tiles.visible;
  model.tiles.start(left, null);
  model.tiles.finish(left, []);
  model.set({ id: "a", z: 1, box: { ...left.box, right: left.box.right - 10 } });
  assert.equal(model.tiles.next(), left, "added");
  left.added = [];
  model.tiles.changed({ id: "a", z: 1 }, { id: "a", z: 1 }, left.box);
  assert.equal(model.tiles.next(), left, "changed");
  left.damage = null;
  assert.equal(model.tiles.next(), right, "missing");
  model.tiles.start(right, null);
  model.tiles.finish(right, null);
  assert.ok(model.tiles.isComplete);
  assert.ok(!model.tiles.visible.includes(model.tiles.next()), "around");
});

test("the memory is bounded however far one goes, and what is in sight is never dropped", () => {
  const model = new Model();
  const roll = dice(7);
  for (let step = 0; step < 400; step += 1) {
    const scale = 2 ** (roll(10) - 5);
    model.tiles.show(box(roll(1e5), roll(1e5), 1280 / scale, 800 / scale), scale);
    for (let i = 0; i < 5; i += 1) model.paint();
    assert.ok(model.tiles.count <= 3 * 42, `${model.tiles.count}`);
    assert.ok(model.tiles.visible.every((tile) => model.tiles.isWanted(tile)));
  }
});

test("a missing tile is stood in for by the scale that shows most of it", () => {
  const model = new Model();
  const paintAll = (shown, scale) => {
    model.tiles.show(shown, scale);
    while (model.paint());
  };
  paintAll(box(0, 0, 200, 200), 4);
  paintAll(box(0, 0, 1200, 800), 0.5);
  const found = model.tiles.standIns(box(0, 0, 512, 512), 1);
  assert.deepEqual([...new Set(found.map(({ scale }) => scale))], [0.5], "the finer ones show a part only");
  assert.ok(overlap(found[0].box, box(0, 0, 512, 512)));
  model.tiles.clear();
  assert.deepEqual(model.tiles.standIns(box(0, 0, 512, 512), 1), []);
});

test("only a picture that no tile shows any more is painted on again", () => {
  const model = new Model();
  model.tiles.show(box(0, 0, 512, 512), 1);
  const [tile] = model.tiles.visible;
  const [first, second] = [[], []];
  for (const picture of [first, first, second]) {
    model.tiles.start(tile, null);
    model.tiles.finish(tile, picture);
  }
  assert.equal(model.tiles.takeSpare(), first);
  assert.equal(model.tiles.takeSpare(), null);
});
