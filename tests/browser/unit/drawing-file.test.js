import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { drawingSvg, pictureBox } from "../../../static/kinds/drawing-svg.js";
import { elementsOf, picturesOf, readExcalidraw } from "../../../static/kinds/excalidraw.js";
import { isExcalidraw } from "../../../static/model/file-formats.js";
import { KINDS, kindOf } from "../../../static/kinds/kinds.js";
import { isBody } from "../../../static/model/body.js";
import { copiesOf } from "../../../static/model/copies.js";
import { FileError, fileText, readDrawingFile } from "../../../static/model/drawing-file.js";
import { packPoints } from "../../../static/model/points.js";
import { dice } from "./dice.js";
import { assertGolden } from "./golden.js";

const HASH = "ab".repeat(32);
const PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** A random valid body, of a known kind or not, with any of the fields. */
function randomBody(roll) {
  const maybe = (fields) => (roll(2) ? fields : {});
  const kind = [...KINDS.keys(), "hologram"][roll(KINDS.size + 1)];
  const points = Array.from({ length: 2 + roll(4) }, () => ({ x: (roll(8000) - 4000) / 8, y: (roll(8000) - 4000) / 8 }));
  return {
    kind,
    ...packPoints(points),
    colour: ["ink", "red", "#a1b2c3"][roll(3)],
    width: 1 + roll(40),
    ...maybe({ fill: ["none", "blue", "#ffffff"][roll(3)] }),
    ...maybe({ dash: ["solid", "dashed", "dotted"][roll(3)] }),
    ...maybe({ opacity: roll(100) / 100 }),
    ...maybe({ rotation: (roll(1200) - 600) / 100 }),
    ...maybe({ group: `group-${roll(3)}` }),
    ...maybe({ locked: roll(2) === 1 }),
    ...maybe({ text: `one\n${"é".repeat(roll(20))} "two" </svg>` }),
    ...maybe({ align: ["start", "center", "end"][roll(3)] }),
    ...maybe({ w: 1 + roll(500), h: 1 + roll(500), asset: HASH }),
    ...maybe({ later: { of: [roll(9), null] } }),
  };
}

test("strokes of every kind come out of a file as they went in, in their order", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const roll = dice(seed);
    const strokes = Array.from({ length: roll(12) }, (_, i) => ({ id: `s${i}`, body: randomBody(roll) }));
    const text = fileText({ title: `A "title" ${seed}`, strokes, assets: { [HASH]: PIXEL } });
    const read = readDrawingFile(JSON.parse(text));
    assert.deepEqual(read, { title: `A "title" ${seed}`, strokes, assets: { [HASH]: PIXEL }, skipped: 0 }, `seed ${seed}`);
    assert.equal(fileText(read), text, `seed ${seed}`);
  }
});

test("strokes that the server would refuse are skipped and counted", () => {
  const good = { kind: "pen", x: 0, y: 0, colour: "ink" };
  const bad = [
    null, "pen", [], {}, { ...good, kind: "Pen" }, { ...good, x: "0" }, { ...good, x: 1e8 }, { ...good, colour: undefined },
    { ...good, colour: "#FFF" }, { ...good, points: "!!" }, { ...good, width: 0 }, { ...good, opacity: 2 }, { ...good, rotation: 7 },
    { ...good, w: 0 }, { ...good, text: "x".repeat(5000) }, { ...good, locked: 1 }, { ...good, asset: "http://example.org/" },
    { ...good, start: [] }, { ...good, later: "x".repeat(70_000) },
  ];
  for (const body of bad) assert.equal(isBody(body), false, JSON.stringify(body)?.slice(0, 80));
  const value = { format: "whiteboard", version: 1, title: 3, strokes: [{ id: "a", body: good }, ...bad.map((body) => ({ id: "b", body })), { body: good }] };
  const { strokes, skipped, title } = readDrawingFile(value);
  assert.deepEqual([strokes.length, skipped, title], [1, bad.length + 1, ""]);
});

test("other files and newer versions are told apart, and addresses of others are no pictures", () => {
  const reason = (value) => {
    try {
      return readDrawingFile(value);
    } catch (error) {
      assert.ok(error instanceof FileError);
      return error.reason;
    }
  };
  for (const value of [null, 1, [], {}, { format: "whiteboard" }, { format: "other", version: 1, strokes: [] }]) assert.equal(reason(value), "format");
  assert.equal(reason({ format: "whiteboard", version: 2, strokes: [] }), "version");
  const { assets } = readDrawingFile({ format: "whiteboard", version: 1, strokes: [], assets: { a: "https://example.org/a.png", b: 1, c: PIXEL } });
  assert.deepEqual(assets, { c: PIXEL });
});

test("copies have new ids everywhere, and keep what belongs together", () => {
  let n = 0;
  const originals = [
    { id: "a", body: { kind: "rectangle", x: 0, y: 0, group: "g" } },
    { id: "b", body: { kind: "text", x: 0, y: 0, group: "g" } },
    { id: "c", body: { kind: "arrow", x: 0, y: 0, group: "h", start: { stroke: "a", at: [0, 1] }, end: { stroke: "elsewhere", at: [0, 0] } } },
  ];
  const [a, b, c] = copiesOf(originals, () => `new-${(n += 1)}`);
  assert.equal(new Set([a.id, b.id, c.id]).size, 3);
  assert.equal(a.body.group, b.body.group);
  assert.notEqual(a.body.group, c.body.group);
  assert.deepEqual(c.body.start, { stroke: a.id, at: [0, 1] });
  assert.equal(c.body.end, undefined);
  assert.doesNotMatch(JSON.stringify([a, b, c]), /"(a|b|c|g|h)"/);
  assert.equal(originals[0].id, "a");
});

