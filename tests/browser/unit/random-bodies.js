/** Random bodies of each kind, for properties that all kinds share. */

import { packPoints } from "../../../static/model/points.js";
import { kindOf } from "../../../static/kinds/kinds.js";
import { dice } from "./dice.js";

export const HASH = "ab".repeat(32);
export const at = (x, y) => ({ x, y });
export const applied = (body, fields) => Object.fromEntries(Object.entries({ ...body, ...fields }).filter(([, value]) => value !== null));
export const lined = (kind, points, more = {}) => ({ kind, colour: "ink", width: 4, ...packPoints(points), ...more });

/** A random body of each kind, and of one that is not known. */
export function bodies(roll) {
  const point = () => at(roll(400) - 200, roll(400) - 200);
  const more = () => (roll(2) ? { rotation: (roll(628) - 314) / 100 } : {});
  const apart = () => {
    const a = point();
    return [a, at(a.x + 20 + roll(100), a.y + 20 + roll(100))];
  };
  return [
    lined("pen", [...apart(), point(), point()], more()),
    lined("pen", apart().map((one, i) => ({ ...one, pressure: 50 + i * 100 })), more()),
    lined("marker", [...apart(), point()], more()),
    ...["line", "arrow", "rectangle", "ellipse", "diamond"].map((kind) => lined(kind, apart(), more())),
    { kind: "text", ...point(), colour: "red", width: 32, text: "Hello\nyou & me", ...more() },
    { kind: "text", ...point(), colour: "red", width: 20, w: 200, align: "end", text: "Some words that are wrapped in a box", ...more() },
    { kind: "note", ...point(), colour: "yellow", width: 8, w: 160 + roll(90), h: 160 + roll(90), text: "short", ...more() },
    { kind: "hologram", ...point(), w: 80, h: 40, later: { a: [1] }, ...more() },
    lined("polyline", [...apart(), point(), point()], more()),
    lined("laser", [...apart(), point()], more()),
    { kind: "image", ...point(), colour: "ink", w: 60 + roll(200), h: 60 + roll(200), asset: HASH, ...more() },
  ];
}

export function each(check) {
  for (let seed = 1; seed <= 40; seed += 1) {
    const roll = dice(seed);
    for (const body of bodies(roll)) check(body, kindOf(body), roll, `seed ${seed}, ${body.kind}`);
  }
}
