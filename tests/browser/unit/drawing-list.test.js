import assert from "node:assert/strict";
import { test } from "node:test";
import { inShownOrder, matching, newestFirst, united } from "../../../static/model/drawing-list.js";
import { dice } from "./dice.js";

const drawing = (id, minute, title = id) => ({ id, title, created: "", changed: new Date(minute * 60_000).toISOString(), people: 0 });
const ids = (drawings) => drawings.map(({ id }) => id);

test("a search finds all words of a title, in any order, case and accent", () => {
  const all = [drawing("a", 1, "Résumé of the Plan"), drawing("b", 2, "Plan B"), drawing("c", 3, "Übung")];
  assert.deepEqual(ids(matching(all, "plan")), ["a", "b"]);
  assert.deepEqual(ids(matching(all, " PLAN  resume ")), ["a"]);
  assert.deepEqual(ids(matching(all, "ubung")), ["c"]);
  assert.deepEqual(ids(matching(all, "")), ["a", "b", "c"]);
  assert.deepEqual(ids(matching(all, "plan x")), []);
});

test("the last changed drawing comes first", () => {
  assert.deepEqual(ids(newestFirst([drawing("a", 1), drawing("b", 3), drawing("c", 2)])), ["b", "c", "a"]);
});

test("answers are united, and the first one is right", () => {
  const merged = united([drawing("a", 1, "new")], [drawing("a", 1, "old"), drawing("b", 1)]);
  assert.deepEqual(merged.map(({ title }) => title).sort(), ["b", "new"]);
});

test("what is shown keeps its order, and new drawings come among it", () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const roll = dice(seed);
    const shown = Array.from({ length: roll(8) }, (_, i) => drawing(`s${i}`, roll(100)));
    const fresh = Array.from({ length: roll(4) }, (_, i) => drawing(`n${i}`, roll(100)));
    const gone = shown.slice(0, roll(3));
    const all = [...fresh, ...shown.filter((one) => !gone.includes(one))];
    const order = ids(inShownOrder(all, ids(shown)));
    assert.deepEqual(order.filter((id) => id.startsWith("s")), ids(shown).filter((id) => all.some((one) => one.id === id)), `seed ${seed}`);
    assert.deepEqual([...order].sort(), ids(all).sort(), `seed ${seed}`);
  }
  assert.deepEqual(ids(inShownOrder([drawing("new", 9), drawing("a", 5), drawing("b", 1)], ["a", "b"])), ["new", "a", "b"]);
});
