import assert from "node:assert/strict";
import { test } from "node:test";
import { waitBefore } from "../../../static/backoff.js";
import { readReason } from "../../../static/connection.js";

test("a close reason says whether coming back makes sense", () => {
  assert.deepEqual(readReason("again: nothing was heard"), { final: false, after: null });
  assert.deepEqual(readReason("again in 1500 ms: the server restarts"), { final: false, after: 1500 });
  assert.deepEqual(readReason("final: there is no such drawing"), { final: true, after: null });
  assert.deepEqual(readReason(""), { final: false, after: null });
});

test("waits grow, stay between 0.1 and 10 seconds, and differ", () => {
  assert.equal(waitBefore(1, () => 0), 100);
  assert.equal(waitBefore(50, () => 0.999_999) <= 10_000, true);
  assert.ok(waitBefore(4, () => 0.5) > waitBefore(2, () => 0.5));
  for (const attempt of [1, 2, 5, 50]) {
    const spread = waitBefore(attempt, () => 0.999) - waitBefore(attempt, () => 0);
    assert.ok(spread >= 890, `attempt ${attempt} is spread over ${spread} ms`);
  }
});
