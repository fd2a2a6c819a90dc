import assert from "node:assert/strict";
import { test } from "node:test";
import { Keyring, bestOf } from "../../../static/model/keyring.js";
import { limitOf } from "../../../static/model/rights.js";
import { isToken, renews } from "../../../static/model/token.js";

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

/** What looks like a token that says something. */
function tokenOf(said) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "EdDSA" })}.${part(said)}.c2lnbmF0dXJl`;
}

test("a token renews another one of the same person, and nothing else does", () => {
  const [first, later] = [1, 2].map((exp) => tokenOf({ person: "ada", name: "Ada Löwe?>", exp }));
  assert.ok(isToken(first) && !isToken("A".repeat(22)) && !isToken("a..b") && !isToken(null));
  assert.equal(renews(first, later), true);
  assert.equal(renews(first, tokenOf({ person: "eve", name: "Ada Löwe?>", exp: 2 })), false);
  assert.equal(renews(first, tokenOf({ person: "ada", name: "Eve", exp: 2 })), false);
  assert.equal(renews("A".repeat(22), later), false);
  assert.equal(renews(later, "A".repeat(22)), false);
  assert.equal(renews("a.b.c", "a.c.c"), false, "what cannot be read is nobody's");
});

test("tokens that follow each other leave room for links, and the last good one counts", () => {
  const tokens = [1, 2, 3, 4, 5, 6].map((exp) => tokenOf({ exp }));
  const ring = ringOf("view");
  for (const token of tokens) {
    ring.take(token);
    assert.equal(ring.key, token);
    if (token === tokens[0]) assert.equal(ring.accepted("draw"), false);
  }
  assert.deepEqual(ring.held.map(({ key, access }) => [key, access]), [[tokens[5], "draw"], [tokens[4], "draw"], ["view", "view"]]);
  assert.equal(ring.accepted("draw"), false);
  assert.deepEqual(ring.held.map(({ key }) => key), [tokens[5], "view"]);
  ring.take("bad.bad.bad");
  assert.equal(ring.refused(7), true);
  assert.equal(ring.key, tokens[5], "a bad one does not take a good one away");
  ring.take(tokens[0]);
  assert.equal(ring.accepted("view"), false, "a later one that gives less counts");
  assert.equal(ring.key, tokens[0]);
});
