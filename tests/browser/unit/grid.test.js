import assert from "node:assert/strict";
import test from "node:test";

import { Grid } from "../../../static/canvas/grid.js";

/** Where the dots are on the screen, and their distance there, by the layer's style. */
function shown({ transform, backgroundSize = "32px 32px" }) {
  const [, x, y, scale] = transform.match(/^translate\((.+)px, (.+)px\) scale\((.+)\)$/).map(Number);
  return { x, y, scale, step: scale * parseFloat(backgroundSize) };
}

/** @param {import("node:test").TestContext} test */
function made({ mock }) {
  mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.devicePixelRatio = 1;
  const style = {};
  return { style, grid: new Grid({ style }), rest: () => mock.timers.tick(1_000) };
}

test("a pan only moves the layer, by less than one dot", (test) => {
  const { style, grid } = made(test);
  for (const [x, y] of [[0, 0], [5, -5], [31.4, 1e6], [-1e5, 33]]) {
    grid.show({ x, y, zoom: 1 });
    const at = shown(style);
    assert.equal(style.backgroundSize, undefined);
    assert.equal(at.scale, 1);
    for (const [axis, edge] of [[at.x, x], [at.y, y]]) {
      assert.ok(axis <= 0 && axis >= -32, `${axis}`);
      const off = (axis + edge) / 32;
      assert.ok(Math.abs(off - Math.round(off)) <= 0.5 / 32, `${edge}: ${axis}`);
    }
  }
});

test("the layer is scaled while the view zooms, still covers the window, and is painted anew at rest", (test) => {
  const { style, grid, rest } = made(test);
  let painted = 0;
  let last = style.backgroundSize;
  for (let zoom = 0.05; zoom < 20; zoom *= 1.02) {
    grid.show({ x: 3, y: 4, zoom });
    const { scale, step } = shown(style);
    assert.ok(scale >= Math.SQRT1_2 && scale <= Math.SQRT2, `${zoom}: ${scale}`);
    assert.ok(step >= 22 && step <= 46, `${zoom}: ${step}`);
    if (style.backgroundSize !== last) painted += 1;
    last = style.backgroundSize;
  }
  assert.ok(painted < 20, `${painted} times`);
  const { step } = shown(style);
  rest();
  assert.equal(shown(style).scale, 1);
  assert.ok(Math.abs(shown(style).step - step) < 1e-9);
});
