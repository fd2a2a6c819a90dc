import assert from "node:assert/strict";
import { test } from "node:test";
import { Keyring, bestOf } from "../../../static/model/keyring.js";
import { limitOf } from "../../../static/model/rights.js";

/** A ring that holds keys of levels, with the level as the key's name. */
function ringOf(...levels) {
  const ring = new Keyring();
  ring.add(levels.map((access) => ({ key: String(access), access })));
  return ring;
}

test("the stored key that gives most is used", () => {
  assert.equal(ringOf("view", "own", "draw").key, "own");
  assert.equal(new Keyring().key, null);
});

test("a key that the person brings is used, until it turns out to give less", () => {
  const ring = ringOf("own");
  ring.take("new");
  assert.equal(ring.key, "new");
  assert.equal(ring.accepted("view"), true);
  assert.equal(ring.key, "own");
  assert.equal(ring.accepted("own"), false);
  assert.deepEqual(ring.held.map(({ key, access }) => [key, access]), [["new", "view"], ["own", "own"]]);
});

test("a better key that is refused leaves the other one in use, and is not tried again", () => {
  const ring = ringOf("own");
  ring.take("new");
  ring.accepted("draw");
  assert.equal(ring.refused(7), true);
  assert.equal(ring.key, "new");
  assert.equal(ring.accepted("draw"), false);
  assert.equal(ring.held.find(({ key }) => key === "own")?.refused, 7);
});

test("a key that was lowered is not the best any more", () => {
  const ring = ringOf("own", "draw");
  assert.equal(ring.accepted("view"), true);
  assert.equal(ring.key, "draw");
});

test("when all keys are refused there is none, and the next page tries them again", () => {
  const ring = ringOf("own", "draw");
  assert.equal(ring.refused(1), true);
  assert.equal(ring.refused(2), false);
  assert.equal(ring.key, null);
  const next = new Keyring();
  next.add(ring.held);
  assert.notEqual(next.key, null);
  next.accepted("draw");
  assert.equal(bestOf(next.held)?.refused, undefined);
});

test("few keys are kept, the one in use among them", () => {
  const ring = ringOf("view", "view2", "view3", "view4");
  for (const key of ["a", "b", "c", "d", "e"]) ring.take(key);
  assert.deepEqual([ring.held.length, ring.key, ring.held[0].key], [4, "e", "e"]);
});

test("stored keys that are read later do not replace the one from the address", () => {
  const ring = new Keyring();
  ring.take("new");
  ring.add([{ key: "new", access: "own" }, { key: "old", access: "own" }]);
  assert.equal(ring.key, "new");
  assert.equal(ring.held.length, 2);
});

test("owners may always draw; others not if they may only look or are muted, nor on a locked drawing", () => {
  const found = [];
  for (const access of ["view", "draw", "own"]) for (const locked of [false, true]) for (const muted of [false, true]) found.push(limitOf({ access, locked, muted }));
  assert.deepEqual(found, ["view", "view", "view", "view", null, "muted", "locked", "muted", null, null, null, null]);
});
