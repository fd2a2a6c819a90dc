import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const FOLDER = new URL("../../../static/", import.meta.url);
/** Maximum of lines in one module; a longer one should be split. */
const MAX_LINES = 300;

/** What each module may import. Modules not listed may import nothing. */
const MAY_IMPORT = {
  "board-input.js": ["dom.js", "edits.js", "input.js", "local-storage.js", "renderer.js", "text-editor.js", "toolbar.js", "tools.js", "viewport.js"],
  "canvas.js": ["camera.js", "geometry.js", "renderer.js"],
  "connection.js": ["backoff.js"],
  "dom.js": ["icons.js"],
  "doodle.js": ["stroke-path.js"],
  "edits.js": ["ids.js"],
  "ended-dialog.js": ["dom.js"],
  "list-page.js": ["api.js", "dom.js", "doodle.js", "toast.js"],
  "outbox-recovery.js": ["connection.js", "ids.js", "outbox.js", "tab-lock.js"],
  "outbox.js": ["ids.js"],
  "people-panel.js": ["dom.js", "identity.js"],
  "presence.js": ["people-list.js", "remote-ink.js", "remote-pointers.js"],
  "remote-ink.js": ["points.js"],
  "renderer.js": ["geometry.js", "points.js", "stroke-path.js"],
  "replica.js": ["arrival.js"],
  "share.js": ["dom.js", "icons.js"],
  "signals.js": ["points.js"],
  "stroke-path.js": ["geometry.js"],
  "sync.js": ["backoff.js"],
  "text-editor.js": ["geometry.js"],
  "toast.js": ["dom.js"],
  "toolbar.js": ["dom.js", "icons.js"],
  "tools.js": ["camera.js", "geometry.js", "ids.js", "points.js"],
  "viewport.js": ["camera.js", "geometry.js"],
};

/** Globals with side effects, and the modules that may use them. */
const ONLY = {
  WebSocket: ["connection.js"],
  fetch: ["api.js"],
  indexedDB: ["outbox-store.js", "board-page.js"],
  IDBKeyRange: ["outbox-store.js"],
  localStorage: ["local-storage.js"],
  sessionStorage: ["local-storage.js", "board-page.js"],
};
/** Modules that must run without a browser. */
const PURE = [
  "arrival.js", "backoff.js", "camera.js", "edits.js", "geometry.js", "history.js", "outbox.js", "people-list.js",
  "points.js", "presence.js", "remote-ink.js", "remote-pointers.js", "replica.js", "stroke-path.js", "tools.js",
];

const modules = readdirSync(FOLDER).filter((name) => name.endsWith(".js"));
const textOf = (name) => readFileSync(new URL(name, FOLDER), "utf8");
const codeOf = (name) => textOf(name).replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");

test("every module except the board page imports only what is listed", () => {
  for (const name of modules.filter((name) => name !== "board-page.js")) {
    const imports = [...codeOf(name).matchAll(/^(?:import|export)[^;]*?from "\.\/(.+?)";/gms)].map(([, from]) => from);
    for (const from of imports) assert.ok((MAY_IMPORT[name] ?? []).includes(from), `${name} imports ${from}`);
  }
});

test("globals with side effects are used only by the modules listed", () => {
  for (const [word, allowed] of Object.entries(ONLY)) {
    for (const name of modules.filter((name) => !allowed.includes(name))) {
      assert.doesNotMatch(codeOf(name), new RegExp(`\\b${word}\\b`), `${name} uses ${word}`);
    }
  }
});

test("pure modules need no browser", () => {
  for (const name of PURE) assert.doesNotMatch(codeOf(name), /\b(document|window|navigator|location)\b/, name);
});

test("every module is type-checked and says what it is and must never do", () => {
  for (const name of modules) {
    const text = textOf(name);
    assert.match(text, /^\/\/ @ts-check\n\/\*\*\n/, name);
    assert.match(text.slice(0, text.indexOf("*/")), /It must never|decoder must never/, name);
  }
});

test("no module is too long", () => {
  for (const name of modules) {
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
