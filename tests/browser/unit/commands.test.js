import assert from "node:assert/strict";
import { test } from "node:test";
import ENGLISH from "../../../static/strings/en.js";
import { COMMANDS, OTHER_KEYS, canRun, commandOf, keyParts } from "../../../static/ui/commands.js";

const press = (key, held = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

test("no two commands share an id or a key, and each has a label", () => {
  const ids = COMMANDS.map(({ id }) => id);
  const keys = [...COMMANDS, ...OTHER_KEYS].flatMap(({ keys }) => keys);
  assert.deepEqual([new Set(ids).size, new Set(keys).size], [ids.length, keys.length]);
  for (const { label } of [...COMMANDS, ...OTHER_KEYS]) assert.ok(ENGLISH[label], label);
});

test("a key finds its command, with Shift only where it is asked for", () => {
  const found = (...event) => commandOf(press(...event))?.id;
  assert.equal(found("p"), "tool.pen");
  assert.equal(found("P", { shiftKey: true }), "tool.pen");
  assert.equal(found("z", { ctrlKey: true }), "undo");
  assert.equal(found("Z", { metaKey: true, shiftKey: true }), "redo");
  assert.equal(found("y", { ctrlKey: true }), "redo");
  assert.equal(found("?", { shiftKey: true }), "help");
  assert.equal(found("+", { shiftKey: true }), "zoom.in");
  for (const none of [["z"], ["p", { ctrlKey: true }], ["p", { altKey: true }], ["Escape"], ["+", { ctrlKey: true }]]) assert.equal(found(...none), undefined);
});

test("keys are shown in parts", () => {
  assert.deepEqual(["p", "mod+shift+z", "+", "mod++", "-"].map(keyParts), [["P"], ["key.mod", "key.shift", "Z"], ["+"], ["key.mod", "+"], ["−"]]);
});

test("whoever may only look can move the view, export and choose how the page looks, and nothing else", () => {
  const selection = { freeCount: 3, count: 3, isGrouped: true, isDrawn: true };
  const allowed = (readOnly) => COMMANDS.filter((command) => canRun(command, { readOnly, canUndo: true, canRedo: true, selection })).map(({ id }) => id);
  assert.equal(allowed(false).length, COMMANDS.length);
  assert.deepEqual(allowed(true).toSorted(), [
    "file.copyPicture", "file.copySvg", "file.export", "help", "language", "look.grid", "look.theme", "tool.hand",
    "zoom.fit", "zoom.in", "zoom.one", "zoom.out",
  ]);
});
