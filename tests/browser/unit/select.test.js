import assert from "node:assert/strict";
import { test } from "node:test";
import { boundsOf, hits, kindOf } from "../../../static/kinds/kinds.js";
import { withFields } from "../../../static/model/edits.js";
import { History } from "../../../static/model/history.js";
import { packPoints, unpackPoints } from "../../../static/model/points.js";
import { Replica } from "../../../static/model/replica.js";
import { Scene } from "../../../static/model/scene.js";
import { Selection } from "../../../static/model/selection.js";
import { SelectionActions } from "../../../static/tools/selection-actions.js";
import { Toolbox } from "../../../static/tools/toolbox.js";
import { dice } from "./dice.js";

const KEYS = { shift: false, mod: false, alt: false };
const at = (x, y) => ({ x, y });
const figure = (kind, points, more = {}) => ({ kind, colour: "ink", width: 4, ...packPoints(points), ...more });

/** A board without a page: what is committed goes through a history to a replica and its scene, and is confirmed or not. */
function fresh(confirms = true) {
  const scene = new Scene({ boxOf: boundsOf, hits });
  const replica = new Replica((id, _, after) => {
    if (after) scene.set(after);
    else scene.delete(id);
    selection.strokeChanged(id);
  });
  let n = 0;
  const server = new Map();
  const history = new History("me", (drafts) => {
    const [first, from] = [n + 1, replica.head];
    const changes = drafts.map((draft) => {
      n += 1;
      replica.applyOptimistic("me", { n, ...draft });
      if (!confirms) return null;
      const held = server.get(draft.stroke);
      const body = draft.op === "edit" ? withFields(held.body, draft.set) : draft.body;
      const change = { seq: n, stroke: draft.stroke, z: draft.z ?? held?.z ?? n, writer: "me", n, ...(body ? { body } : { erased: true }) };
      server.set(draft.stroke, change);
      return change;
    });
    if (confirms) {
      replica.answered("me", n);
      replica.apply({ from, head: n, changes });
    }
    return first;
  });
  const selection = new Selection(scene, () => {});
  const shown = [];
  const commits = [];
  const written = [];
  let added = 0;
  const context = {
    camera: () => ({ x: 0, y: 0, zoom: 1 }),
    scene,
    selection,
    style: () => ({ colour: "red", width: 8 }),
    apply: (edits) => history.apply(edits),
    record: (edits) => history.record(edits),
    commit: (edits) => {
      commits.push(edits);
      history.commit(edits);
    },
    ink: { grew() {}, done() {}, cancelled() {} },
    previews: { show: (edit) => shown.push(edit), done: () => shown.push("done"), cancelled: () => shown.push("cancelled") },
    hide() {},
    write() {},
    textAt: (point) => scene.at(point, 0).find(({ body }) => kindOf(body).lettering),
    writeIn: (stroke) => written.push(stroke),
    refresh() {},
  };
  const toolbox = new Toolbox(context, "select");
  const actions = new SelectionActions({ scene, selection, commit: context.commit, positionOf: (op) => replica.positionOf("me", op), nextOp: () => n + 1, style: context.style });
  const add = (...bodies) => {
    const ids = bodies.map(() => `s${(added += 1) - 1}`);
    context.commit(bodies.map((body, i) => ({ op: "draw", stroke: ids[i], body })));
    return ids;
  };
  const drag = (points, keys = KEYS) => {
    toolbox.down(points[0], keys, false);
    points.slice(1).forEach((point) => toolbox.move([point], keys));
    toolbox.up();
  };
  const click = (point, keys = KEYS) => drag([point], keys);
  const body = (id) => scene.stroke(id)?.body;
  return { scene, history, selection, toolbox, actions, add, drag, click, body, shown, commits, written };
}

test("a click selects the topmost stroke, Shift adds and removes, and a click beside clears", () => {
  const { add, click, selection } = fresh();
  const [a, b] = add(figure("rectangle", [at(0, 0), at(100, 100)], { fill: "red" }), figure("rectangle", [at(50, 50), at(150, 150)], { fill: "blue" }));
  click(at(75, 75));
  assert.deepEqual([...selection.ids], [b]);
  click(at(20, 20), { ...KEYS, shift: true });
  assert.deepEqual([...selection.ids], [b, a]);
  click(at(140, 140), { ...KEYS, shift: true });
  assert.deepEqual([...selection.ids], [a]);
  click(at(300, 300));
  assert.equal(selection.isEmpty, true);
});

