import assert from "node:assert/strict";
import { test } from "node:test";
import { grown, overlap, touchesBox } from "../../../static/model/geometry.js";
import { boundsOf, hits as hitsKind } from "../../../static/kinds/kinds.js";
import { packPoints } from "../../../static/model/points.js";
import { Scene } from "../../../static/model/scene.js";
import { dice } from "./dice.js";

/** Strokes that are boxes. */
const boxOf = ({ x, y, w, h }) => ({ left: x, top: y, right: x + w, bottom: y + h });
const hits = (body, from, tolerance, to = from) => touchesBox(boxOf(body), from, to, tolerance);
/** A box whose sides are on those of no stroke: nothing is painted where they only touch.
 * @param {import("../../../static/model/types.js").Box} box */
const apart = (box) => grown(box, 0.5);
const fresh = () => new Scene({ boxOf, hits });
const stroke = (id, z, x = 0, y = 0, w = 10, h = 10) => ({ id, z, body: { kind: "box", x, y, w, h }, last: { writer: "w", n: z } });
const ids = (strokes) => strokes.map(({ id }) => id);

test("strokes are in order of z, ties by id, and a changed one keeps its place", () => {
  const scene = fresh();
  [stroke("b", 5), stroke("c", 1), stroke("a", 5)].forEach((one) => scene.set(one));
  assert.deepEqual(ids(scene.ordered()), ["c", "a", "b"]);
  scene.set(stroke("a", 5, 700));
  assert.deepEqual([ids(scene.ordered()), scene.stroke("a").body.x], [["c", "a", "b"], 700]);
  scene.set(stroke("a", 0));
  assert.deepEqual(ids(scene.ordered()), ["a", "c", "b"]);
  scene.delete("c");
  scene.set(stroke("c", 1));
  assert.deepEqual(ids(scene.ordered()), ["a", "c", "b"], "gone and back again before anyone looked");
});

test("a stroke that moved is found where it is, and not where it was", () => {
  const scene = fresh();
  scene.set(stroke("a", 1, 100, 100));
  scene.set(stroke("a", 1, 5_000, -5_000));
  assert.deepEqual(ids(scene.at({ x: 105, y: 105 }, 5)), []);
  assert.deepEqual(ids(scene.at({ x: 5_005, y: -4_995 }, 5)), ["a"]);
  assert.deepEqual(scene.bounds(), { left: 5_000, top: -5_000, right: 5_010, bottom: -4_990 });
  scene.delete("a");
  assert.deepEqual([scene.bounds(), scene.size, ids(scene.ordered())], [null, 0, []]);
});

test("the scene agrees with looking through all strokes", () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const roll = dice(seed);
    const scene = fresh();
    const all = new Map();
    const far = () => (roll(20) === 0 ? (roll(2) ? 1 : -1) * 9_000_000 : 0) + roll(6_000) - 3_000;
    for (let step = 0; step < 400; step += 1) {
      const id = `s${roll(120)}`;
      if (roll(4) === 0) {
        scene.delete(id);
        all.delete(id);
      } else {
        const size = () => (roll(15) === 0 ? roll(20_000) : roll(300));
        const one = stroke(id, roll(60), far(), far(), size(), size());
        scene.set(one);
        all.set(id, one);
      }
      if (roll(3) > 0) continue;
      const ordered = [...all.values()].sort((a, b) => a.z - b.z || (a.id < b.id ? -1 : 1));
      const [left, top] = [far(), far()];
      const box = { left, top, right: left + roll(4_000), bottom: top + roll(4_000) };
      const expected = ids(ordered.filter(({ body }) => overlap(boxOf(body), box)));
      assert.deepEqual(ids(scene.inBox(box)), expected, `seed ${seed}, step ${step}`);
      assert.equal(scene.shows(apart(box)), ordered.some(({ body }) => overlap(boxOf(body), apart(box))), `seed ${seed}, step ${step}`);
      const [from, to] = [{ x: left, y: top }, { x: left + roll(500), y: top + roll(500) }];
      assert.deepEqual(ids(scene.at(from, 9, to)), ids(ordered.filter(({ body }) => hits(body, from, 9, to))), `seed ${seed}, step ${step}`);
      assert.deepEqual(ids(scene.ordered()), ids(ordered), `seed ${seed}, step ${step}`);
    }
  }
});

