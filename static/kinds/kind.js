// @ts-check
/**
 * What a kind of stroke is, and how one is made: a kind describes its geometry in an upright frame, and
 * `makeKind` adds everything that follows from it, such as rotation, hits, handles and transformations.
 *
 * It must never change a body: what is derived from one is cached by its identity.
 */

import { boxAround, centreOf, grown, mappedPoint, overlap, rotatedPoint, touchesBox, touchesLine } from "../model/geometry.js";
import { quantised } from "../model/points.js";
import { paintOutline } from "./paint.js";
import { cached } from "./recent.js";
import { isFilled, outlineSvg } from "./svg.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Fields} Fields */
/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("../model/palette.js").CanvasTheme} CanvasTheme */
/** @typedef {{scale: number, theme: CanvasTheme}} Look `scale`: device pixels per unit */
/** @typedef {import("../model/geometry.js").BoxMap} BoxMap */
/** @typedef {import("./excalidraw-element.js").Element} Element */
/** @typedef {import("./excalidraw-element.js").ElementStyle} ElementStyle */
/** @typedef {{id: string, at: PlanePoint}} Handle A corner `nw`, `ne`, `se`, `sw`, or an end such as `start`. */
/** @typedef {"colour"|"width"|"fill"|"dash"|"opacity"|"font"|"align"} StyleField */
/** @typedef {{data: string, filled: boolean}} Outline SVG path data in the upright frame; `filled`: the path is filled, not stroked. */
/**
 * How a figure is dragged up: from one point to another, regular if `straight` (a square, a line at a round
 * angle). It returns the figure's points.
 * @typedef {(from: PlanePoint, to: PlanePoint, straight: boolean) => InkPoint[]} FromDrag
 */

/**
 * Everything about one kind of stroke. All functions accept any body of this kind, also an invalid one,
 * which occupies nothing. `frame` is the upright box of the geometry without the line's thickness; the
 * stroke is turned by `rotation` about its centre. Functions that return `Fields` return what an edit
 * sets.
 * @typedef {object} Kind
 * @property {string} id the value of a body's `kind`
 * @property {boolean} freehand whether it grows point by point while it is drawn
 * @property {readonly StyleField[]} styles the fields of style that apply to it
 * @property {readonly number[]} widths the four widths that are offered, from thin to very thick
 * @property {Partial<Body>} defaults the fields of a new stroke besides those chosen
 * @property {FromDrag} [fromDrag] of kinds that are dragged up
 * @property {(body: Body) => boolean} isValid
 * @property {(body: Body) => Box} frame
 * @property {(body: Body) => number} lineWidth the width that its line is painted with
 * @property {(body: Body) => Box} bounds of everything painted, turned
 * @property {(body: Body, from: PlanePoint, tolerance: number, to?: PlanePoint) => boolean} hit whether a circle at `from`, or dragged from there to `to`, touches it
 * @property {(body: Body) => Outline | null} outline null if it is painted otherwise, as text is
 * @property {(context: CanvasRenderingContext2D, body: Body, look: Look) => void} paint in units of the plane
 * @property {(body: Body, theme: CanvasTheme) => string} toSvg elements without a root
 * @property {(body: Body, dx: number, dy: number) => Fields} moved
 * @property {(body: Body, map: BoxMap) => Fields} resized by a map of the plane, for example of a whole selection
 * @property {(body: Body, angle: number, about: PlanePoint) => Fields} rotated
 * @property {(body: Body) => Handle[]} handles in the plane, turned
 * @property {(body: Body, handle: string, to: PlanePoint, straight: boolean) => Fields} handleMoved
 * @property {(body: Body) => Handle[]} [sides] handles in the middles of sides, which set its width alone
 * @property {(body: Body, side: string, to: PlanePoint) => Fields} [sideMoved]
 * @property {(body: Body) => PlanePoint[]} edge the closed line around it, or its line, in the plane
 * @property {boolean} [bindable] whether ends of arrows can be bound to it
 * @property {boolean} [binds] whether its ends can be bound to others
 * @property {number} [fades] milliseconds after which each of its points is gone: it is never a stroke
 * @property {(points: InkPoint[]) => Fields & {x: number, y: number}} [fromPoints] of kinds that are dragged up, but whose geometry is no points
 * @property {(body: Body) => import("./lettering.js").Lettering} [lettering] of kinds that hold text
 * @property {(element: Element, style: ElementStyle, assets: ReadonlyMap<string, string>) => Body[] | null} [fromExcalidraw] the strokes of an
 *   element of Excalidraw: null if another kind takes it, none if it cannot be read. `assets`: hashes by the ids of files
 * @property {import("./freehand.js").Trace} [growing] of kinds that grow point by point: paints it in parts
 * @property {boolean} [multiplies] whether it blends with what is below it, as a marker does
 */

