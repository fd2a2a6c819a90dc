import assert from "node:assert/strict";
import { test } from "node:test";
import { LANGUAGES, loadLanguage, t } from "../../../static/strings/strings.js";
import { COLOURS, cleanName, distinctColour, randomIdentity } from "../../../static/presence/identity.js";

/** @type {(author: string, colour: string) => any} */
const person = (author, colour) => ({ author, colour, name: author, writer: author });

test("of two people with one colour the later id takes a free one", () => {
  const { colour } = randomIdentity();
  const listed = [person("a", colour), person("b", colour)];
  assert.equal(distinctColour(colour, "a", listed), null);
  const taken = distinctColour(colour, "b", listed);
  assert.ok(taken !== null && taken !== colour);
  assert.equal(distinctColour(taken, "b", [person("a", colour), person("b", taken)]), null);
});

test("two tabs of one person share a colour, and take the same other one", () => {
  const { colour } = randomIdentity();
  assert.equal(distinctColour(colour, "b", [person("b", colour), person("b", colour)]), null);
  const first = distinctColour(colour, "b", [person("a", colour)]);
  assert.equal(distinctColour(colour, "b", [person("a", colour)], first), first);
});

test("as many people as there are colours end up with one each, and a further one keeps what it has", () => {
  const people = Array.from({ length: COLOURS.length }, (_, at) => person(`p${10 + at}`, COLOURS[0]));
  for (let changed = true; changed; ) {
    changed = false;
    for (const one of people) {
      const colour = distinctColour(one.colour, one.author, people);
      if (colour) [one.colour, changed] = [colour, true];
    }
  }
  assert.equal(new Set(people.map(({ colour }) => colour)).size, COLOURS.length);
  assert.equal(distinctColour(COLOURS[0], "p99", people), null);
});

test("a clean name has no control characters and at most 40 characters", () => {
  assert.equal(cleanName(` A\u0000da ${"x".repeat(60)}`), `Ada ${"x".repeat(36)}`);
});

/** The letters that words of a language are written with. */
const LETTERS = new Map([["zh", /^\p{sc=Han}+$/u], ["ar", /^[\p{sc=Arabic} ]+$/u]]);

for (const tag of LANGUAGES) {
  test(`suggested names in ${tag} are words of that language, valid, and of many kinds`, async () => {
    const english = `${t("people.animals")}|${t("people.additions")}`;
    await loadLanguage([tag]);
    const [animals, additions] = [t("people.animals").split("|"), t("people.additions").split("|")];
    const names = Array.from({ length: 500 }, () => randomIdentity().name);
    await loadLanguage(["en"]);
    for (const words of [animals, additions]) {
      assert.ok(words.length >= 16 && new Set(words).size === words.length);
      for (const word of words) assert.match(word, LETTERS.get(tag) ?? /^[\p{sc=Latin} -]+$/u);
    }
    // A word may be the same in two languages, but most are not.
    if (tag !== "en") assert.ok([...animals, ...additions].filter((word) => english.split("|").includes(word)).length <= 2);
    for (const name of names) {
      assert.equal(name, cleanName(name));
      assert.ok(animals.some((word) => name.includes(word)) && additions.some((word) => name.includes(word)), name);
    }
    assert.ok(new Set(names).size > 100);
    const longest = (/** @type {string[]} */ words) => Math.max(...words.map((word) => [...word].length));
    assert.ok(longest(animals) + longest(additions) < 32, "it fits into a name, and into a row of the panel");
  });
}
