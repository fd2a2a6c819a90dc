import assert from "node:assert/strict";
import { test } from "node:test";
import { fitted, panned, pinched, shownBox, toPlane, toScreen, zoomedTo } from "../../../static/canvas/camera.js";
import { boxAround, boxMap, mappedPoint, rotatedPoint, simplified, touchesBox, touchesLine } from "../../../static/model/geometry.js";
import { pressedRadius } from "../../../static/kinds/ink.js";

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

test("a box is touched from inside, across and from its edge", () => {
  const box = { left: 10, top: 10, right: 90, bottom: 50 };
  assert.ok(touchesBox(box, at(40, 40), at(40, 40), 1));
  assert.ok(touchesBox(box, at(0, 30), at(200, 30), 1));
  assert.ok(!touchesBox(box, at(0, 60), at(200, 60), 1));
});

test("a map of boxes moves corners to corners, and mirrors", () => {
  const map = boxMap({ left: 0, top: 0, right: 10, bottom: 20 }, { left: 100, top: 50, right: 80, bottom: 60 });
  assert.deepEqual([mappedPoint(at(0, 0), map), mappedPoint(at(10, 20), map)], [at(100, 50), at(80, 60)]);
  const flat = boxMap({ left: 5, top: 0, right: 5, bottom: 20 }, { left: 7, top: 0, right: 9, bottom: 40 });
  assert.deepEqual(mappedPoint(at(5, 10), flat), at(7, 20));
});

test("a quarter turn is clockwise on the screen", () => {
  const { x, y } = rotatedPoint(at(10, 0), Math.PI / 2, at(0, 0));
  near(x, 0);
  near(y, 10);
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

test("more pressure makes a line thicker", () => {
  assert.ok(pressedRadius(8, 0) > 0);
  assert.ok(pressedRadius(8, 255) > pressedRadius(8, 127) && pressedRadius(8, 127) > pressedRadius(8, 0));
});