test("many strokes that arrive at once are found before, while and after they are put into the grid", () => {
  const roll = dice(7);
  const scene = fresh();
  const all = new Map();
  const add = (count) => {
    for (let i = 0; i < count; i += 1) {
      const one = stroke(`s${roll(3_000)}`, roll(9_000), roll(9_000), roll(9_000), roll(300), roll(300));
      scene.set(one);
      all.set(one.id, one);
    }
  };
  const check = (what) => {
    const [left, top] = [roll(9_000), roll(9_000)];
    const box = { left, top, right: left + roll(2_000), bottom: top + roll(2_000) };
    const expected = [...all.values()].filter(({ body }) => overlap(boxOf(body), box)).sort((a, b) => a.z - b.z || (a.id < b.id ? -1 : 1));
    assert.deepEqual(ids(scene.inBox(box)), ids(expected), what);
    assert.equal(scene.shows(apart(box)), [...all.values()].some(({ body }) => overlap(boxOf(body), apart(box))), what);
  };
  for (let round = 0; round < 3; round += 1) {
    add(1_000);
    for (let query = 0; query < 60; query += 1) {
      check(`round ${round}, query ${query}`);
      // Of those that are in the grid already, and of those that are not.
      add(5);
      const gone = [...all.keys()][roll(all.size)];
      scene.delete(gone);
      all.delete(gone);
    }
  }
});

test("what is painted is shown, and the inside of an outline is not", () => {
  const round = Array.from({ length: 200 }, (_, i) => ({ x: 10_000 * Math.cos(i / 30), y: 10_000 * Math.sin(i / 30) }));
  const box = [{ x: -10_000, y: -10_000 }, { x: 10_000, y: 10_000 }];
  const shows = (body, { x, y }, side = 900) => {
    const scene = new Scene({ boxOf: boundsOf, hits: hitsKind });
    scene.set(/** @type {any} */ ({ id: "a", z: 1, body: { colour: "ink", width: 4, ...body } }));
    return scene.shows({ left: x, top: y, right: x + side, bottom: y + side * 0.7 });
  };
  const middle = { x: -400, y: -300 };
  for (const [kind, points] of [["rectangle", box], ["ellipse", box], ["diamond", box], ["pen", round]]) {
    for (const rotation of [0, 0.4]) {
      const body = { kind, rotation, ...packPoints(/** @type {any} */ (points)) };
      assert.equal(shows(body, middle), false, `inside ${kind}`);
      assert.equal(shows(body, { x: 40_000, y: 0 }), false, `far from ${kind}`);
      assert.equal(shows(body, { x: -30_000, y: -30_000 }, 60_000), true, `all of ${kind}`);
    }
    const body = { kind, ...packPoints(/** @type {any} */ (points)) };
    for (const x of [-10_500, 9_500]) assert.equal(shows(body, { x, y: -300 }), true, `a side of ${kind}`);
    if (kind !== "pen") assert.equal(shows({ ...body, fill: "red" }, middle), true, `a filled ${kind}`);
    assert.equal(shows({ ...body, width: 400, x: body.x - 350 }, { x: 9_500, y: -300 }, 300), true, `in the line of ${kind}`);
  }
  assert.equal(shows({ kind: "line", ...packPoints([{ x: -9_000, y: -9_000 }, { x: 9_000, y: 9_100 }]) }, middle), true, "a line that passes");
  assert.equal(shows({ kind: "pen", ...packPoints([{ x: 3, y: 3 }]) }, { x: 0, y: 0 }), true, "a dot in a corner");
});

test("what is shown is found out of a bounded number of strokes", () => {
  let looks = 0;
  const scene = new Scene({ boxOf, hits: () => ((looks += 1), false) });
  for (let i = 0; i < 5_000; i += 1) scene.set(stroke(`s${i}`, i, -9_000 - i, -9_000 - i, 30_000, 30_000));
  assert.equal(scene.shows({ left: 0, top: 0, right: 900, bottom: 600 }), true);
  assert.ok(looks > 50 && looks < 1_000, `${looks}`);
});
