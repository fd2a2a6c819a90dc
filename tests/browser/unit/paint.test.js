import assert from "node:assert/strict";
import { test } from "node:test";
import { paint } from "../../../static/kinds/kinds.js";
import { lined } from "./random-bodies.js";

/** Counts the paths that are made, and takes what is traced. */
function countedPaths() {
  const made = { count: 0 };
  const ignored = () => {};
  globalThis.Path2D = /** @type {any} */ (class {
    moveTo = ignored;
    lineTo = ignored;
    quadraticCurveTo = ignored;
    bezierCurveTo = ignored;
    arc = ignored;
    closePath = ignored;
    constructor() {
      made.count += 1;
    }
  });
  return made;
}

test("filled ink is painted again with the same paths of its line and its area", (t) => {
  t.after(() => Reflect.deleteProperty(globalThis, "Path2D"));
  const made = countedPaths();
  /** @type {object[]} */
  const filled = [];
  const context = /** @type {any} */ ({ fill: (path) => filled.push(path) });
  const body = lined("pen", [{ x: 0, y: 0 }, { x: 90, y: 0 }, { x: 90, y: 60 }], { fill: "red" });
  for (let i = 0; i < 3; i += 1) paint(context, body, { scale: 1, theme: "light" });
  assert.equal(made.count, 2);
  assert.equal(new Set(filled.slice(0, 2)).size, 2);
  assert.ok(filled.length === 6 && filled.every((path, i) => path === filled[i % 2]));
  paint(context, { ...body, fill: "blue" }, { scale: 1, theme: "light" });
  assert.equal(made.count, 4, "another body has its own");
});