const sketch = JSON.parse(readFileSync(new URL("../fixtures/sketch.excalidraw", import.meta.url), "utf8"));

test("a file of Excalidraw becomes strokes of our kinds", () => {
  assert.ok(isExcalidraw(sketch));
  assert.deepEqual([...picturesOf(sketch).keys()], ["file-1"]);
  const { strokes, skipped } = readExcalidraw(sketch, new Map([["file-1", HASH]]));
  // The frame and the embedded page have no counterpart.
  assert.equal(skipped, elementsOf(sketch).filter(({ type }) => !["frame", "embeddable"].includes(type) && !KINDS.has(type === "freedraw" ? "pen" : type)).length + 2);
  for (const { body } of strokes) assert.ok(isBody(body), JSON.stringify(body));
  assertGolden("sketch.json", fileText({ title: "Sketch", strokes }));
});

test("Excalidraw's styles, groups, texts and bindings are kept", () => {
  const { strokes } = readExcalidraw(sketch, new Map([["file-1", HASH]]));
  const of = (id) => strokes.find((stroke) => stroke.id === `element-${id}`)?.body;
  const [box, label, server, link] = [1, 2, 3, 4].map(of);
  assert.deepEqual([box.kind, box.colour, box.fill, box.width], ["rectangle", "blue", "#a5d8ff", 2]);
  assert.equal(label.group, box.group);
  assert.ok(label.group);
  assert.deepEqual([server.dash, server.width, link.kind], ["dashed", 4, "arrow"]);
  assert.deepEqual([link.start.stroke, link.end.stroke], ["element-1", "element-3"]);
  // Arrows of several parts, and arrows with two heads, are groups.
  assert.deepEqual(strokes.filter(({ id }) => id.startsWith("element-5")).map(({ body }) => body.kind), ["polyline", "arrow", "arrow"]);
  const [oval, note] = [8, 9].map(of);
  assert.deepEqual([oval.dash, oval.group, note.group], ["dotted", "g-outer", "g-outer"]);
  const lines = of(15);
  assert.deepEqual([lines.align, lines.locked, lines.rotation, lines.text, lines.width], ["end", true, 0.1, "Right\naligned, locked", 25]);
  const [ink, pressed] = [13, 14].map(of);
  assert.equal(kindOf(ink).outline(ink).filled && kindOf(pressed).outline(pressed).filled, kindOf(ink).outline(ink).filled);
  assert.deepEqual([of(16).kind, of(16).asset, of(16).w], ["image", HASH, 120]);
});

test("nonsense in a file of Excalidraw is skipped, never thrown", () => {
  const kinds = ["rectangle", "ellipse", "diamond", "line", "arrow", "freedraw", "text", "image"];
  const odd = [undefined, null, NaN, Infinity, -1, 1e12, "x", [], {}, [[0]], [["a", 1], [2, 2]], [[0, 0], [1e12, 0]], true];
  const fields = ["x", "y", "width", "height", "angle", "strokeColor", "backgroundColor", "strokeWidth", "strokeStyle", "opacity", "groupIds", "points", "pressures", "text", "fontSize", "textAlign", "fileId", "startBinding", "endBinding", "containerId", "roundness", "locked", "simulatePressure"];
  const roll = dice(7);
  for (let i = 0; i < 3_000; i += 1) {
    const element = { id: `e${i}`, type: kinds[roll(kinds.length)], x: 0, y: 0, width: 10, height: 10, points: [[0, 0], [10, 10]], endArrowhead: "arrow", text: "t", fontSize: 20 };
    for (let j = 0; j < 2; j += 1) element[fields[roll(fields.length)]] = odd[roll(odd.length)];
    const { strokes } = readExcalidraw({ type: "excalidraw", elements: [element, null, 3, { type: 1 }] }, new Map());
    for (const { body } of strokes) assert.ok(isBody(body), JSON.stringify(element));
  }
  for (const value of [null, {}, { type: "excalidraw" }, { type: "excalidraw", elements: {} }]) assert.ok(!isExcalidraw(value));
});

test("an SVG of a drawing is complete, and names nothing outside itself", () => {
  const { strokes } = readExcalidraw(sketch, new Map([["file-1", HASH]]));
  // How ink looks is not this file's to say.
  const bodies = strokes.map(({ body }) => body).filter(({ kind }) => kind !== "pen");
  const svg = drawingSvg(bodies, { theme: "light", background: true, title: "<Sketch> & more", pictures: { [HASH]: PIXEL, other: "unused" } });
  assertGolden("sketch.svg", svg);
  assert.match(svg, /<title>&#60;Sketch&#62; &#38; more<\/title>/);
  assert.equal(svg.match(/<image /g).length, 1);
  for (const [, address] of svg.matchAll(/href="([^"]*)"|url\(/g)) assert.match(address, /^#picture-|^data:image\/png/);
  const dark = drawingSvg(bodies, { theme: "dark", background: false, title: "" });
  assert.doesNotMatch(dark, /<title|<rect x="-16"/);
  assert.doesNotMatch(dark + svg, /NaN|undefined|Infinity/);
});

test("the picture of nothing is small, and of strokes has a margin", () => {
  assert.deepEqual(pictureBox([]), { left: 0, top: 0, right: 64, bottom: 64 });
  const body = { kind: "image", x: 10, y: 20, w: 100, h: 50, asset: HASH, colour: "ink" };
  assert.deepEqual(pictureBox([body, { kind: "pen", x: 0, y: 0, points: "!!" }]), { left: -6, top: 4, right: 126, bottom: 86 });
});
