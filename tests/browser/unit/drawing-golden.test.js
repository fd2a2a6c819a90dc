/**
 * The golden drawing: every kind, style and rotation. The server's tests read the same files
 * (src/picture/tests.rs), so that both draw the same.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { drawingSvg } from "../../../static/kinds/drawing-svg.js";
import { KINDS, boundsOf } from "../../../static/kinds/kinds.js";
import { rounded } from "../../../static/kinds/stroke-path.js";
import { escaped } from "../../../static/kinds/svg.js";
import { isBody } from "../../../static/model/body.js";
import { fileText } from "../../../static/model/drawing-file.js";
import { packPoints } from "../../../static/model/points.js";
import { dice } from "./dice.js";
import { assertGolden } from "./golden.js";

const HASHES = ["ab".repeat(32), "0c".repeat(32)];
const PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const FONT = "data:font/woff2;base64,AAAA";
const TITLE = "Golden <drawing> & \"more\"";
const COLOURS = ["ink", "red", "orange", "yellow", "green", "blue", "violet", "pink", "none", "mauve", "#a1b2c3", "#fdfdfa", "#101010"];
const TEXTS = ["", "AVATAR Tea, Yes!", "two\nlines of text", "  space   around  ", "“Größe” – façade, œuvre…", "<b>&amp;</b> 'quoted'", "a-word-that-is-wider-than-its-box and more", "tab\there"];

// As a canvas measures text in the bundled font; tests/golden/font.json is from the font itself.
const { advances, kerning } = JSON.parse(readFileSync(new URL("../../golden/font.json", import.meta.url), "utf8"));

/** @param {string} line */
function widthInFont(line) {
  const characters = [...line.replace(/\s/g, " ")];
  return characters.reduce((sum, character, i) => {
    assert.ok(character in advances, `no width of ${character}`);
    return sum + advances[character] + (kerning[(characters[i - 1] ?? "") + character] ?? 0);
  }, 0);
}

globalThis.document = {
  createElement: () => ({
    getContext: () => ({
      font: "",
      measureText(line) {
        return { width: (widthInFont(line) * Number.parseFloat(this.font)) / 1000 };
      },
    }),
  }),
};

/** Ink as a hand draws it, with corners, rests, and sometimes pressure. */
function ink(roll, left, top) {
  const isPressed = roll(2) === 1;
  const count = [1, 2, 3, 30][roll(4)];
  let [x, y, angle] = [left + roll(100), top + roll(100), roll(628) / 100];
  return Array.from({ length: count }, () => {
    angle = roll(9) === 0 ? roll(628) / 100 : angle + (roll(100) - 50) / 100;
    const step = roll(8) === 0 ? 0 : 1 + roll(12);
    x += step * Math.cos(angle);
    y += step * Math.sin(angle);
    return { x: Math.round(x * 8) / 8, y: Math.round(y * 8) / 8, ...(isPressed ? { pressure: roll(256) } : {}) };
  });
}

function goldenBody(roll, kind, left, top) {
  const maybe = (fields) => (roll(3) === 0 ? fields : {});
  const any = (values) => values[roll(values.length)];
  const isInk = ["pen", "marker", "laser", "polyline"].includes(kind);
  const hasPoints = isInk || !["text", "note", "image"].includes(kind);
  const points = isInk ? ink(roll, left, top) : Array.from({ length: 2 }, () => ({ x: left + roll(900) / 8, y: top + roll(900) / 8 }));
  return {
    kind,
    ...(hasPoints && (kind !== "hologram" || roll(2)) ? packPoints(points) : { x: left + roll(80) / 8, y: top + roll(80) / 8 }),
    colour: any(COLOURS),
    ...(roll(9) ? { width: any([0.25, 1, 2.5, 4, 8, 14, 20, 24.3]) } : {}),
    ...maybe({ fill: any(COLOURS) }),
    ...maybe({ dash: any(["solid", "dashed", "dotted", "wavy"]) }),
    ...maybe({ opacity: roll(101) / 100 }),
    ...maybe({ rotation: (roll(1256) - 628) / 100 }),
    ...(kind === "text" || kind === "note" ? { text: any(TEXTS) } : {}),
    ...maybe({ align: any(["start", "center", "end", "justify"]) }),
    ...(kind === "image" ? { w: 1 + roll(900) / 8, h: 1 + roll(900) / 8, asset: any(HASHES) } : {}),
    ...(["text", "note", "hologram"].includes(kind) ? maybe({ w: 20 + roll(900) / 8, h: 20 + roll(900) / 8 }) : {}),
    ...maybe({ later: { of: ["é", null, 1.5] } }),
  };
}

