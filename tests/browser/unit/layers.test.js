import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const FOLDER = new URL("../../../static/", import.meta.url);
/** Maximum of lines in one module; a longer one should be split. */
const MAX_LINES = 300;

/** The folders from the bottom: a module imports from its own folder and from those before it. */
const FOLDERS = ["vendor", "strings", "model", "kinds", "net", "presence", "canvas", "tools", "ui", "pages"];

/** Globals with side effects, and the modules that may use them. */
const ONLY = {
  WebSocket: ["net/connection.js"],
  fetch: ["net/api.js", "sw.js"],
  caches: ["sw.js"],
  serviceWorker: ["net/service-worker.js"],
  indexedDB: ["pages/board-page.js", "pages/early-read.js", "pages/list-page.js"],
  IDBKeyRange: ["net/outbox-store.js", "net/replica-store.js"],
  localStorage: ["net/local-storage.js", "pages/early-theme.js"],
  sessionStorage: ["net/local-storage.js", "net/key-store.js", "net/history-keeper.js", "pages/board-page.js", "pages/early-board.js"],
};
/** The service worker: no part of a page, and in no layer. */
const WORKER = "sw.js";
/** Modules that must run without a browser: folders, and single modules of others. */
const PURE = [
  "model/", "kinds/", "presence/", "tools/", "net/backoff.js", "net/outbox.js",
  "canvas/camera.js", "canvas/pointers.js", "canvas/tiles.js", "ui/commands.js",
];
/** Of those, the ones that use a canvas where there is one. */
const IMPURE = ["kinds/measure.js"];

const modules = readdirSync(FOLDER, { recursive: true }).filter((name) => name.endsWith(".js"));
const textOf = (name) => readFileSync(new URL(name, FOLDER), "utf8");
const codeOf = (name) => textOf(name).replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
/** The modules that a module imports, at once or on demand. */
const importsOf = (name) => [...codeOf(name).matchAll(/(?:^(?:import|export)\b[^;]*?from |^import |\bimport\()["'](\.[^"']+)["']/gm)]
  .map(([, from]) => new URL(from, new URL(name, FOLDER)).pathname.slice(FOLDER.pathname.length));

test("no module imports from a folder above its own", () => {
  const layer = (name) => FOLDERS.indexOf(name.split("/")[0]);
  assert.deepEqual(importsOf(WORKER), []);
  for (const name of modules.filter((name) => name !== WORKER)) {
    assert.ok(layer(name) >= 0, `${name} is in no layer`);
    for (const from of importsOf(name)) assert.ok(layer(from) <= layer(name), `${name} imports ${from}`);
  }
});

test("no modules import each other in a circle", () => {
  const rest = new Map(modules.map((name) => [name, new Set(importsOf(name))]));
  assert.ok(rest.get("pages/early-board.js").has("model/replica.js"), "imports are found");
  // Code of others imports nothing.
  for (const from of rest.values()) for (const one of from) if (one.startsWith("vendor/")) from.delete(one);
  for (let free = []; (free = [...rest.keys()].filter((name) => rest.get(name).size === 0)).length > 0; ) {
    for (const name of free) rest.delete(name);
    for (const imports of rest.values()) free.forEach((name) => imports.delete(name));
  }
  assert.deepEqual([...rest.keys()], [], "in a circle, or above one");
});

test("one page's wiring is not another's part", () => {
  for (const name of modules) for (const from of importsOf(name)) assert.ok(!/^pages\/.*-page\.js$/.test(from), `${name} imports ${from}`);
});

test("globals with side effects are used only by the modules listed", () => {
  for (const [word, allowed] of Object.entries(ONLY)) {
    for (const name of modules.filter((name) => !allowed.includes(name))) {
      assert.doesNotMatch(codeOf(name), new RegExp(`\\b${word}\\b`), `${name} uses ${word}`);
    }
  }
});

test("pure modules need no browser", () => {
  const pure = modules.filter((name) => PURE.some((one) => name.startsWith(one)) && !IMPURE.includes(name));
  for (const name of pure) assert.doesNotMatch(codeOf(name), /\b(document|window|navigator|location)\b/, name);
});

test("every module is type-checked and says what it is and must never do", () => {
  for (const name of modules) {
    const text = textOf(name);
    assert.match(text, /^\/\/ @ts-check\n\/\*\*\n/, name);
    assert.match(text.slice(0, text.indexOf("*/")), /It must never|decoder must never/, name);
  }
});

test("no module is too long", () => {
  // A table of texts is as long as there are texts.
  for (const name of modules.filter((name) => !/^strings\/(later\/)?..\.js$/.test(name))) {
    const lines = textOf(name).split("\n").length;
    assert.ok(lines <= MAX_LINES, `${name} has ${lines} lines`);
  }
});

test("pages load versioned files and have no inline scripts", () => {
  for (const page of ["index.html", "drawing.html", "error.html"]) {
    const html = textOf(page);
    for (const [, address] of html.matchAll(/(?:src|href)="([^"]+\.(?:js|css|svg))"/g)) {
      assert.match(address, /^\/assets\/\{\{build\}\}\//, `${page}: ${address}`);
    }
    assert.doesNotMatch(html, /<script(?![^>]*src=)|\son\w+=/, page);
  }
});

test("code of others is unchanged", () => {
  const sums = new Map(textOf("vendor/SHA256SUMS").trim().split("\n").map((line) => /** @type {[string, string]} */ (line.split(/\s+/).toReversed())));
  const files = readdirSync(new URL("vendor/", FOLDER)).filter((name) => /\.m?js$/.test(name));
  assert.ok(files.length > 0);
  for (const name of files) {
    const sum = createHash("sha256").update(readFileSync(new URL(`vendor/${name}`, FOLDER))).digest("hex");
    assert.equal(sums.get(name), sum, name);
    assert.ok(textOf("vendor/README.md").includes(`\`${name}\``), `${name} is listed with its licence`);
  }
});

test("no text over several lines looks like a comment, which the server leaves out", () => {
  for (const name of modules) {
    for (const [text] of codeOf(name).matchAll(/`[^`]*`/g)) assert.doesNotMatch(text, /\n\s*(\/\/|\/\*)/, name);
  }
});

test("every colour of the pages is a token of the theme", () => {
  const styles = readdirSync(new URL("css/", FOLDER)).filter((name) => name !== "theme.css");
  assert.ok(styles.length > 5, "styles are found");
  for (const name of styles) {
    const values = [...textOf(`css/${name}`).replace(/\/\*[\s\S]*?\*\//g, "").matchAll(/[\w-]+\s*:([^;{}]*);/g)].map(([, value]) => value);
    for (const value of values) assert.doesNotMatch(value, /#[\da-f]{3,8}\b|\b(rgba?|hsla?|oklch|light-dark)\(/i, `${name}: ${value}`);
  }
});
