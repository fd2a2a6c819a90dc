import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import ENGLISH from "../../../static/strings/en.js";
import { LANGUAGES, chosenLanguage, t } from "../../../static/strings/strings.js";

const FOLDER = new URL("../../../static/", import.meta.url);
const textOf = (name) => readFileSync(new URL(name, FOLDER), "utf8");

test("parameters and plurals are filled in", () => {
  assert.equal(t("people.count", { count: 1 }), "1 person here");
  assert.equal(t("people.count", { count: 72 }), "72 people here");
  assert.equal(t("list.deleted", { title: "{count}" }), "“{count}” deleted");
});

test("the first preferred language that there is wins, also of another region, and English is the fallback", () => {
  assert.equal(chosenLanguage(["en-GB"]), "en");
  assert.equal(chosenLanguage(["tlh", "xx-YY"]), "en");
  assert.equal(chosenLanguage([]), "en");
});

test("every language has a module", () => {
  for (const tag of LANGUAGES) assert.ok(existsSync(new URL(`strings/${tag}.js`, FOLDER)), tag);
});

test("the texts of the pages have names, and are the English ones", () => {
  for (const page of ["index.html", "drawing.html"]) {
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
  const used = [...code.map(([, text]) => text), textOf("index.html"), textOf("drawing.html")].join("\n");
  for (const id of Object.keys(ENGLISH)) assert.ok(used.includes(`"${id}"`) || /^colour\./.test(id), `${id} is not used`);
});
