// @ts-check
/**
 * The least that any page must do to show a large drawing, to compare with: the drawing page's own markup and
 * styles, one module, one canvas, no tools, no memory of what it has shown. It reads the answer, decodes points, and strokes one line for each, with
 * points some pixels apart, at the zoom that shows the whole drawing.
 */

const STEP = 3;
const COLOURS = { ink: "#1d1d1f", red: "#e03131", orange: "#f08c00", yellow: "#ffd43b", green: "#2f9e44", blue: "#1971c2", violet: "#6741d9", pink: "#c2255c" };

const answer = await fetch(`/api/drawings/${"d".repeat(32)}/strokes?since=0`);
const { changes } = await answer.json();
const lines = changes.map(linesOf);
const [left, top] = [0, 1].map((axis) => Math.min(...lines.map((/** @type {any} */ { points }) => points[axis])));
const [right, bottom] = [0, 1].map((axis) => Math.max(...lines.map((/** @type {any} */ { points }) => points[axis])));
const zoom = Math.min(1280 / (right - left), 800 / (bottom - top));
const element = /** @type {HTMLCanvasElement} */ (document.getElementById("static"));
[element.width, element.height] = [1280, 800];
const context = /** @type {CanvasRenderingContext2D} */ (element.getContext("2d"));
context.setTransform(zoom, 0, 0, zoom, -left * zoom, -top * zoom);
context.lineCap = context.lineJoin = "round";
const least = (STEP / zoom) ** 2;
for (const { body, points } of lines) {
  context.strokeStyle = COLOURS[/** @type {keyof typeof COLOURS} */ (body.colour)];
  context.lineWidth = body.width;
  context.globalAlpha = body.kind === "marker" ? 0.5 : 1;
  context.beginPath();
  let [x, y] = points;
  context.moveTo(x, y);
  for (let i = 2; i < points.length; i += 2) {
    const [toX, toY] = [points[i], points[i + 1]];
    if (i + 2 < points.length && (toX - x) ** 2 + (toY - y) ** 2 < least) continue;
    context.quadraticCurveTo(x, y, (x + toX) / 2, (y + toY) / 2);
    [x, y] = [toX, toY];
  }
  context.lineTo(x, y);
  context.stroke();
}
context.getImageData(0, 0, 1, 1);
// The first frame shows it, and the second tells that it was shown.
for (let frames = 0; frames < 2; frames += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
const now = performance.now();
const files = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByType("resource"));
const arrived = files.find(({ name }) => name.includes("/strokes"))?.responseEnd ?? 0;
Object.assign(globalThis, { __bare: { navigation: now, opened: now - arrived } });

/** @param {any} change */
function linesOf({ body }) {
  const bytes = /** @type {any} */ (Uint8Array).fromBase64(body.points);
  let at = 1;
  const varint = () => {
    let [value, shift, byte] = [0, 0, 0x80];
    for (; byte >= 0x80; shift += 7) value |= ((byte = bytes[at++]) & 0x7f) << shift;
    return value;
  };
  const delta = () => {
    const value = varint();
    return ((value >>> 1) ^ -(value & 1)) / 8;
  };
  const count = varint();
  const points = new Array(2 * count);
  let [x, y] = [body.x, body.y];
  for (let i = 0; i < points.length; i += 2) {
    points[i] = x += delta();
    points[i + 1] = y += delta();
  }
  return { body, points };
}
