// @ts-check
/**
 * Stands in for kinds that this page does not know, drawn by a newer one: a neutral box at their place.
 *
 * It must never change what it does not know: it can be moved, but its other fields stay.
 */

import { boxAround, centreOf, mappedPoint } from "../model/geometry.js";
import { quantised } from "../model/points.js";
import { hasPoints, pointsOf } from "./body-points.js";
import { cached, hitsFrame, makeKind } from "./kind.js";
import { paintOutline } from "./paint.js";
import { outlineSvg } from "./svg.js";

/** @typedef {import("../model/types.js").Body} Body */

/** The side of a box whose size is not known, in units. */
const SIDE = 64;

/** The same place with a style of its own. */
const neutral = cached(({ kind, x, y, points, w, h, rotation }) => /** @type {Body} */ ({
  kind, x, y, points, w, h, rotation, colour: "#8d8275", width: 1.5, dash: "dashed",
}));

/** @param {Body} body */
function frame(body) {
  if (hasPoints(body)) return boxAround(pointsOf(body), 1);
  const { x, y, w = SIDE, h = SIDE } = body;
  return { left: x, top: y, right: x + w, bottom: y + h };
}

export const placeholder = makeKind({
  id: "placeholder",
  styles: [],
  isValid: ({ x, y }) => Number.isFinite(x) && Number.isFinite(y),
  frame,
  reach: () => 2,
  polyline: () => [],
  mapped(body, map) {
    const centre = centreOf(frame(body));
    const to = mappedPoint(centre, map);
    return { x: quantised(body.x + to.x - centre.x), y: quantised(body.y + to.y - centre.y) };
  },
  handles: () => [],
  hit: (body, from, tolerance, to = from) => hitsFrame(body, frame(body), from, tolerance, to),
  outline(body) {
    const { left, top, right, bottom } = frame(body);
    return { data: `M${left} ${top}H${right}V${bottom}H${left}Z`, filled: false };
  },
  paint: (context, body, look) => paintOutline(context, neutral(body), placeholder, look),
  toSvg: (body, theme) => outlineSvg(neutral(body), placeholder, theme),
});