test("a band selects what is wholly inside, with groups, and nothing locked", () => {
  const { add, drag, selection } = fresh();
  const ids = add(
    figure("rectangle", [at(10, 10), at(50, 50)]),
    figure("rectangle", [at(60, 10), at(400, 50)]),
    figure("rectangle", [at(10, 60), at(50, 90)], { locked: true }),
    figure("rectangle", [at(60, 60), at(90, 90)], { group: "g" }),
    figure("rectangle", [at(500, 500), at(600, 600)], { group: "g" }),
  );
  drag([at(-20, -20), at(120, 120)]);
  assert.deepEqual([...selection.ids].sort(), [ids[0], ids[3], ids[4]]);
});

test("a drag moves the selection in one step, Shift along one axis, and a cancelled drag not at all", () => {
  const { add, drag, body, history, toolbox, shown } = fresh();
  const [a] = add(figure("line", [at(0, 0), at(100, 0)]));
  drag([at(50, 0), at(60, 20), at(70, 40)]);
  assert.deepEqual([body(a).x, body(a).y], [20, 40]);
  drag([at(70, 40), at(100, 45)], { ...KEYS, shift: true });
  assert.deepEqual([body(a).x, body(a).y], [50, 40]);
  toolbox.down(at(100, 40), KEYS, false);
  toolbox.move([at(200, 200)], KEYS);
  toolbox.cancel();
  assert.deepEqual([body(a).x, body(a).y, shown.at(-1)], [50, 40, "cancelled"]);
  history.undo();
  history.undo();
  assert.deepEqual([body(a).x, body(a).y], [0, 0]);
});

test("a drag with Alt leaves the originals and moves copies", () => {
  const { add, drag, scene, selection } = fresh();
  const [a] = add(figure("line", [at(0, 0), at(100, 0)]));
  drag([at(50, 0), at(50, 60)], { ...KEYS, alt: true });
  assert.equal(scene.size, 2);
  assert.deepEqual(scene.ordered().map(({ body }) => body.y), [0, 60]);
  assert.ok(!selection.has(a));
});

test("handles resize and turn one stroke, and the box of several", () => {
  const { add, drag, click, body, selection } = fresh();
  const [a] = add(figure("rectangle", [at(0, 0), at(100, 60)]));
  click(at(0, 30));
  drag([at(104, 64), at(154, 94)]);
  assert.deepEqual(unpackPoints(body(a))[1], at(150, 90));
  selection.set([a]);
  // The handle for rotation is above the middle.
  drag([at(75, -28), at(275, 45)]);
  assert.ok(Math.abs(body(a).rotation - Math.PI / 2) < 0.02, String(body(a).rotation));
  const second = fresh();
  const [b, c] = second.add(figure("rectangle", [at(0, 0), at(50, 50)]), figure("rectangle", [at(100, 100), at(150, 150)]));
  second.selection.set([b, c]);
  const { right, bottom } = boundsOf(second.body(c));
  second.drag([at(right + 4, bottom + 4), at(right + 4 + 170, bottom + 4 + 170)]);
  assert.ok(boundsOf(second.body(c)).right > right + 130 && boundsOf(second.body(b)).left > -40);
});

test("a locked stroke is not moved, restyled or erased, and can be unlocked", () => {
  const { add, click, drag, body, selection, actions } = fresh();
  const [a] = add(figure("rectangle", [at(0, 0), at(100, 60)], { locked: true, fill: "red" }));
  click(at(50, 30));
  assert.equal(selection.isEmpty, true);
  selection.set([a]);
  const before = body(a);
  drag([at(50, 30), at(150, 130)]);
  selection.set([a]);
  actions.erase();
  actions.nudge(1, 0, true);
  actions.order("front");
  actions.restyle(() => ({ colour: "blue" }));
  assert.deepEqual(body(a), before);
  actions.toggleLock();
  assert.equal(body(a).locked, undefined);
});

test("an arrow follows the stroke that it is bound to, in the same step, and lets go when it is moved away", () => {
  const { add, drag, body, history } = fresh();
  const [a, arrow] = add(
    figure("rectangle", [at(0, 0), at(100, 100)], { fill: "red" }),
    figure("arrow", [at(300, 50), at(108, 50)], { end: { stroke: "s0", at: [0.5, 0.5] } }),
  );
  assert.equal(a, "s0");
  drag([at(50, 50), at(50, 250)]);
  const [start, end] = unpackPoints(body(arrow));
  assert.deepEqual(start, at(300, 50));
  assert.ok(end.y > 180 && end.x > 100, JSON.stringify(end));
  history.undo();
  assert.deepEqual(unpackPoints(body(arrow))[1], at(108, 50));
  drag([at(200, 50), at(200, 300)]);
  assert.equal(body(arrow).end, undefined);
});