/** What is rarely made at random. */
const SPECIAL = [
  // Thick arrows that became short.
  ...[0, 3, 10, 20, 50].map((length, i) => ({ kind: "arrow", width: 14, dash: i % 2 ? "dashed" : "solid", ...packPoints([{ x: 1100, y: 60 * i }, { x: 1100 + length, y: 60 * i + length / 2 }]) })),
  // Ink of few points, far apart, with sharp bends and a rest.
  ...["pen", "marker", "laser"].flatMap((kind, i) => [-1, 1].map((side) => ({
    kind, width: 3, rotation: i / 2, ...packPoints([{ x: 1500, y: 400 * i }, { x: 1800, y: 400 * i }, { x: 1810, y: 400 * i + 300 * side }, { x: 1810, y: 400 * i + 300 * side }, { x: 1500, y: 400 * i + 290 * side }]),
  }))),
];

/** Some strokes of each kind, and special ones, in rows. */
function goldenStrokes() {
  const kinds = [...KINDS.keys(), "hologram"];
  const strokes = kinds.flatMap((kind, row) => Array.from({ length: kind === "pen" ? 12 : 8 }, (_, column) => {
    const seed = 100 * row + column + 1;
    return { id: Buffer.from(seed.toString(16).padStart(32, "0"), "hex").toString("base64url"), body: goldenBody(dice(seed), kind, column * 160 - 400, row * 160 - 300) };
  }));
  const special = SPECIAL.map((body, i) => ({ id: Buffer.from((10_000 + i).toString(16).padStart(32, "0"), "hex").toString("base64url"), body: { colour: "ink", ...body } }));
  return [...strokes, ...special, { id: "_____________________w", body: { kind: "pen", x: 1e-7, y: -1e-7, colour: "ink" } }];
}

test("the golden drawing has bodies of all kinds that the server takes", () => {
  for (const { body } of goldenStrokes()) assert.ok(isBody(body), JSON.stringify(body));
  assertGolden("drawing.json", fileText({ title: TITLE, strokes: goldenStrokes(), assets: Object.fromEntries(HASHES.map((hash) => [hash, PIXEL])) }));
});

test("the golden strokes have the same bounds here and on the server", () => {
  const bounds = goldenStrokes().map(({ id, body }) => {
    const { left, top, right, bottom } = boundsOf(body);
    return `${JSON.stringify(id)}:${left > right ? "null" : JSON.stringify([left, top, right, bottom].map(rounded))}`;
  });
  assertGolden("bounds.json", `{\n${bounds.join(",\n")}\n}\n`);
});

test("text that XML cannot have is replaced in an SVG", () => {
  assert.equal(escaped("a\u0007<\ud800>\ufffe\t\"🙂\""), "a\ufffd&#60;\ufffd&#62;\ufffd\t&#34;🙂&#34;");
});

test("the golden drawing is the same SVG here and on the server", () => {
  const bodies = goldenStrokes().map(({ body }) => body);
  const pictures = Object.fromEntries(HASHES.map((hash) => [hash, PIXEL]));
  for (const [theme, background] of [["light", true], ["dark", false]]) {
    const svg = drawingSvg(bodies, { theme, background, title: TITLE, pictures, font: FONT });
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
    assertGolden(`drawing-${theme}.svg`, svg);
  }
});
