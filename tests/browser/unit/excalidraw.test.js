import assert from "node:assert/strict";
import { test } from "node:test";
import { readExcalidraw } from "../../../static/kinds/excalidraw.js";
import { KINDS, kindOf } from "../../../static/kinds/kinds.js";
import { EM_OF_LINE } from "../../../static/kinds/measure.js";
import { isBody } from "../../../static/model/body.js";
import { boxAround, centreOf, grown, rotatedPoint } from "../../../static/model/geometry.js";
import { PALETTE, PAPER, colourValue, contrast, fillValue } from "../../../static/model/palette.js";
import { unpackPoints } from "../../../static/model/points.js";
import { dice } from "./dice.js";
import { HASH, at } from "./random-bodies.js";
import { geometryOf } from "./svg-geometry.js";

const SEEDS = 400;
/** Eighths of a unit, at both ends. */
const ROUNDING = 0.13;
/** Excalidraw draws ink thicker than lines of the same width. */
const INK = 2.5;
const BOXES = ["rectangle", "ellipse", "diamond"];
/** Elements, with the kinds that are made of them, each with all its parts. */
const TYPES = { rectangle: "rectangle", ellipse: "ellipse", diamond: "diamond", text: "text", image: "image", freedraw: "pen", line: "line", lines: "polyline", arrow: "arrow" };
/** Colours of Excalidraw: tokens here, as any program writes them, and others, which stay as they are. */
const COLOURS = [["#1e1e1e", "ink"], ["#E03131", "red"], ["#f08c00", "orange"], ["#2f9e44", "green"], ["#1971c2ff", "blue"], ["#6741d9", "violet"], ["#c2255c", "pink"], ["black", "ink"], ["#000", "ink"], ["#12AB34", "#12ab34"], ["#fa5", "#ffaa55"]];
const FILLS = [["transparent", undefined], ["#ffc9c9", "#ffc9c9"], ["#1971c2", "blue"], ["#2f9e44", "green"], ["#0b7", "#00bb77"]];
const DASHES = [["solid", undefined], ["dashed", "dashed"], ["dotted", "dotted"]];

/** A random element, as the program writes it, and what its fields mean. */
function randomElement(roll) {
  const type = Object.keys(TYPES)[roll(Object.keys(TYPES).length)];
  const [colour, fill, dash] = [COLOURS, FILLS, DASHES].map((all) => all[roll(all.length)]);
  const place = () => (roll(80_000) - 40_000) / 17;
  const [x, y, width, height] = [place(), place(), 20 + roll(5000) / 7, 20 + roll(5000) / 7];
  const strokeWidth = [1, 2, 4, 7.5][roll(4)];
  const opacity = [100, roll(101)][roll(2)];
  const angle = [0, (roll(628) - 314) / 100, Math.PI / 2][roll(3)];
  const count = { line: 2, arrow: 2, lines: 3 + roll(4), freedraw: 1 + roll(12) }[type] ?? 0;
  const points = Array.from({ length: count }, (_, i) => (i === 0 ? [0, 0] : [place() / 8, place() / 8]));
  const words = ["Ünïcode & <b>", "two\nlines", "one"][roll(3)];
  const element = {
    id: "e", type: type === "lines" ? "line" : type, x, y, width, height, angle, opacity, strokeWidth,
    strokeColor: colour[0], backgroundColor: fill[0], strokeStyle: dash[0], locked: roll(2) === 1, groupIds: [], isDeleted: false,
    ...(count > 0 ? { points } : {}),
    ...(type === "arrow" ? { startArrowhead: null, endArrowhead: "arrow" } : {}),
    ...(type === "freedraw" ? { simulatePressure: false, pressures: points.map(() => roll(256) / 255) } : {}),
    ...(type === "text" ? { text: words, fontSize: 12 + roll(60), textAlign: ["left", "center", "right"][roll(3)] } : {}),
    ...(type === "image" ? { fileId: "f" } : {}),
  };
  return { type, element, colour: colour[1], fill: fill[1], dash: dash[1] };
}

/** The place of an element before it is turned: its points, or its box. */
function placeOf({ x, y, width, height, points }) {
  return points ? boxAround(points.map(([dx, dy]) => at(x + dx, y + dy)), 0) : { left: x, top: y, right: x + width, bottom: y + height };
}

function assertBox(box, expected, what, within = ROUNDING) {
  for (const side of ["left", "top", "right", "bottom"]) assert.ok(Math.abs(box[side] - expected[side]) <= within, `${what}: ${side} is ${box[side]}, not ${expected[side]}`);
}

function each(check) {
  const seen = new Set();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const one = randomElement(dice(seed));
    const { strokes, skipped } = readExcalidraw({ type: "excalidraw", elements: [one.element] }, new Map([["f", HASH]]));
    const what = `seed ${seed}, ${one.type}`;
    assert.deepEqual([strokes.map(({ body }) => body.kind), skipped], [[TYPES[one.type]], 0], what);
    seen.add(one.type);
    check(one, strokes[0].body, what);
  }
  assert.deepEqual([...seen].sort(), Object.keys(TYPES).sort());
}

test("the elements below are of every kind that takes any", () => {
  const takers = [...KINDS.values()].filter(({ fromExcalidraw }) => fromExcalidraw).map(({ id }) => id);
  assert.deepEqual([...new Set(Object.values(TYPES))].sort(), takers.sort());
});