/** What any act does to a model: all bodies and their order. */
const stateOf = (scene) => JSON.stringify(scene.ordered().map(({ id, body }) => [id, Object.fromEntries(Object.entries(body).sort())]));

test("any sequence of acts is undone step by step to each state before, and redone", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const roll = dice(seed);
    const { scene, history, selection, actions, add, drag, commits } = fresh(seed % 2 === 0);
    const random = () => {
      const [x, y] = [roll(400), roll(400)];
      const kind = ["rectangle", "ellipse", "diamond", "line", "arrow", "pen", "text", "note"][roll(8)];
      if (kind === "text") return { kind, x, y, colour: "ink", width: 22, text: "words" };
      if (kind === "note") return { kind, x, y, colour: "red", width: 18, w: 120, h: 120, text: "note" };
      return figure(kind, [at(x, y), at(x + 20 + roll(100), y + 20 + roll(100))]);
    };
    add(...Array.from({ length: 6 }, random));
    const acts = [
      () => actions.nudge(roll(3) - 1, 1, true), () => actions.duplicate(), () => actions.erase(), () => actions.group(), () => actions.ungroup(),
      () => actions.toggleLock(), () => actions.order(["front", "back", "forward", "backward"][roll(4)]),
      () => actions.align(["left", "centre", "right", "top", "middle", "bottom"][roll(6)]), () => actions.distribute(roll(2) ? "x" : "y"),
      () => actions.flip(roll(2) ? "x" : "y"), () => actions.restyle((_, has) => (has("dash") ? { dash: "dashed" } : {})), () => add(random()),
      () => drag([at(roll(400), roll(400)), at(roll(400), roll(400))]), () => actions.eraseAll(),
    ];
    const states = [stateOf(scene)];
    for (let i = 0; i < 12; i += 1) {
      selection.set(scene.ordered().filter(() => roll(2)).map(({ id }) => id));
      acts[roll(roll(10) ? acts.length - 1 : acts.length)]();
      if (commits.length > states.length) states.push(stateOf(scene));
      assert.equal(commits.length, states.length, `seed ${seed}: one step for each act`);
    }
    const forth = [...states];
    while (states.length > 1) {
      states.pop();
      history.undo();
      assert.equal(stateOf(scene), states.at(-1), `seed ${seed}, undo to ${states.length}`);
    }
    for (const state of forth.slice(1)) {
      history.redo();
      assert.equal(stateOf(scene), state, `seed ${seed}, redo`);
    }
  }
});

test("a thousand strokes are moved, erased and restored in one step each", () => {
  const { add, actions, history, selection, scene, body } = fresh();
  const ids = add(...Array.from({ length: 1000 }, (_, i) => figure("line", [at(i, 0), at(i, 10)])));
  actions.selectAll();
  assert.equal(selection.strokes.length, 1000);
  actions.nudge(0, 1, true);
  assert.ok(ids.every((id) => body(id).y === 10));
  actions.erase();
  assert.equal(scene.size, 0);
  history.undo();
  history.undo();
  assert.ok(ids.every((id) => body(id).y === 0));
});

test("a note is made with a click, or as large as it is dragged, and its paper grows with the text", () => {
  const { toolbox, drag, scene } = fresh();
  toolbox.choose("note");
  drag([at(300, 300)]);
  drag([at(0, 0), at(50, 60), at(100, 80)]);
  const [first, second] = scene.ordered().map(({ body }) => kindOf(body).frame(body));
  assert.deepEqual([first, second], [{ left: 200, top: 200, right: 400, bottom: 400 }, { left: 0, top: 0, right: 100, bottom: 80 }]);
  const [, { body }] = scene.ordered();
  const grown = kindOf(body).frame(withFields(body, { text: "word ".repeat(100) }));
  assert.ok(grown.bottom > 150 && grown.right === 100);
});

test("a click with the sticky note on a text edits it, and a drag puts a note over it", () => {
  const { add, toolbox, click, drag, scene, written } = fresh();
  const [text] = add({ kind: "text", x: 0, y: 0, width: 40, text: "Hello", colour: "ink" });
  toolbox.choose("note");
  click(at(20, 20));
  assert.deepEqual([written, scene.size], [[text], 1]);
  drag([at(10, 10), at(50, 60), at(100, 80)]);
  assert.deepEqual([written.length, scene.size], [2, 2]);
});
