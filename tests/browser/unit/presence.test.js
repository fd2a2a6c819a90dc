import assert from "node:assert/strict";
import { test } from "node:test";
import { Presence } from "../../../static/presence.js";
import { PeopleList } from "../../../static/people-list.js";

const person = (writer, name = writer) => ({ writer, author: `author ${writer}`, name, colour: "#c2452d" });
const whole = (version, count, ...joined) => ({ type: "people", version, count, joined });
const names = (list) => list.listed.map(({ name }) => name);

test("a change is taken by the version before and by no other", () => {
  const list = new PeopleList();
  const first = { type: "people", from: 7, version: 8, count: 3, joined: [person("c")], left: ["a"] };
  assert.equal(list.apply(first), "gap", "nothing was told yet");
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

test("the whole takes the place of all that was held, and those who stay keep their place", () => {
  const list = new PeopleList();
  list.apply(whole(7, 3, person("a"), person("b"), person("c")));
  list.apply(whole(3, 2, person("c"), person("b", "Bea")));
  assert.deepEqual([names(list), list.count], [["Bea", "c"], 2]);
});

test("another socket begins with the whole: no change of before or of another server is taken", () => {
  const list = new PeopleList();
  list.apply(whole(7, 1, person("a")));
  list.opened();
  assert.equal(list.apply({ type: "people", from: 7, version: 8, count: 0, left: ["a"] }), "gap");
  assert.deepEqual(names(list), ["a"], "what was told last is shown until then");
});

/** Whatever is missed, a list that asks at a gap equals the server's. */
test("any changes, some of them missed, end in the server's list", () => {
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
    if (version > 480) assert.ok(gaps > 0, "nothing was missed: this showed nothing");
  }
});

/** The presence of the page `me`, and what was told of them and asked. */
function fresh() {
  const told = [];
  let asks = 0;
  const presence = new Presence("me", () => false, (audience) => told.push(audience), () => (asks += 1));
  return { presence, told: () => told.splice(0).map(({ listed, ...rest }) => ({ ...rest, listed: listed.length })), asked: () => asks };
}

test("a page asks once for what it missed, until it is told", () => {
  const { presence, told, asked } = fresh();
  presence.receivePeople(whole(1, 1, person("me")));
  for (const from of [2, 3, 4]) presence.receivePeople({ type: "people", from, version: from + 1, count: 2, joined: [person("a")] });
  assert.equal(asked(), 1);
  assert.equal(told().length, 1);
  presence.receivePeople(whole(5, 2, person("me"), person("a")));
  presence.receivePeople({ type: "people", from: 9, version: 10, count: 2 });
  assert.equal(asked(), 2);
  presence.opened();
  presence.receivePeople({ type: "people", from: 9, version: 10, count: 2 });
  assert.equal(asked(), 3, "another socket may ask again");
});

test("whoever comes is told apart from who leaves, from other names and from the number", () => {
  const { presence, told } = fresh();
  presence.receivePeople(whole(1, 1, person("me")));
  presence.receivePeople({ type: "people", from: 1, version: 2, count: 2, joined: [person("a")] });
  presence.receivePeople({ type: "people", from: 2, version: 3, count: 2, joined: [person("a", "Ada"), person("me", "I")] });
  presence.receivePeople({ type: "people", from: 3, version: 4, count: 800 });
  presence.receivePeople({ type: "people", from: 4, version: 5, count: 1, left: ["a"] });
  assert.deepEqual(told(), [
    { listed: 1, count: 1, alone: true, someoneJoined: false },
    { listed: 2, count: 2, alone: false, someoneJoined: true },
    { listed: 2, count: 2, alone: false, someoneJoined: false },
    { listed: 2, count: 800, alone: false, someoneJoined: false },
    { listed: 1, count: 1, alone: true, someoneJoined: false },
  ]);
});

test("a pointer is shown under the name of whose it is, and goes with them", () => {
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
