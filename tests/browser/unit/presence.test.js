import assert from "node:assert/strict";
import { test } from "node:test";
import { Presence } from "../../../static/presence/presence.js";
import { PeopleList } from "../../../static/presence/people-list.js";

const person = (writer, name = writer) => ({ writer, author: `author ${writer}`, name, colour: "#c2452d" });
const whole = (version, count, ...joined) => ({ type: "people", version, count, joined });
const names = (list) => list.listed.map(({ name }) => name);

test("a difference applies only to the version it is from", () => {
  const list = new PeopleList();
  const first = { type: "people", from: 7, version: 8, count: 3, joined: [person("c")], left: ["a"] };
  assert.equal(list.apply(first), "gap", "there is no list yet");
  assert.equal(list.apply(whole(7, 2, person("a"), person("b"))), "next");
  assert.deepEqual(names(list), ["a", "b"]);
  const second = { type: "people", from: 8, version: 9, count: 900, joined: [person("b", "Bea")] };
  assert.equal(list.apply(second), "gap");
  assert.deepEqual([names(list), list.count], [["a", "b"], 2], "a gap changes nothing");
  assert.equal(list.apply(first), "next");
  assert.equal(list.apply(first), "stale");
  assert.equal(list.apply(second), "next");
  assert.deepEqual([names(list), list.count], [["Bea", "c"], 900]);
  assert.equal(list.apply({ type: "people", from: 9, version: 10, count: 0, left: ["b", "c", "x"] }), "next");
  assert.deepEqual([names(list), list.count, list.has("b")], [[], 0, false]);
});

test("a whole list replaces the previous one and keeps the order of those who stay", () => {
  const list = new PeopleList();
  list.apply(whole(7, 3, person("a"), person("b"), person("c")));
  list.apply(whole(3, 2, person("c"), person("b", "Bea")));
  assert.deepEqual([names(list), list.count], [["Bea", "c"], 2]);
});

test("after reconnecting no difference applies before a whole list", () => {
  const list = new PeopleList();
  list.apply(whole(7, 1, person("a")));
  list.opened();
  assert.equal(list.apply({ type: "people", from: 7, version: 8, count: 0, left: ["a"] }), "gap");
  assert.deepEqual(names(list), ["a"], "the previous list is shown until then");
});

test("a list that requests the whole after a gap always equals the server's", () => {
  let seed = 20;
  const random = (below) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
  const list = new PeopleList();
  let held = new Map();
  list.apply(whole(0, 0));
  for (let version = 1, gaps = 0; version < 500; version++) {
    const now = new Map();
    for (let people = random(6); people > 0; people--) {
      const one = person(`w${random(8)}`, `name ${random(3)}`);
      now.set(one.writer, one);
    }
    const joined = [...now.values()].filter(({ writer, name }) => held.get(writer)?.name !== name);
    const left = [...held.keys()].filter((writer) => !now.has(writer));
    held = now;
    if (random(4) === 0) continue;
    if (list.apply({ type: "people", from: version - 1, version, count: now.size, joined, left }) === "gap") {
      gaps += 1;
      list.apply(whole(version, now.size, ...now.values()));
    }
    assert.deepEqual(names(list).sort(), [...now.values()].map(({ name }) => name).sort());
    assert.equal(list.count, now.size);
    if (version > 480) assert.ok(gaps > 0, "no gap occurred: the test was vacuous");
  }
});

/** The presence of the tab `me`, with the audiences reported since the last call and the number of requests. */
function fresh() {
  const audiences = [];
  let asks = 0;
  const presence = new Presence("me", () => null, () => false, (audience) => audiences.push(audience), () => (asks += 1));
  return { presence, audiences: () => audiences.splice(0).map(({ listed, ...rest }) => ({ ...rest, listed: listed.length })), asked: () => asks };
}

test("after a gap the whole list is requested once", () => {
  const { presence, audiences, asked } = fresh();
  presence.receivePeople(whole(1, 1, person("me")));
  for (const from of [2, 3, 4]) presence.receivePeople({ type: "people", from, version: from + 1, count: 2, joined: [person("a")] });
  assert.equal(asked(), 1);
  assert.equal(audiences().length, 1);
  presence.receivePeople(whole(5, 2, person("me"), person("a")));
  presence.receivePeople({ type: "people", from: 9, version: 10, count: 2 });
  assert.equal(asked(), 2);
  presence.opened();
  presence.receivePeople({ type: "people", from: 9, version: 10, count: 2 });
  assert.equal(asked(), 3, "a new socket requests again");
});

test("someoneJoined is set only if someone joined", () => {
  const { presence, audiences } = fresh();
  presence.receivePeople(whole(1, 1, person("me")));
  presence.receivePeople({ type: "people", from: 1, version: 2, count: 2, joined: [person("a")] });
  presence.receivePeople({ type: "people", from: 2, version: 3, count: 2, joined: [person("a", "Ada"), person("me", "I")] });
  presence.receivePeople({ type: "people", from: 3, version: 4, count: 800 });
  presence.receivePeople({ type: "people", from: 4, version: 5, count: 1, left: ["a"] });
  assert.deepEqual(audiences(), [
    { listed: 1, count: 1, alone: true, someoneJoined: false },
    { listed: 2, count: 2, alone: false, someoneJoined: true },
    { listed: 2, count: 2, alone: false, someoneJoined: false },
    { listed: 2, count: 800, alone: false, someoneJoined: false },
    { listed: 1, count: 1, alone: true, someoneJoined: false },
  ]);
});

test("a pointer has its person's name and disappears with them", () => {
  const { presence } = fresh();
  presence.receivePeople(whole(1, 2, person("me"), person("a")));
  presence.receiveSignals({ type: "signals", pointers: [{ writer: "a", at: { x: 1, y: 2 } }, { writer: "b", at: { x: 1, y: 2 } }] }, 0);
  const shown = () => presence.shown(10).pointers.map(({ person: { name } }) => name);
  assert.deepEqual(shown(), ["a"]);
  presence.receivePeople({ type: "people", from: 1, version: 2, count: 2, joined: [person("a", "Ada")] });
  assert.deepEqual(shown(), ["Ada"]);
  presence.receivePeople({ type: "people", from: 2, version: 3, count: 1, left: ["a"] });
  assert.deepEqual(shown(), []);
});
