import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, shownBox, showing, towards } from "../../../static/canvas/camera.js";
import { edgeMark } from "../../../static/canvas/edge.js";
import { ViewGlide } from "../../../static/canvas/view-glide.js";
import { RemoteViews } from "../../../static/presence/remote-views.js";
import { dice } from "./dice.js";

const shows = { x: 0, y: 10, w: 800, h: 600 };

test("the newest view of a listed writer is held", () => {
  const views = new RemoteViews();
  views.setPeople([{ writer: "a" }, { writer: "b" }]);
  views.receive({ writer: "a", shows }, 0);
  views.receive({ writer: "a", shows: { ...shows, x: 5 } }, 1);
  assert.deepEqual(views.of("a"), { left: 5, top: 10, right: 805, bottom: 610 });
  assert.equal(views.of("b"), null);
  views.setPeople([{ writer: "b" }]);
  assert.equal(views.of("a"), null);
});

test("invitations are passed on at most once in ten seconds per writer, and three of all", () => {
  const views = new RemoteViews();
  const call = (writer, now) => views.receive({ writer, shows, call: true }, now);
  assert.deepEqual([call("a", 0), call("a", 9_999), call("b", 9_999)], [true, false, true]);
  assert.deepEqual([call("a", 10_000), call("c", 10_001), call("d", 10_002)], [true, true, false]);
  assert.equal(call("d", 20_000), true);
});

const size = { width: 1000, height: 700 };

test("a camera that shows a box shows all of it", () => {
  const random = dice(7);
  for (let i = 0; i < 200; i += 1) {
    const [left, top] = [random(2_000) - 1_000, random(2_000) - 1_000];
    const box = { left, top, right: left + 200 + random(3_000), bottom: top + 200 + random(3_000) };
    const shown = shownBox(showing(box, size), size);
    const slack = 1e-6;
    assert.ok(shown.left <= box.left + slack && shown.right >= box.right - slack && shown.top <= box.top + slack && shown.bottom >= box.bottom - slack);
  }
});

test("the way from one camera to another begins and ends there, and gets shorter", () => {
  const [from, to] = [{ x: 0, y: 0, zoom: 1 }, { x: 900, y: -300, zoom: 3 }];
  const left = [0, 0.25, 0.5, 0.75, 1].map((fraction) => distance(towards(from, to, fraction, size), to, size));
  assert.equal(distance(towards(from, to, 0, size), from, size), 0);
  assert.ok(left[4] < 1e-6);
  for (let i = 1; i < left.length; i += 1) assert.ok(left[i] < left[i - 1], String(left));
});

test("a mark lies on the edge of the free part, towards what is out of sight", () => {
  const shown = { left: 0, top: 0, right: 1000, bottom: 700 };
  const free = { left: 30, top: 90, right: 970, bottom: 600 };
  assert.equal(edgeMark({ x: 500, y: 20 }, shown, free), null, "in sight, also below a panel");
  const random = dice(11);
  for (let i = 0; i < 300; i += 1) {
    const point = { x: random(9_000) - 4_500, y: random(9_000) - 4_500 };
    const mark = edgeMark(point, shown, free);
    const inside = point.x >= 0 && point.x <= 1000 && point.y >= 0 && point.y <= 700;
    assert.equal(mark === null, inside);
    if (!mark) continue;
    const slack = 1e-6;
    assert.ok(mark.x >= free.left - slack && mark.x <= free.right + slack && mark.y >= free.top - slack && mark.y <= free.bottom + slack);
    assert.ok(Math.abs(Math.atan2(point.y - 345, point.x - 500) - mark.angle) < 1e-9);
  }
});

/** A view that is moved, with frames that a test runs. */
function viewWith(t) {
  let [now, frames] = [0, []];
  t.mock.method(performance, "now", () => now);
  globalThis.requestAnimationFrame = (frame) => frames.push(frame);
  globalThis.cancelAnimationFrame = () => (frames = []);
  t.after(() => {
    delete globalThis.requestAnimationFrame;
    delete globalThis.cancelAnimationFrame;
  });
  const view = { camera: { x: 0, y: 0, zoom: 1 }, ended: 0, moves: 0, still: false };
  const set = (camera) => {
    view.camera = camera;
    view.moves += 1;
    glide.cameraMoved(camera);
  };
  const glide = new ViewGlide({ camera: () => view.camera, setCamera: set, size: () => size, still: () => view.still, ended: () => (view.ended += 1) });
  const run = () => {
    for (let i = 0; i < 500 && frames.length > 0; i += 1) {
      now += 16;
      frames.splice(0).forEach((frame) => frame());
    }
  };
  const step = () => {
    now += 16;
    frames.splice(0).forEach((frame) => frame());
  };
  return { view, glide, run, step, set };
}

test("following goes on until its user moves the view", (t) => {
  const { view, glide, run, step, set } = viewWith(t);
  let target = { x: 500, y: 0, zoom: 2 };
  glide.follow(() => target);
  run();
  assert.deepEqual(view.camera, target);
  assert.ok(view.moves > 10, "it moves smoothly");
  target = { x: -500, y: 80, zoom: 0.5 };
  glide.refresh();
  run();
  assert.deepEqual([view.camera, view.ended], [target, 0]);
  target = { x: 0, y: 0, zoom: 1 };
  glide.refresh();
  step();
  const own = { x: 7, y: 7, zoom: 1 };
  set(own);
  run();
  assert.deepEqual([view.camera, view.ended], [own, 1]);
  glide.refresh();
  run();
  assert.equal(view.camera, own, "it is not followed again");
});

test("who is followed and leaves ends it, and a jump ends by itself", (t) => {
  const { view, glide, run } = viewWith(t);
  let target = { x: 500, y: 0, zoom: 2 };
  glide.follow(() => target);
  run();
  target = null;
  glide.refresh();
  run();
  assert.equal(view.ended, 1);
  glide.jump({ x: 1, y: 2, zoom: 1 });
  run();
  assert.deepEqual([view.camera, view.ended], [{ x: 1, y: 2, zoom: 1 }, 1]);
});

test("without motion the view jumps at once", (t) => {
  const { view, glide, run } = viewWith(t);
  view.still = true;
  glide.jump({ x: 900, y: 2, zoom: 3 });
  run();
  assert.deepEqual([view.camera, view.moves], [{ x: 900, y: 2, zoom: 3 }, 1]);
});
