import assert from "node:assert/strict";
import { test } from "node:test";
import { bindableAt, bindingTo, boundFields, followersOf } from "../../../static/kinds/binding.js";
import { boundsOf, hits, kindOf } from "../../../static/kinds/kinds.js";
import { withFields } from "../../../static/model/edits.js";
import { packPoints, unpackPoints } from "../../../static/model/points.js";
import { Scene } from "../../../static/model/scene.js";
import { dice } from "./dice.js";

const at = (x, y) => ({ x, y });
const stroke = (id, body) => ({ id, z: 1, body, last: { writer: "w", n: 1 } });
const figure = (kind, points, more = {}) => ({ kind, colour: "ink", width: 4, ...packPoints(points), ...more });

test("a bound end lies outside the stroke, in the direction of the anchor, wherever that moves", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const roll = dice(seed);
    const kind = ["rectangle", "ellipse", "diamond"][roll(3)];
    const body = figure(kind, [at(0, 0), at(80 + roll(100), 60 + roll(100))], roll(2) ? { rotation: roll(60) / 10 } : {});
    const target = stroke("a", body);
    const arrow = figure("arrow", [at(600, 500), at(60, 60)], { end: bindingTo(target, at(40, 30)) });
    const moved = withFields(body, kindOf(body).moved(body, roll(200) - 100, roll(200) - 100));
    for (const one of [body, moved]) {
      const [start, end] = unpackPoints(withFields(arrow, boundFields(arrow, () => one)));
      assert.deepEqual(start, at(600, 500), `seed ${seed}`);
      // Not inside, and not far away.
      assert.equal(hits({ ...one, fill: "red", width: 0.25 }, end, 0), false, `seed ${seed} ${kind}`);
      assert.ok(hits({ ...one, fill: "red" }, end, 14), `seed ${seed} ${kind}`);
    }
  }
});

test("an end whose stroke is gone, or is nothing that ends are bound to, stays", () => {
  const arrow = figure("arrow", [at(0, 0), at(100, 0)], { start: { stroke: "gone", at: [0, 0] }, end: "odd" });
  assert.deepEqual(boundFields(arrow, () => null), {});
  assert.deepEqual(boundFields(arrow, () => figure("pen", [at(0, 0), at(5, 5)])), {});
});

test("the topmost stroke is bound to, and arrows that are bound follow", () => {
  const scene = new Scene({ boxOf: boundsOf, hits });
  scene.set(stroke("a", figure("rectangle", [at(0, 0), at(100, 100)])));
  scene.set({ ...stroke("b", figure("ellipse", [at(20, 20), at(80, 80)])), z: 2 });
  scene.set({ ...stroke("p", figure("pen", [at(40, 40), at(60, 60)])), z: 3 });
  assert.equal(bindableAt(scene, at(50, 50), 8)?.id, "b");
  assert.equal(bindableAt(scene, at(-6, 50), 8)?.id, "a");
  assert.equal(bindableAt(scene, at(-20, 50), 8), null);
  const bound = (id, more, end = "a") => stroke(id, figure("arrow", [at(0, 0), at(9, 9)], { end: { stroke: end, at: [0.5, 0.5] }, ...more }));
  const all = [bound("x", {}), bound("y", { locked: true }), bound("z", {}, "b"), bound("m", {})];
  assert.deepEqual(followersOf(all, new Set(["a", "m"])).map(({ id }) => id), ["x"]);
});
