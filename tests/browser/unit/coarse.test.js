import assert from "node:assert/strict";
import { test } from "node:test";
import { meanWidth, traceMiddle, traceRibbon } from "../../../static/kinds/coarse.js";
import { dice } from "./dice.js";

/** Steps are eighths of a unit, from (100, 50). */
const UNIT = 1 / 8;
const line = (points, pressures = null) => ({ x: 100, y: 50, unit: UNIT, steps: points.flatMap(([x, y]) => [x / UNIT, y / UNIT]), pressures });

/** The corners of what is traced, each curve being a point of it. */
function traced(trace) {
  const corners = [];
  const sink = {
    moveTo: (x, y) => void corners.push([x, y]),
    lineTo: (x, y) => void corners.push([x, y]),
    quadraticCurveTo: (cx, cy, x, y) => void corners.push([cx, cy], [x, y]),
  };
  trace(sink);
  return corners;
}

/** The area within corners. */
function areaOf(corners) {
  return Math.abs(corners.reduce((sum, [x, y], i) => {
    const [toX, toY] = corners[(i + 1) % corners.length];
    return sum + x * toY - toX * y;
  }, 0)) / 2;
}

function distance([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const f = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - ax - f * dx, y - ay - f * dy);
}

const away = (point, line) => Math.min(...line.slice(1).map((to, i) => distance(point, line[i], to)));

/** A line by hand: points some units apart that turn now and then, also sharply. */
function wavy(roll) {
  let [x, y, angle] = [0, 0, roll(628) / 100];
  return Array.from({ length: 2 + roll(80) }, () => {
    angle += roll(20) === 0 ? Math.PI / 2 : (roll(100) - 50) / 100;
    [x, y] = [x + Math.cos(angle) * (1 + roll(12)), y + Math.sin(angle) * (1 + roll(12))].map((at) => Math.round(at * 8) / 8);
    return [x, y];
  });
}

test("a line far out is as near to its points as can be seen", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const roll = dice(seed);
    const points = wavy(roll);
    const lod = 2 ** -roll(4);
    const pressures = roll(2) ? points.map(() => roll(256)) : null;
    const inPlane = points.map(([x, y]) => [100 + x, 50 + y]);
    const corners = traced((sink) => traceMiddle(sink, line(points), lod));
    for (const corner of corners) assert.ok(away(corner, inPlane) * lod <= 3, `seed ${seed}`);
    assert.deepEqual([corners[0], corners.at(-1)], [inPlane[0], inPlane.at(-1)], `seed ${seed}`);
    const ribbon = traced((sink) => traceRibbon(sink, line(points, pressures), lod, 2));
    assert.ok(ribbon.flat().every(Number.isFinite), `seed ${seed}`);
    for (const corner of ribbon) assert.ok(away(corner, inPlane) <= 3 / lod + 2 * 1.6, `seed ${seed}`);
  }
});

test("a corner between long straight parts is not cut", () => {
  const points = [[0, 0], [400, 0], [400, 300]];
  const corners = traced((sink) => traceMiddle(sink, line(points), 0.25));
  const inPlane = points.map(([x, y]) => [100 + x, 50 + y]);
  // The corner itself is a control point: the curve begins and ends three pixels away from it.
  assert.deepEqual(corners.filter((corner) => away(corner, inPlane) > 1e-9), []);
  assert.ok(corners.some(([x, y]) => x === 100 + 400 - 12 && y === 50) && corners.some(([x, y]) => x === 100 + 400 && y === 50 + 12));
});

test("a ribbon is as thick as ink is there, and its ends are half as thick", () => {
  const points = Array.from({ length: 41 }, (_, i) => [i * 5, 0]);
  const corners = traced((sink) => traceRibbon(sink, line(points), 1, 8));
  assert.ok(Math.abs(areaOf(corners) - (190 * 8 + 2 * 5 * 6)) < 1e-6);
  const pressed = traced((sink) => traceRibbon(sink, line(points, points.map(() => 255)), 1, 8));
  assert.ok(Math.abs(areaOf(pressed) / areaOf(corners) - 1.55) < 1e-6);
  const turn = traced((sink) => traceRibbon(sink, line([[0, 0], [100, 0], [0, 0]]), 1, 8));
  assert.ok(turn.flat().every(Number.isFinite), "there and back");
});

test("a point is traced as a dot, and points on each other as one", () => {
  const dot = traced((sink) => traceMiddle(sink, line([[0, 0]]), 1));
  assert.ok( dot[0][0] === 100 && dot[1][0] > 100);
  for (const trace of [traceMiddle, traceRibbon]) {
    const corners = traced((sink) => trace(sink, line([[0, 0], [0, 0], [9, 0], [9, 0], [9, 9], [9, 9]]), 1, 2));
    assert.ok(corners.length > 2 && corners.flat().every(Number.isFinite));
  }
});

test("the mean width follows the pressure, also of few points", () => {
  const points = [[0, 0], [1, 0], [2, 0]];
  assert.equal(meanWidth(line(points), 4), 4);
  assert.ok(Math.abs(meanWidth(line(points, [127.5, 127.5, 127.5]), 4) - 4) < 1e-9);
  assert.ok(meanWidth(line(points, [255, 255, 255]), 4) > 6 && meanWidth(line(points, [0, 0, 0]), 4) < 4);
});
