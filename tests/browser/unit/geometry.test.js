import assert from "node:assert/strict";
import { test } from "node:test";
import { fitted, panned, pinched, shownBox, toPlane, toScreen, zoomedTo } from "../../../static/camera.js";
import { boxAround, boxOfText, polylineOf, simplified, touchesBox, touchesLine } from "../../../static/geometry.js";
import { strokePath, pressedRadius } from "../../../static/stroke-path.js";

const at = (x, y) => ({ x, y });
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test("simplifying keeps both ends and every corner", () => {
  const line = [...Array.from({ length: 50 }, (_, i) => at(i, 0)), ...Array.from({ length: 50 }, (_, i) => at(49, i + 1))];
  assert.deepEqual(simplified(line, 0.3), [at(0, 0), at(49, 0), at(49, 50)]);
  assert.deepEqual(simplified([at(1, 1)], 1), [at(1, 1)]);
  const there = [at(0, 0), at(5, 0), at(0, 0)];
  assert.deepEqual(simplified(there, 0.3), there, "a line that returns to its start");
});

test("simplifying keeps a change of pressure on a straight line", () => {
  const line = [0, 40, 80, 255, 80, 40, 0].map((pressure, i) => ({ x: i, y: 0, pressure }));
  assert.ok(simplified(line, 0.3, 4).some(({ pressure }) => pressure === 255));
  assert.equal(simplified(line, 0.3).length, 2, "without a pressure scale it is ignored");
});

test("an eraser touches every line that it crosses, however fast", () => {
  const line = [at(0, 0), at(100, 0)];
  assert.ok(touchesLine(line, 4, at(50, -200), at(50, 200), 8));
  assert.ok(touchesLine(line, 4, at(50, 9), at(50, 9), 8));
  assert.ok(!touchesLine(line, 4, at(50, 11), at(50, 11), 8));
  assert.ok(touchesLine([at(5, 5)], 4, at(0, 0), at(10, 10), 1), "a dot");
});

test("rectangles and ellipses are touched at their outlines only", () => {
  for (const tool of ["rectangle", "ellipse"]) {
    const line = polylineOf(tool, [at(0, 0), at(100, 60)]);
    assert.ok(touchesLine(line, 4, at(100, 30), at(100, 30), 3), tool);
    assert.ok(!touchesLine(line, 4, at(50, 30), at(50, 30), 8), tool);
  }
});

test("a text is touched anywhere in its lines", () => {
  const box = boxOfText({ x: 10, y: 10, width: 20, text: "two\nlines" }, (line, em) => line.length * em);
  assert.deepEqual(box, { left: 10, top: 10, right: 90, bottom: 50 });
  assert.ok(touchesBox(box, at(40, 40), at(40, 40), 1));
  assert.ok(touchesBox(box, at(0, 30), at(200, 30), 1));
  assert.ok(!touchesBox(box, at(0, 60), at(200, 60), 1));
});

test("zooming keeps the point under the pointer", () => {
  const camera = zoomedTo({ x: 3, y: 4, zoom: 1.5 }, 4, at(200, 100));
  const point = toPlane({ x: 3, y: 4, zoom: 1.5 }, at(200, 100));
  const pixel = toScreen(camera, point);
  near(pixel.x, 200);
  near(pixel.y, 100);
});

test("a pinch keeps the points under the fingers", () => {
  const camera = { x: 0, y: 0, zoom: 1 };
  const after = pinched(camera, [at(100, 100), at(200, 100)], [at(50, 150), at(250, 150)]);
  near(after.zoom, 2);
  const pixel = toScreen(after, toPlane(camera, at(100, 100)));
  near(pixel.x, 50);
  near(pixel.y, 150);
  near(panned(camera, 10, -5).x, -10);
});

test("fitting shows the whole box, at 100 % at most", () => {
  const size = { width: 400, height: 800 };
  const box = boxAround([at(-500, 0), at(1500, 300)], 0);
  const shown = shownBox(fitted(box, size), size);
  assert.ok(shown.left < -500 && shown.right > 1500 && shown.top < 0 && shown.bottom > 300);
  assert.equal(fitted(boxAround([at(0, 0)], 5), size).zoom, 1);
});

test("a path never contains NaN or Infinity", () => {
  const paths = [[at(0, 0)], [at(0, 0), at(0, 0)], [at(0, 0), at(1, 0), at(0, 0), at(0, 0)]];
  for (const points of paths) {
    for (const tool of ["pen", "marker", "line", "arrow", "rectangle", "ellipse"]) {
      assert.doesNotMatch(strokePath(tool, points, 4).data, /NaN|Infinity/, tool);
    }
    const pressed = points.map((point, i) => ({ ...point, pressure: i * 60 }));
    const { data, filled } = strokePath("pen", pressed, 4);
    assert.doesNotMatch(data, /NaN|Infinity/);
    assert.ok(filled);
  }
});

test("more pressure makes a line thicker", () => {
  assert.ok(pressedRadius(8, 0) > 0);
  assert.ok(pressedRadius(8, 255) > pressedRadius(8, 127) && pressedRadius(8, 127) > pressedRadius(8, 0));
});