test("an element's position, size and angle come through", () => {
  each(({ type, element }, body, what) => {
    assert.ok(isBody(body), what);
    const kind = kindOf(body);
    const place = placeOf(element);
    if (["line", "lines", "arrow"].includes(type)) {
      // Their points are turned, so that they need no rotation; of a sharp corner there are two.
      const turned = element.points.map(([dx, dy]) => rotatedPoint(at(element.x + dx, element.y + dy), element.angle, centreOf(place)));
      const read = unpackPoints(body).filter((point, i, all) => i === 0 || point.x !== all[i - 1].x || point.y !== all[i - 1].y);
      assert.equal(body.rotation, undefined, what);
      assert.equal(read.length, turned.length, what);
      read.forEach((point, i) => assert.ok(Math.hypot(point.x - turned[i].x, point.y - turned[i].y) <= ROUNDING, what));
      assertBox(kind.frame(body), boxAround(turned, 0), what);
      return;
    }
    assert.ok(Math.abs((body.rotation ?? 0) - element.angle) < 1e-9, what);
    if (type === "text") {
      // Its font is another one: the box of the text is centred from top to bottom, and aligned from left to right.
      const [frame, centre] = [kind.frame(body), centreOf(place)];
      const [edge, expected] = { left: [frame.left, place.left], center: [centreOf(frame).x, centre.x], right: [frame.right, place.right] }[element.textAlign];
      assert.ok(Math.abs(edge - expected) <= ROUNDING && Math.abs(centreOf(frame).y - centre.y) <= ROUNDING, what);
      return;
    }
    assertBox(kind.frame(body), place, what);
    const { box } = geometryOf(kind.toSvg(body, "light"));
    if (BOXES.includes(type) || type === "image") assertBox(box, place, `${what} in SVG`);
  });
});

test("an element's colour, width, dash, fill, opacity and lock come through", () => {
  each(({ type, element, colour, fill, dash }, body, what) => {
    assert.deepEqual([body.colour, body.opacity ?? 1, body.locked ?? false], [colour, element.opacity / 100, element.locked], what);
    if (type === "text" || type === "image") return;
    assert.equal(body.width, element.strokeWidth * (type === "freedraw" ? INK : 1), what);
    assert.equal(body.dash, dash, what);
    // A line and an arrow enclose nothing.
    assert.equal(body.fill, type === "line" || type === "arrow" ? undefined : fill, what);
  });
});

test("an element is painted in its colours on light and on dark paper", () => {
  each(({ type, colour, fill, element }, body, what) => {
    for (const theme of /** @type {const} */ (["light", "dark"])) {
      const { attributes, fills } = geometryOf(kindOf(body).toSvg(body, theme));
      assert.equal(Number(attributes.opacity ?? 1), element.opacity / 100, what);
      if (type === "image") continue;
      const value = type === "text" || type === "freedraw" ? fills.at(-1) : attributes.stroke;
      assert.equal(value, Object.hasOwn(PALETTE, colour) ? PALETTE[colour][theme] : colourValue(colour, theme), `${what}, ${theme}`);
      assert.ok(contrast(value, PAPER[theme]) >= 2, `${what}, ${theme}`);
      if (type === "lines" || BOXES.includes(type)) assert.equal(attributes.fill, fill === undefined ? "none" : fillValue(fill, theme), `${what}, ${theme}`);
      // The area of ink is below it.
      if (type === "freedraw") assert.deepEqual(fills.slice(0, -1), fill === undefined ? [] : [fillValue(fill, theme)], `${what}, ${theme}`);
      else if (type !== "text") assert.equal(attributes["stroke-dasharray"] === undefined, body.dash === undefined, what);
    }
  });
});

test("the text of a container is legible on its fill, on light and on dark paper", () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const roll = dice(seed);
    // Excalidraw's fills are light, and its text is dark: here both adapt to the paper.
    const backgroundColor = `#${Array.from({ length: 3 }, () => (150 + roll(106)).toString(16)).join("")}`;
    const box = { id: "box", type: BOXES[roll(3)], x: 0, y: 0, width: 200, height: 100, strokeColor: "#1e1e1e", backgroundColor };
    const label = { id: "label", type: "text", x: 50, y: 40, width: 100, height: 25, strokeColor: "#1e1e1e", text: "Words", fontSize: 20, containerId: "box" };
    const { strokes } = readExcalidraw({ type: "excalidraw", elements: [box, label] }, new Map());
    for (const theme of /** @type {const} */ (["light", "dark"])) {
      const [fill, ink] = strokes.map(({ body }) => geometryOf(kindOf(body).toSvg(body, theme)).attributes.fill);
      assert.ok(contrast(fill, ink) >= 4.5, `seed ${seed}, ${theme}: ${ink} on ${fill}`);
    }
  }
});

test("an element's text, its size and its alignment come through, as does the pressure of ink", () => {
  each(({ type, element }, body, what) => {
    if (type === "text") {
      assert.deepEqual([body.text, body.align ?? "start"], [element.text, { left: "start", center: "center", right: "end" }[element.textAlign]], what);
      const { lines, em } = geometryOf(kindOf(body).toSvg(body, "dark"));
      assert.deepEqual(lines.map(({ line }) => line), element.text.split("\n"), what);
      assert.ok(Math.abs(em - element.fontSize) <= ROUNDING * EM_OF_LINE, what);
    } else if (type === "freedraw") {
      assert.deepEqual(unpackPoints(body).map(({ pressure }) => pressure), element.pressures.map((pressure) => Math.round(pressure * 255)), what);
    } else if (type === "image") {
      assert.equal(body.asset, HASH, what);
    }
  });
});
