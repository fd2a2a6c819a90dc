/**
 * Reads the geometry of the SVG elements that kinds emit back: what is painted where.
 *
 * It must never guess: an element, a command or an attribute that it does not know is an error.
 */

import { boxAround, rotatedPoint } from "../../../static/model/geometry.js";

/** Points that stand in for each curve. */
const STEPS = 16;
/** How many numbers each command of path data takes; all but `l` are absolute. */
const TAKES = { M: 2, L: 2, l: 2, H: 1, V: 1, Q: 4, C: 6, A: 7, Z: 0 };

const at = (x, y) => ({ x, y });
const ATTRIBUTE = /\s([a-z:-]+)="([^"]*)"/g;
const attributesOf = (tag) => Object.fromEntries([...tag.matchAll(ATTRIBUTE)].map(([, name, value]) => [name, value]));

/** Half an ellipse, clockwise on the screen: all arcs that are emitted are that. */
function halfEllipse(from, [rx, ry, turn, large, sweep, x, y]) {
  if (turn !== 0 || large !== 1 || sweep !== 1 || from.y !== y) throw new Error("not half an ellipse");
  const [centre, side] = [at((from.x + x) / 2, y), Math.sign(from.x - x) || 1];
  // The radii grow until they reach both ends.
  const grown = Math.max(1, Math.abs(from.x - x) / 2 / (rx || 1));
  const points = Array.from({ length: STEPS }, (_, i) => {
    const angle = (i * Math.PI) / STEPS;
    return at(centre.x + side * rx * grown * Math.cos(angle), centre.y + side * ry * grown * Math.sin(angle));
  });
  return [...points, at(x, y)];
}

/** A Bézier curve of any degree, as its control points say. */
function curve(control) {
  return Array.from({ length: STEPS + 1 }, (_, i) => {
    let points = control;
    while (points.length > 1) points = points.slice(1).map((b, j) => at(points[j].x + ((b.x - points[j].x) * i) / STEPS, points[j].y + ((b.y - points[j].y) * i) / STEPS));
    return points[0];
  });
}

/** The subpaths of path data, each as its points. */
export function subpathsOf(data) {
  const paths = [];
  let last = at(0, 0);
  for (const [, command, rest] of data.matchAll(/([A-Za-z])([^A-Za-z]*)/g)) {
    const numbers = rest.trim() === "" ? [] : rest.trim().split(/\s+/).map(Number);
    if (numbers.length !== TAKES[command] || !numbers.every(Number.isFinite)) throw new Error(`${command}${rest} is not understood`);
    const pairs = Array.from({ length: numbers.length >> 1 }, (_, i) => at(numbers[2 * i], numbers[2 * i + 1]));
    if (command === "M") paths.push([]);
    const path = paths.at(-1);
    if (command === "M" || command === "L") path.push(pairs[0]);
    else if (command === "l") path.push(at(last.x + numbers[0], last.y + numbers[1]));
    else if (command === "H") path.push(at(numbers[0], last.y));
    else if (command === "V") path.push(at(last.x, numbers[0]));
    else if (command === "A") path.push(...halfEllipse(last, numbers));
    else if (command === "Z") path.push(path[0]);
    else path.push(...curve([last, ...pairs]));
    last = path.at(-1);
  }
  return paths;
}

/** `rotate(degrees x y)` as a turn of points. */
function turnOf(transform) {
  if (transform === undefined) return (point) => point;
  const [degrees, x, y] = /^rotate\((\S+) (\S+) (\S+)\)$/.exec(transform).slice(1).map(Number);
  return (point) => rotatedPoint(point, (degrees * Math.PI) / 180, at(x, y));
}

/** The points of one element, and how far it is painted beyond them. */
function partOf(name, attributes, children) {
  const number = (attribute) => Number(attributes[attribute]);
  if (name === "path") return { paths: subpathsOf(attributes.d), reach: attributes.stroke ? number("stroke-width") / 2 : 0 };
  if (name === "rect") {
    const [x, y, w, h] = ["x", "y", "width", "height"].map(number);
    return { paths: [[at(x, y), at(x + w, y), at(x + w, y + h), at(x, y + h)]], reach: 0.5 };
  }
  if (name === "use") {
    const [x, y, w, h] = /^translate\((\S+) (\S+)\) scale\((\S+) (\S+)\)$/.exec(attributes.transform).slice(1).map(Number);
    return { paths: [[at(x, y), at(x + w, y), at(x + w, y + h), at(x, y + h)]], reach: 0 };
  }
  if (name !== "text") throw new Error(`<${name}> is not understood`);
  const lines = [...children.matchAll(/<tspan([^>]*)>([^<]*)<\/tspan>/g)].map(([, tag, line]) => ({ ...attributesOf(tag), line: line.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))) }));
  return { paths: [], reach: 0, lines: lines.map(({ x, y, line }) => ({ line, x: Number(x), y: Number(y) })), em: number("font-size") };
}

/**
 * The geometry of what one stroke's `toSvg` gave: the points of its paths before it is turned, and how it is turned.
 * @param {string} svg
 */
export function geometryOf(svg) {
  const group = /^<g([^>]*)>(.*)<\/g>$/s.exec(svg);
  const elements = [...(group ? group[2] : svg).matchAll(/<([a-z]+)((?:\s[a-z:-]+="[^"]*")*)(?:\/>|>(.*?)<\/\1>)/gs)];
  const parts = elements.map(([, name, tag, children = ""]) => partOf(name, attributesOf(tag), children));
  const root = attributesOf(group ? group[1] : elements[0][2]);
  const points = parts.flatMap(({ paths }) => paths.flat());
  return {
    paths: parts.flatMap(({ paths }) => paths),
    lines: parts.flatMap(({ lines = [] }) => lines),
    em: parts.find(({ em }) => em)?.em,
    box: boxAround(points, 0),
    turn: turnOf(root.transform),
    reach: Math.max(...parts.map(({ reach }) => reach)),
    fills: elements.flatMap(([, , tag]) => attributesOf(tag).fill ?? []),
    attributes: { ...attributesOf(elements[0][2]), ...root },
  };
}
