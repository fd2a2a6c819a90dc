import assert from "node:assert/strict";
import { test } from "node:test";
import { KINDS, boundsOf, hits, kindOf } from "../../../static/kinds/kinds.js";
import { boxMap, centreOf, mappedPoint, rotatedPoint } from "../../../static/model/geometry.js";
import { arrowWidth } from "../../../static/kinds/arrow.js";
import { rounded } from "../../../static/kinds/stroke-path.js";
import { dice } from "./dice.js";
import { geometryOf } from "./svg-geometry.js";
import { applied, at, bodies, each, lined } from "./random-bodies.js";

const ROUNDING = 0.5;
const near = (a, b, what, within = ROUNDING) => assert.ok(Math.hypot(a.x - b.x, a.y - b.y) < within, `${what}: ${JSON.stringify(a)} is not ${JSON.stringify(b)}`);

test("moving a stroke moves its frame, bounds and hits", () => {
  each((body, kind, roll, what) => {
    const [dx, dy] = [roll(1000) - 500, roll(1000) - 500];
    const moved = applied(body, kind.moved(body, dx, dy));
    const [before, after] = [kind.bounds(body), kind.bounds(moved)];
    near(at(before.left + dx, before.top + dy), at(after.left, after.top), what);
    near(at(before.right + dx, before.bottom + dy), at(after.right, after.bottom), what);
    const point = at(roll(400) - 200, roll(400) - 200);
    assert.equal(kind.hit(body, point, 3), kind.hit(moved, at(point.x + dx, point.y + dy), 3), what);
  });
});

test("turning a stroke turns its centre about the point, and back again", () => {
  each((body, kind, roll, what) => {
    const [angle, about] = [roll(6), at(roll(300), roll(300))];
    const turned = applied(body, kind.rotated(body, angle, about));
    near(centreOf(kind.frame(turned)), rotatedPoint(centreOf(kind.frame(body)), angle, about), what);
    const back = applied(turned, kind.rotated(turned, -angle, about));
    near(centreOf(kind.frame(back)), centreOf(kind.frame(body)), what);
    if (body.kind !== "hologram") assert.ok(Math.cos((back.rotation ?? 0) - (body.rotation ?? 0)) > 1 - 1e-9, what);
  });
});

test("resizing maps the centre, and an upright frame to its place", () => {
  each((body, kind, roll, what) => {
    const map = boxMap({ left: -200, top: -200, right: 200, bottom: 200 }, { left: roll(100), top: 0, right: 300 + roll(300), bottom: 200 + roll(300) });
    const resized = applied(body, kind.resized(body, map));
    near(centreOf(kind.frame(resized)), mappedPoint(centreOf(kind.frame(body)), map), what);
    if (body.rotation || body.kind === "text" || body.kind === "hologram") return;
    const [before, after] = [kind.frame(body), kind.frame(resized)];
    near(mappedPoint(at(before.left, before.top), map), at(after.left, after.top), what);
    near(mappedPoint(at(before.right, before.bottom), map), at(after.right, after.bottom), what);
  });
});

test("a dragged handle follows the pointer, and what is opposite stays", () => {
  each((body, kind, roll, what) => {
    const handles = kind.handles(body);
    handles.forEach(({ id, at: from }, i) => {
      const to = at(from.x + roll(20) - 10, from.y + roll(20) - 10);
      const dragged = applied(body, kind.handleMoved(body, id, to, false));
      const fixed = (i + handles.length / 2) % handles.length;
      if (kind.isValid(dragged)) near(kind.handles(dragged)[fixed].at, handles[fixed].at, `${what}, ${id}`, 1.5);
      if (!["text", "image"].includes(body.kind)) near(kind.handles(dragged)[i].at, to, `${what}, ${id}`, 1.5);
    });
  });
});

test("what is hit is inside the bounds, turned or not", () => {
  each((body, kind, roll, what) => {
    const { left, top, right, bottom } = kind.bounds(body);
    for (let i = 0; i < 20; i += 1) {
      const { x, y } = at(roll(800) - 400, roll(800) - 400);
      if (kind.hit(body, at(x, y), 0)) assert.ok(x >= left && x <= right && y >= top && y <= bottom, what);
    }
  });
});

