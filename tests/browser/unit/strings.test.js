import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import FIRST from "../../../static/strings/en.js";
import LATER from "../../../static/strings/later/en.js";
import { t as later } from "../../../static/strings/later.js";
import { LANGUAGES, chosenLanguage, loadLanguage, t } from "../../../static/strings/strings.js";

const PAGES = ["index.html", "drawing.html", "error.html"];
const FOLDER = new URL("../../../static/", import.meta.url);
const textOf = (name) => readFileSync(new URL(name, FOLDER), "utf8");

test("parameters and plurals are filled in", () => {
  assert.equal(t("people.count", { count: 1 }), "1 person here");
  assert.equal(t("people.count", { count: 72 }), "72 people here");
  assert.equal(t("list.deleted", { title: "{count}" }), "“{count}” deleted");
});

test("the first preferred language that there is wins, also of another region, and English is the fallback", () => {
  assert.equal(chosenLanguage(["en-GB"]), "en");
  assert.equal(chosenLanguage(["tlh", "pt-BR", "en"]), "pt");
  assert.equal(chosenLanguage(["zh-Hans-CN"]), "zh");
  assert.equal(chosenLanguage(["tlh", "xx-YY"]), "en");
  assert.equal(chosenLanguage([]), "en");
});

const tableOf = async (name) => (await import(`../../../static/strings/${name}.js`)).default;
/** The English texts of both tables: those of the first load, and those of what opens later. */
const ENGLISH = { ...FIRST, ...LATER };
const texts = new Map(await Promise.all(LANGUAGES.map(async (tag) => /** @type {[string, any]} */ ([tag, { ...(await tableOf(tag)), ...(await tableOf(`later/${tag}`)) }]))));
const formsOf = (text) => (typeof text === "string" ? [text] : Object.values(text));
const parametersOf = (text) => new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));

for (const tag of LANGUAGES) {
  test(`all texts are there in ${tag}, and no others`, () => {
    assert.deepEqual(Object.keys(ENGLISH).filter((id) => !(id in texts.get(tag))), [], "missing");
    assert.deepEqual(Object.keys(texts.get(tag)).filter((id) => !(id in ENGLISH)), [], "unknown");
  });

  test(`plural forms in ${tag} are those of the language`, () => {
    const { pluralCategories } = new Intl.PluralRules(tag).resolvedOptions();
    for (const [id, text] of Object.entries(texts.get(tag))) {
      if (typeof ENGLISH[id] !== "string") assert.equal(typeof text, "object", id);
      if (typeof text !== "string") assert.deepEqual(Object.keys(text).toSorted(), pluralCategories.toSorted(), id);
    }
  });

  test(`texts in ${tag} have the parameters of the English ones`, () => {
    for (const [id, text] of Object.entries(texts.get(tag))) {
      const wanted = new Set(formsOf(ENGLISH[id]).flatMap((form) => [...parametersOf(form)]));
      for (const form of formsOf(text)) {
        assert.notEqual(form.trim(), "", id);
        const found = parametersOf(form);
        for (const name of found) assert.ok(wanted.has(name), `${id}: {${name}}`);
        // A form for one number may say it in a word.
        for (const name of wanted) assert.ok(found.has(name) || (typeof text !== "string" && name === "count"), `${id} lacks {${name}}`);
      }
    }
  });
}

test("no text is in both tables", async () => {
  for (const tag of LANGUAGES) {
    const [first, later] = [await tableOf(tag), await tableOf(`later/${tag}`)];
    assert.deepEqual(Object.keys(first).filter((id) => !(id in FIRST)), [], tag);
    assert.deepEqual(Object.keys(later).filter((id) => !(id in LATER) || id in FIRST), [], tag);
  }
});

test("what opens later has the texts of the first load too", () => {
  assert.equal(later("help.title"), "Keys");
  assert.equal(later("import.done", { count: 2 }), "2 strokes imported");
  assert.equal(later("share.button"), "Share");
});

test("a number that is a plural form of its own is said in the right one", async () => {
  await loadLanguage(["ar-EG"]);
  const said = [0, 1, 2, 3, 11, 100].map((count) => t("people.count", { count }));
  assert.deepEqual(said, ["لا أحد هنا", "شخص واحد هنا", "شخصان هنا", "3 أشخاص هنا", "11 شخصًا هنا", "100 شخص هنا"]);
  await loadLanguage(["de-AT"]);
  assert.equal(t("people.count", { count: 1 }), "1 Person hier");
  await loadLanguage(["en"]);
  assert.equal(t("people.count", { count: 1 }), "1 person here");
});

test("the texts of the pages have names, and are the English ones", () => {
  for (const page of PAGES) {
    const html = textOf(page).replace(/<script.*?<\/script>/g, "");
    for (const [, id, text] of html.matchAll(/data-t="([^"]+)"[^>]*>([^<]*)</g)) assert.equal(ENGLISH[id], text, `${page}: ${id}`);
    for (const [tag] of html.matchAll(/<[a-z][^>]*>/g)) {
      for (const [, attribute, text] of tag.matchAll(/ (title|aria-label|placeholder)="([^"]+)"/g)) {
        const id = tag.match(new RegExp(` data-t-${attribute}="([^"]+)"`))?.[1];
        assert.equal(ENGLISH[id], text, `${page}: ${tag}`);
      }
    }
    const unnamed = [...html.matchAll(/<(\w+)([^>]*)>\s*([^<\s][^<]*)</g)].filter(([, tag, attributes]) => !attributes.includes("data-t=") && tag !== "title");
    assert.deepEqual(unnamed.map(([all]) => all), [], page);
  }
});

test("no module holds a sentence for people, and each text is used", () => {
  const modules = readdirSync(FOLDER, { recursive: true }).filter((name) => name.endsWith(".js") && !name.startsWith("strings"));
  const code = modules.map((name) => [name, textOf(name).replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "")]);
  for (const [name, text] of code) {
    const sentences = [...text.matchAll(/["`]([A-Z][a-z]+(?: [^"`]*)?[ .…:][^"`]*)["`]/g)].map(([, words]) => words).filter((words) => !/sans|serif|Avenir|Segoe|Sans$/.test(words));
    assert.deepEqual(sentences, [], name);
  }
  const used = [...code.map(([, text]) => text), ...PAGES.map(textOf)].join("\n");
  for (const id of Object.keys(ENGLISH)) assert.ok(used.includes(`"${id}"`) || /^colour\./.test(id), `${id} is not used`);
});
