import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PALETTE, PAPER, TOKENS, colourValue, contrast, fillValue, markerValue } from "../../../static/model/palette.js";
import { dice } from "./dice.js";

const THEMES = ["light", "dark"];

test("the paper of strokes is the paper of the page", () => {
  const css = readFileSync(new URL("../../../static/css/theme.css", import.meta.url), "utf8");
  const [, light, dark] = css.match(/--paper: light-dark\((#\w+), (#\w+)\)/);
  assert.deepEqual({ light, dark }, PAPER);
});

test("the contrast is that of WCAG", () => {
  assert.equal(contrast("#000000", "#ffffff"), 21);
  assert.equal(contrast("#777777", "#777777"), 1);
  assert.equal(contrast("#767676", "#ffffff").toFixed(2), "4.54");
});

test("every colour of the palette is legible on both papers", () => {
  for (const theme of THEMES) {
    for (const token of TOKENS) {
      const ratio = contrast(colourValue(token, theme), PAPER[theme]);
      assert.ok(ratio >= 3, `${token} on ${theme}: ${ratio.toFixed(2)}`);
      // A marker is wide: it is seen at less contrast, and translucent anyway.
      assert.ok(contrast(markerValue(token, theme), PAPER[theme]) >= 1.6, `${token} marker on ${theme}`);
    }
  }
});

test("the colours of the palette differ from one another on both papers", () => {
  for (const theme of THEMES) {
    const values = TOKENS.map((token) => colourValue(token, theme));
    assert.equal(new Set(values).size, Object.keys(PALETTE).length);
  }
});

test("a custom colour stays as it is where it is seen, and is adapted where it would vanish", () => {
  assert.equal(colourValue("#1020f0", "light"), "#1020f0");
  assert.equal(colourValue("#ffffff", "dark"), "#ffffff");
  assert.notEqual(colourValue("#ffffff", "light"), "#ffffff");
  assert.notEqual(colourValue("#000000", "dark"), "#000000");
  const roll = dice(3);
  for (let i = 0; i < 600; i += 1) {
    const custom = `#${roll(2 ** 24).toString(16).padStart(6, "0")}`;
    for (const theme of THEMES) {
      assert.match(colourValue(custom, theme), /^#[0-9a-f]{6}$/);
      assert.ok(contrast(colourValue(custom, theme), PAPER[theme]) >= 2, `${custom} on ${theme}`);
    }
  }
});

test("ink is legible on any custom fill on dark paper, and a fill on light paper is as it was chosen", () => {
  const roll = dice(4);
  for (let i = 0; i < 600; i += 1) {
    const custom = `#${roll(2 ** 24).toString(16).padStart(6, "0")}`;
    assert.ok(contrast(fillValue(custom, "dark"), colourValue("ink", "dark")) >= 4.5, custom);
    assert.equal(fillValue(custom, "light"), custom);
  }
});
