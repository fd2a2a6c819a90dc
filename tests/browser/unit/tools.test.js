import assert from "node:assert/strict";
import { test } from "node:test";
import { boundsOf, hits, kindOf } from "../../../static/kinds/kinds.js";
import { unpackPoints } from "../../../static/model/points.js";
import { Scene } from "../../../static/model/scene.js";
import { Toolbox } from "../../../static/tools/toolbox.js";

const KEYS = { shift: false, mod: false, alt: false };

/** A toolbox whose commits go to the scene. */
function fresh(choice) {
  const scene = new Scene({ boxOf: boundsOf, hits });
  const log = [];
  const steps = [];
  const apply = (edits) => {
    for (const { op, stroke, body } of edits) {
      if (op === "draw") scene.set({ id: stroke, z: scene.size + 1, body, last: { writer: "w", n: 1 } });
      if (op === "erase") scene.delete(stroke);
    }
  };
  const context = {
    camera: () => ({ x: 0, y: 0, zoom: 1 }),
    scene,
    style: () => ({ colour: "red", width: 14 }),
    apply,
    record: (edits) => edits.length > 0 && steps.push(edits),
    revert: (edits) => apply(edits.map((edit) => ({ ...edit, op: "draw" }))),
    commit: (edits) => (apply(edits), steps.push(edits)),
    ink: { grew: (_, { kind, width }, points) => log.push([kind, width, points.length]), done: () => log.push("done"), cancelled: () => log.push("cancelled") },
    write: (point) => log.push(["write", point]),
    refresh() {},
  };
  const toolbox = new Toolbox(context, choice);
  const drag = (points, keys = KEYS) => {
    toolbox.down(points[0], keys, false);
    points.slice(1).forEach((point) => toolbox.move([point], keys));
    toolbox.up();
  };
  return { toolbox, scene, log, steps, drag };
}

const at = (x, y) => ({ x, y });

test("a line drawn by hand becomes one stroke in one step", () => {
  for (const kind of ["pen", "marker"]) {
    const { drag, steps, log, toolbox } = fresh(kind);
    drag([at(0, 0), at(30, 0), at(60, 40)]);
    assert.equal(steps.length, 1);
    const [[{ op, stroke, body }]] = steps;
    assert.deepEqual([op, body.kind, body.colour, unpackPoints(body).length], ["draw", kind, "red", 3]);
    assert.equal(toolbox.drawn, stroke);
    assert.equal(log.at(-1), "done");
    assert.deepEqual(toolbox.overlays(), []);
  }
});

test("a stroke in progress is shown and told to others, and cancelling leaves nothing", () => {
  const { toolbox, steps, log } = fresh("pen");
  toolbox.down(at(0, 0), KEYS, false);
  toolbox.move([at(20, 0), at(40, 0)], KEYS);
  assert.equal(toolbox.overlays()[0].bodies[0].kind, "pen");
  toolbox.cancel();
  toolbox.cancel();
  assert.deepEqual([steps, log.filter((one) => one === "cancelled").length, toolbox.overlays()], [[], 1, []]);
});

test("a figure follows the drag, is regular with Shift, and a click makes none", () => {
  const { toolbox, drag, steps } = fresh("rectangle");
  drag([at(0, 0), at(100, 40)]);
  drag([at(0, 0), at(100, 40)], { ...KEYS, shift: true });
  drag([at(0, 0), at(1, 0)]);
  toolbox.choose("line");
  drag([at(0, 0), at(100, 3)], { ...KEYS, shift: true });
  assert.deepEqual(steps.map(([{ body }]) => unpackPoints(body)[1]), [at(100, 40), at(100, 100), at(100, 0)]);
});

test("an arrow's line is as thin as its length asks for, and keeps the width that was chosen", () => {
  const { drag, steps } = fresh("arrow");
  for (const to of [24, 600]) drag([at(0, 0), at(12, 0), at(to, 0)]);
  assert.deepEqual(steps.map(([{ body }]) => [kindOf(body).lineWidth(body), body.width]), [[4, 14], [14, 14]]);
});

test("a drag of the eraser is one step, and spares locked strokes", () => {
  const { toolbox, drag, steps, scene } = fresh("line");
  for (const x of [0, 50, 100]) drag([at(x, 0), at(x, 100)]);
  const [first] = scene.ordered();
  scene.set({ ...first, body: { ...first.body, locked: true } });
  toolbox.choose("eraser");
  drag([at(-20, 50), at(40, 50), at(120, 50)]);
  assert.deepEqual([steps.length, steps[3].map(({ op }) => op), scene.ordered().map(({ id }) => id)], [4, ["erase", "erase"], [first.id]]);
});

test("a drag of the eraser that is cancelled gives all back", () => {
  const { toolbox, drag, steps, scene } = fresh("line");
  drag([at(0, 0), at(0, 100)]);
  toolbox.choose("eraser");
  toolbox.down(at(-20, 50), KEYS, false);
  toolbox.move([at(20, 50)], KEYS);
  assert.equal(scene.size, 0);
  toolbox.cancel();
  toolbox.up();
  assert.deepEqual([scene.size, steps.length], [1, 1]);
});

test("the other end of a pen erases with any tool", () => {
  const { toolbox, drag, scene } = fresh("line");
  drag([at(0, 0), at(0, 100)]);
  toolbox.down(at(0, 50), KEYS, true);
  toolbox.up();
  assert.deepEqual([scene.size, toolbox.chosen.id], [0, "line"]);
});

test("the text tool writes when the pointer is lifted, and not if the press is cancelled", () => {
  const { toolbox, drag, log } = fresh("text");
  toolbox.down(at(5, 5), KEYS, false);
  toolbox.cancel();
  toolbox.up();
  drag([at(10, 10)]);
  assert.deepEqual(log, [["write", at(10, 10)]]);
});
