import assert from "node:assert/strict";
import { test } from "node:test";
import { Tools, arrowWidth } from "../../../static/tools.js";

test("a short arrow has a thinner line, so that its head is visible", () => {
  assert.equal(arrowWidth(14, 300), 14);
  assert.equal(arrowWidth(14, 30), 5);
  assert.equal(arrowWidth(2, 300), 2);
  assert.equal(arrowWidth(14, 0), 1);
  /** @type {any[]} */
  const drawn = [];
  const nothing = () => {};
  const tools = new Tools(() => ({ x: 0, y: 0, zoom: 1 }), {
    ink: nothing, cancelled: nothing, erase: nothing, erased: nothing, text: nothing, drawn: (_, body) => drawn.push(body.width),
  });
  Object.assign(tools, { choice: "arrow", width: 14 });
  for (const to of [24, 600]) {
    tools.begin({ x: 0, y: 0 }, false);
    tools.move([{ x: 12, y: 0 }], false);
    tools.move([{ x: to, y: 0 }], false);
    tools.end();
  }
  assert.deepEqual(drawn, [4, 14]);
});
