import assert from "node:assert/strict";
import { test } from "node:test";
import ENGLISH from "../../../static/strings/en.js";
import { saveState } from "../../../static/model/save-state.js";

const calm = { connected: true, online: true, unsaved: 0, fragile: false, holds: true, limit: null, end: null, refusal: null };
const stateIn = (facts) => saveState({ ...calm, ...facts });

/** Every combination of facts. */
function* all() {
  const yesNo = [false, true];
  for (const connected of yesNo) for (const online of yesNo) for (const unsaved of [0, 1, 7]) for (const fragile of yesNo)
    for (const holds of yesNo) for (const limit of [null, "view", "locked", "muted"]) for (const end of [null, "deleted", "closed"]) for (const refusal of [null, "refused.full"])
      yield { connected, online, unsaved, fragile, holds, limit, end, refusal };
}

test("saved is said only when the server is there and every op has its answer", () => {
  for (const facts of all()) {
    const { state, text } = saveState(facts);
    const says = text === "save.saved" || state === "saved";
    assert.equal(says, facts.connected && facts.unsaved === 0 && !facts.end && !facts.refusal && !facts.limit, JSON.stringify(facts));
  }
});

test("every state has words, and those with unsaved ops say how many, or why not", () => {
  for (const facts of all()) {
    const { state, text, hint } = saveState(facts);
    assert.ok(ENGLISH[text] && (hint === null || ENGLISH[hint]), text);
    if (facts.unsaved > 0 && state !== "refused") assert.match(ENGLISH[text], /\{count\}/, JSON.stringify(facts));
    if (facts.unsaved > 0) assert.equal(hint, facts.fragile ? "save.fragileHint" : "save.keptHint");
  }
});

test("each fault has its own words", () => {
  assert.equal(stateIn({ unsaved: 2 }).text, "save.unsaved");
  assert.equal(stateIn({ unsaved: 2, fragile: true }).text, "save.unsavedFragile");
  assert.equal(stateIn({ connected: false }).text, "save.connecting");
  assert.equal(stateIn({ connected: false, unsaved: 1 }).text, "save.connectingUnsaved");
  assert.equal(stateIn({ connected: false, online: false }).text, "save.offline");
  assert.equal(stateIn({ connected: false, online: false, unsaved: 3 }).text, "save.offlineUnsaved");
  assert.equal(stateIn({ connected: false, online: false, holds: false }).text, "save.offlineEmpty");
  // A server on this machine can be reached without a network.
  assert.equal(stateIn({ online: false }).text, "save.saved");
  assert.equal(stateIn({ limit: "view" }).text, "save.readOnly");
  assert.equal(stateIn({ limit: "locked" }).text, "save.locked");
  assert.equal(stateIn({ limit: "muted" }).text, "save.muted");
  assert.equal(stateIn({ end: "deleted", connected: false, online: false }).text, "save.deleted");
  assert.equal(stateIn({ end: "closed" }).text, "save.closed");
  assert.equal(stateIn({ refusal: "refused.full", unsaved: 1 }).text, "refused");
});