/**
 * What a kind has to say itself; everything else has a default that follows from it.
 * @typedef {object} KindParts
 * @property {string} id
 * @property {(body: Body) => Box} frame
 * @property {(body: Body) => boolean} isValid
 * @property {(body: Body, map: BoxMap) => Fields} mapped maps the upright geometry
 * @property {(body: Body) => PlanePoint[]} polyline the visible lines as one upright polyline; with `fill` its inside is hit too
 * @property {(body: Body, width: number) => number} reach how far it is painted beyond its frame, in units, with a line of that width
 * @property {boolean} [proportional] whether corners keep the proportions
 */

/** @typedef {KindParts & Partial<Omit<Kind, keyof KindParts>>} KindSpec */

/** Nothing is inside it. */
export const NOWHERE = { left: 0, top: 0, right: -1, bottom: -1 };
const CORNERS = ["nw", "ne", "se", "sw"];
export const MIN_WIDTH = 0.25;
export const MAX_WIDTH = 400;

/**
 * @param {KindSpec} spec
 * @returns {Kind}
 */
export function makeKind(spec) {
  const frame = cached((/** @type {Body} */ body) => (spec.isValid(body) ? spec.frame(body) : NOWHERE));
  const boundsOf = cached((/** @type {Body} */ body) => {
    if (!spec.isValid(body)) return NOWHERE;
    const box = frame(body);
    const reach = spec.reach(body, kind.lineWidth(body));
    if ((body.rotation ?? 0) === 0) return grown(box, reach);
    return boxAround(cornersOf(box).map((corner) => turned(body, box, corner)), reach);
  });
  const outlines = cached(spec.outline ?? (() => null));
  /** @type {Kind} */
  const kind = {
    freehand: false,
    styles: ["colour", "width", "dash", "opacity"],
    widths: [2, 4, 8, 14],
    defaults: {},
    lineWidth: ({ width = 1 }) => width,
    paint: (context, body, look) => paintOutline(context, body, kind, look),
    toSvg: (body, theme) => outlineSvg(body, kind, theme),
    hit(body, from, tolerance, to = from) {
      if (!spec.isValid(body) || !overlap(boundsOf(body), boxAround([from, to], tolerance))) return false;
      // The stroke is upright where the circle is turned back.
      const [a, b] = [from, to].map((point) => upright(body, frame(body), point));
      const line = spec.polyline(body);
      if (isFilled(body) && (contains(line, a) || contains(line, b))) return true;
      return touchesLine(line, kind.lineWidth(body), a, b, tolerance);
    },
    resized: (body, map) => resized(body, kind, spec, map),
    rotated: (body, angle, about) => rotated(body, frame(body), angle, about),
    moved: (body, dx, dy) => ({ x: quantised(body.x + dx), y: quantised(body.y + dy) }),
    handles: (body) => cornersOf(frame(body)).map((corner, i) => ({ id: CORNERS[i], at: turned(body, frame(body), corner) })),
    handleMoved: (body, handle, to, straight) => cornerMoved(body, frame(body), spec, handle, to, straight),
    edge(body) {
      if (!spec.isValid(body)) return [];
      const line = spec.polyline(body);
      const corners = cornersOf(frame(body));
      return (line.length > 0 ? line : [...corners, corners[0]]).map((point) => turned(body, frame(body), point));
    },
    ...spec,
    frame,
    bounds: boundsOf,
    outline: outlines,
  };
  return kind;
}

export { cached };

/** Clockwise from the upper left one.
 * @param {Box} box */
