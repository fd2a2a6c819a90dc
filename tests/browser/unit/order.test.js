import assert from "node:assert/strict";
import { test } from "node:test";
import { ordering } from "../../../static/model/order.js";
import { Z_OF_PENDING } from "../../../static/model/replica.js";
import { dice } from "./dice.js";

const byOrder = (a, b) => a.z - b.z || (a.id < b.id ? -1 : 1);
const stroke = (id, z) => ({ id, z, body: {} });

function applied(strokes, edits) {
  const after = strokes.map(({ id, z }) => stroke(id, edits.find((edit) => edit.stroke === id)?.z.after ?? z));
  return after.sort(byOrder);
}
const ids = (strokes) => strokes.map(({ id }) => id).join("");

test("chosen strokes go to the front, to the back, and one step, in their order", () => {
  const all = ["a", "b", "c", "d", "e"].map((id, i) => stroke(id, i + 1));
  const moved = (chosen, direction, overlap) => ids(applied(all, ordering(all, new Set(chosen), direction, (n) => n + 9, 1, overlap)));
  assert.equal(moved("bd", "front"), "acebd");
  assert.equal(moved("bd", "back"), "bdace");
  assert.equal(moved("b", "forward"), "acbde");
  assert.equal(moved("bc", "forward"), "adbce");
  assert.equal(moved("d", "backward"), "abdce");
  assert.equal(moved("e", "front"), "abcde");
  // Past the next one that it touches.
  assert.equal(moved("a", "forward", (one, other) => other.id === "d"), "bcdae");
  assert.equal(moved("a", "forward", () => false), "bacde");
});

test("the order after any change is the one wanted, also with equal and unconfirmed z", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const roll = dice(seed);
    const all = Array.from({ length: 2 + roll(8) }, (_, i) => stroke(String.fromCharCode(97 + i), roll(4) === 0 ? Z_OF_PENDING + i + 1 : roll(5))).sort(byOrder);
    const chosen = new Set(all.filter(() => roll(3) === 0).map(({ id }) => id));
    const direction = ["front", "back", "forward", "backward"][roll(4)];
    const [head, next] = [5 + roll(10), all.length + 1];
    const positionOf = (n) => head + n;
    const edits = ordering(all, chosen, direction, positionOf, next);
    for (const { z } of edits) assert.ok(z.after < Z_OF_PENDING && z.before < Z_OF_PENDING && Number.isInteger(z.after), `seed ${seed}`);
    const settled = all.map(({ id, z }) => stroke(id, z < Z_OF_PENDING ? z : positionOf(z - Z_OF_PENDING)));
    const after = applied(settled, edits);
    const [mine, others] = [after.filter(({ id }) => chosen.has(id)), after.filter(({ id }) => !chosen.has(id))];
    assert.equal(ids(mine), ids(all.filter(({ id }) => chosen.has(id))), `seed ${seed}`);
    assert.equal(ids(others), ids(all.filter(({ id }) => !chosen.has(id))), `seed ${seed}`);
    if (mine.length === 0 || others.length === 0) continue;
    if (direction === "front") assert.equal(ids(after), ids(others) + ids(mine), `seed ${seed}`);
    if (direction === "back") assert.equal(ids(after), ids(mine) + ids(others), `seed ${seed}`);
  }
});