test("outlines and SVG never contain NaN, Infinity or undefined, and text is escaped", () => {
  const dots = [[at(0, 0)], [at(0, 0), at(0, 0)], [at(0, 0), at(1, 0), at(0, 0), at(0, 0)]];
  const odd = [...KINDS.keys()].filter((kind) => kind !== "text" && kind !== "note").flatMap((kind) => dots.map((points) => lined(kind, points)));
  odd.push(...dots.map((points) => lined("pen", points.map((point, i) => ({ ...point, pressure: i * 60 })))));
  const check = (body) => {
    for (const theme of ["light", "dark"]) assert.doesNotMatch(kindOf(body).toSvg(body, theme), /NaN|Infinity|undefined/, body.kind);
  };
  odd.forEach(check);
  each(check);
  const [text] = bodies(dice(1)).filter(({ kind }) => kind === "text");
  assert.match(KINDS.get("text").toSvg({ ...text, text: "<a> & \"b\"" }, "light"), />&#60;a&#62; &#38; &#34;b&#34;</);
});

test("rectangles and ellipses are hit at their outlines only, and inside if they are filled", () => {
  for (const kind of ["rectangle", "ellipse"]) {
    const body = lined(kind, [at(0, 0), at(100, 60)]);
    assert.ok(hits(body, at(100, 30), 3), kind);
    assert.ok(!hits(body, at(50, 30), 8), kind);
    assert.ok(!hits({ ...body, fill: "none" }, at(50, 30), 8), kind);
    assert.ok(hits({ ...body, fill: "red" }, at(50, 30), 0), kind);
    // Turned by a right angle it is as wide as it was high.
    const turned = { ...body, rotation: Math.PI / 2 };
    assert.ok(hits(turned, at(80, 30), 3) && !hits(turned, at(100, 30), 3), kind);
  }
});

test("a text is hit anywhere in its lines", () => {
  const body = { kind: "text", x: 10, y: 10, width: 20, text: "two\nlines" };
  assert.ok(hits(body, at(40, 40), 1) && hits(body, at(0, 30), 1, at(200, 30)));
  assert.ok(!hits(body, at(0, 60), 1, at(200, 60)));
});

test("malformed bodies occupy nothing and are never hit", () => {
  for (const kind of KINDS.keys()) {
    const body = { kind, x: 0, y: 0, points: "!!", colour: "?", width: ["text", "note"].includes(kind) ? undefined : 4 };
    const { left, right } = boundsOf(body);
    assert.ok(left > right && !hits(body, at(0, 0), 100), kind);
    assert.equal(kindOf(body).toSvg(body, "light").includes("NaN"), false);
  }
});

test("an unknown kind is a box that can be moved, and keeps its other fields", () => {
  const body = { kind: "hologram", x: 5, y: 6, w: 30, h: 20, beam: [1, 2] };
  assert.deepEqual(kindOf(body).frame(body), { left: 5, top: 6, right: 35, bottom: 26 });
  assert.ok(hits(body, at(20, 15), 0));
  assert.deepEqual(kindOf(body).moved(body, 1, 1), { x: 6, y: 7 });
  assert.match(kindOf(body).toSvg(body, "light"), /stroke-dasharray/);
});

test("a short arrow has a thinner line, so that its head is visible", () => {
  assert.deepEqual([[14, 300], [14, 30], [2, 300], [14, 0]].map(([chosen, length]) => arrowWidth(chosen, length)), [14, 5, 2, 1]);
});

test("an arrow that becomes short has a thinner line and a smaller head, wherever it is painted, found and hit", () => {
  for (const length of [300, 90, 84, 40, 15, 6, 3]) {
    const kind = KINDS.get("arrow");
    const whole = lined("arrow", [at(0, 0), at(300, 0)], { width: 14, dash: "dashed" });
    const { x, y, points } = lined("arrow", [at(0, 0), at(length, 0)]);
    for (const fields of [{ x, y, points }, kind.handleMoved(whole, "end", at(length, 0), false), kind.resized(whole, boxMap({ left: 0, top: 0, right: 300, bottom: 1 }, { left: 0, top: 0, right: length, bottom: 1 }))]) {
      const body = applied(whole, fields);
      const width = arrowWidth(14, length);
      const { paths: [shaft, head], attributes } = geometryOf(kind.toSvg(body, "light"));
      assert.deepEqual(shaft, [at(0, 0), at(length, 0)]);
      assert.ok(length - Math.min(...head.map((point) => point.x)) <= (length * 2) / 3, `${length}: ${JSON.stringify(head)}`);
      assert.deepEqual([attributes["stroke-width"], attributes["stroke-dasharray"]], [`${width}`, `${rounded(width * 2.5)} ${rounded(width * 2.5)}`]);
      const reach = Math.max(6, width * 2.5);
      assert.deepEqual(kind.bounds(body), { left: -reach, top: -reach, right: length + reach, bottom: reach });
      assert.ok(hits(body, at(length / 2, width / 2 + 0.9), 1) && !hits(body, at(length / 2, width / 2 + 1.1), 1), `${length}`);
    }
  }
});

test("a dragged side wraps a text anew, and the upper corner at the other side stays", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const roll = dice(seed);
    const kind = KINDS.get("text");
    const body = { kind: "text", x: roll(300), y: roll(300), colour: "ink", width: 20, w: 150, text: "Some words that are wrapped in a box", rotation: (roll(628) - 314) / 100 };
    const turnedCorner = (one, right) => {
      const frame = kind.frame(one);
      return rotatedPoint(at(right ? frame.right : frame.left, frame.top), one.rotation, centreOf(frame));
    };
    for (const side of kind.sides(body)) {
      const [dx, dy] = [roll(120) - 60, roll(120) - 60];
      const dragged = applied(body, kind.sideMoved(body, side.id, at(side.at.x + dx, side.at.y + dy)));
      near(turnedCorner(dragged, side.id === "w"), turnedCorner(body, side.id === "w"), `seed ${seed}, ${side.id}`, 1);
      assert.ok(dragged.w >= 30 && dragged.width === 20, `seed ${seed}`);
    }
    const [wide, narrow] = [{ ...body, w: 2000 }, { ...body, w: 90 }].map((one) => kind.lettering(one).lines.map(({ line }) => line));
    assert.deepEqual([wide.length, narrow.join(" ")], [1, body.text]);
  }
});

test("a word wider than the box is broken, and no character is lost", () => {
  const kind = KINDS.get("note");
  const body = { kind: "note", x: 0, y: 0, colour: "red", width: 20, w: 100, h: 100, text: "Donaudampfschifffahrtsgesellschaft  und\n\nmehr" };
  const lines = kind.lettering(body).lines.map(({ line }) => line);
  assert.equal(lines.join("").replaceAll(" ", ""), body.text.replaceAll(/\s/g, ""));
  assert.ok(lines.length > 5 && kind.frame(body).bottom > 100);
});
