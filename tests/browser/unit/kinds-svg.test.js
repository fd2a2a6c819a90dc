import assert from "node:assert/strict";
import { test } from "node:test";
import { KINDS } from "../../../static/kinds/kinds.js";
import { boxAround, boxMap, grown } from "../../../static/model/geometry.js";
import { BASELINE, EM_OF_LINE, lineWidth } from "../../../static/kinds/measure.js";
import { applied, at, each } from "./random-bodies.js";
import { geometryOf } from "./svg-geometry.js";

/** Hundredths in SVG, eighths in points. */
const ROUNDING = 0.15;
const cornersOf = ({ left, top, right, bottom }) => [at(left, top), at(right, top), at(right, bottom), at(left, bottom)];
/** Whether a box is within another one, but for rounding. */
const isInside = (inner, outer) => ["left", "top"].every((side) => inner[side] > outer[side] - ROUNDING) && ["right", "bottom"].every((side) => inner[side] < outer[side] + ROUNDING);

/** How far the geometry goes beyond the frame: curves bend, ink is thick and arrows have heads. The others' is the frame. */
const BEYOND = new Set(["pen", "marker", "laser", "arrow"]);

/** Text has no paths: its box follows from where its lines are, and from the font. */
function boxOfLines({ lines, em }) {
  const height = em / EM_OF_LINE;
  return boxAround(lines.flatMap(({ line, x, y }) => [at(x, y - BASELINE * height), at(x + lineWidth(line, em), y + (1 - BASELINE) * height)]), 0);
}

/** Asserts that what is painted is where the kind says the stroke is. */
function assertBounds(body, kind, what, theme) {
  const [bounds, frame] = [kind.bounds(body), kind.frame(body)];
  const reach = frame.left - kind.bounds(applied(body, { rotation: null })).left;
  const read = geometryOf(kind.toSvg(body, theme));
  const box = read.paths.length > 0 ? read.box : boxOfLines(read);
  const painted = boxAround((read.paths.length > 0 ? read.paths.flat() : cornersOf(box)).map(read.turn), read.reach);
  const told = (one, other) => `${what}: ${JSON.stringify(one)} is not within ${JSON.stringify(other)}`;
  assert.ok(isInside(painted, bounds), told(painted, bounds));
  // A text that is wrapped, and at the end here, may be narrower than its box.
  const filled = body.kind === "text" && body.w ? { ...box, left: frame.left } : box;
  assert.ok(isInside(frame, filled), told(frame, filled));
  assert.ok(isInside(box, BEYOND.has(body.kind) ? grown(frame, reach) : frame), told(box, frame));
  // Bounds are those of the turned frame, as SVG turns it, and what may be painted beyond it.
  const turned = boxAround(cornersOf(frame).map(read.turn), reach);
  assert.ok(isInside(turned, bounds) && isInside(bounds, turned), told(turned, bounds));
}

test("what SVG paints has the bounds of the stroke, also moved, resized and turned", () => {
  const seen = new Set();
  each((body, kind, roll, what) => {
    seen.add(body.kind);
    assertBounds(body, kind, what, "light");
    assertBounds(body, kind, what, "dark");
    assertBounds(applied(body, kind.moved(body, roll(1000) - 500, roll(1000) - 500)), kind, `${what}, moved`, "light");
    const map = boxMap({ left: -200, top: -200, right: 200, bottom: 200 }, { left: roll(100), top: 0, right: 300 + roll(300), bottom: 200 + roll(300) });
    assertBounds(applied(body, kind.resized(body, map)), kind, `${what}, resized`, "light");
    assertBounds(applied(body, kind.rotated(body, (roll(1256) - 628) / 100, at(roll(300), roll(300)))), kind, `${what}, turned`, "dark");
  });
  assert.deepEqual([...KINDS.keys()].filter((kind) => !seen.has(kind)), []);
});