function cornersOf({ left, top, right, bottom }) {
  return [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
}

/**
 * A point of the upright geometry, turned as the stroke is.
 * @param {Body} body
 * @param {Box} frame
 * @param {PlanePoint} point
 */
export function turned({ rotation = 0 }, frame, point) {
  return rotation === 0 ? point : rotatedPoint(point, rotation, centreOf(frame));
}

/**
 * The inverse of `turned`.
 * @param {Body} body
 * @param {Box} frame
 * @param {PlanePoint} point
 */
export function upright({ rotation = 0 }, frame, point) {
  return rotation === 0 ? point : rotatedPoint(point, -rotation, centreOf(frame));
}

/**
 * A map that scales about a point, and then moves it to another.
 * @param {PlanePoint} about
 * @param {number} scaleX
 * @param {number} scaleY
 * @param {PlanePoint} to
 * @returns {BoxMap}
 */
function scaling(about, scaleX, scaleY, to) {
  return { left: about.x, top: about.y, scaleX, scaleY, x: to.x, y: to.y };
}

/**
 * The fields of a body that is a box, mapped.
 * @param {Box} box
 * @param {BoxMap} map
 * @param {number} least of its sides
 */
export function mappedBox({ left, top, right, bottom }, map, least) {
  const [a, b] = [mappedPoint({ x: left, y: top }, map), mappedPoint({ x: right, y: bottom }, map)];
  return {
    x: quantised(Math.min(a.x, b.x)),
    y: quantised(Math.min(a.y, b.y)),
    w: quantised(Math.max(least, Math.abs(a.x - b.x))),
    h: quantised(Math.max(least, Math.abs(a.y - b.y))),
  };
}

/**
 * A turned stroke stays a turned one: its centre is mapped, and it is scaled along its own axes as much
 * as the map scales those.
 * @param {Body} body
 * @param {Kind} kind
 * @param {KindParts} spec
 * @param {BoxMap} map
 * @returns {Fields}
 */
function resized(body, kind, spec, map) {
  const { rotation = 0 } = body;
  if (rotation === 0) return spec.mapped(body, map);
  const centre = centreOf(kind.frame(body));
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
  const along = Math.hypot(map.scaleX * cos, map.scaleY * sin);
  const across = Math.hypot(map.scaleX * sin, map.scaleY * cos);
  const flipped = map.scaleX * map.scaleY < 0;
  const fields = spec.mapped(body, scaling(centre, along, flipped ? -across : across, mappedPoint(centre, map)));
  return flipped ? { ...fields, rotation: -rotation } : fields;
}

/**
 * @param {Body} body
 * @param {Box} frame
 * @param {number} angle
 * @param {PlanePoint} about
 * @returns {Fields}
 */
function rotated({ x, y, rotation = 0 }, frame, angle, about) {
  const centre = centreOf(frame);
  const to = rotatedPoint(centre, angle, about);
  const turn = (rotation + angle) % (2 * Math.PI);
  return { x: quantised(x + to.x - centre.x), y: quantised(y + to.y - centre.y), rotation: turn };
}

/**
 * Drags a corner: the opposite one stays where it is.
 * @param {Body} body
 * @param {Box} frame
 * @param {KindParts} spec
 * @param {string} handle
 * @param {PlanePoint} to
 * @param {boolean} straight keeps the proportions
 * @returns {Fields}
 */
function cornerMoved(body, frame, spec, handle, to, straight) {
  const corner = CORNERS.indexOf(handle);
  if (corner < 0) return {};
  const corners = cornersOf(frame);
  const [moved, fixed] = [corners[corner], corners[(corner + 2) % 4]];
  const local = upright(body, frame, to);
  const fraction = (/** @type {"x"|"y"} */ axis) =>
    moved[axis] === fixed[axis] ? 1 : (local[axis] - fixed[axis]) / (moved[axis] - fixed[axis]);
  let [scaleX, scaleY] = [fraction("x"), fraction("y")];
  if (straight || spec.proportional) {
    const larger = Math.max(Math.abs(scaleX), Math.abs(scaleY));
    [scaleX, scaleY] = [larger * (Math.sign(scaleX) || 1), larger * (Math.sign(scaleY) || 1)];
  }
  // The centre moves, about which the stroke is turned: it is moved so that the fixed corner stays.
  const centre = centreOf(frame);
  const after = { x: fixed.x + (centre.x - fixed.x) * scaleX, y: fixed.y + (centre.y - fixed.y) * scaleY };
  const target = turned(body, frame, after);
  return spec.mapped(body, scaling(centre, scaleX, scaleY, target));
}

/**
 * Whether a point is inside a closed polyline, by the even-odd rule.
 * @param {PlanePoint[]} line
 * @param {PlanePoint} point
 */
function contains(line, { x, y }) {
  let inside = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i, i += 1) {
    const [a, b] = [line[i], line[j]];
    if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}

/**
 * Whether a dragged circle touches the upright frame of a stroke, for kinds that are hit everywhere.
 * @param {Body} body
 * @param {Box} frame
 * @param {PlanePoint} from
 * @param {number} tolerance
 * @param {PlanePoint} to
 */
export function hitsFrame(body, frame, from, tolerance, to) {
  return touchesBox(frame, upright(body, frame, from), upright(body, frame, to), tolerance);
}
