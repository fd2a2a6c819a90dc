import assert from "node:assert/strict";
import { test } from "node:test";
import { arrival } from "../../../static/model/arrival.js";

test("an update is stale, next or after a gap", () => {
  assert.equal(arrival(5, 3, 5), "stale");
  assert.equal(arrival(5, 5, 5), "stale");
  assert.equal(arrival(5, 5, 6), "next");
  assert.equal(arrival(5, 2, 9), "next");
  assert.equal(arrival(5, 6, 7), "gap");
  assert.equal(arrival(0, 0, 1), "next");
});
