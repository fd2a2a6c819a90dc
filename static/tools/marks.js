// @ts-check
/**
 * The marks of the select tool and of arrows above the strokes: frames, handles, bands and targets.
 *
 * It must never paint a stroke.
 */

/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("./handles.js").Frame} Frame */
/** @typedef {import("./handles.js").ToScreen} ToScreen */

/** Legible on both canvases. */
const COLOURS = { accent: "#c94f30", surface: "#fffdf8", band: "rgb(201 79 48 / 0.09)" };
/** The side of a handle, in pixels. */
const SIDE = 9;

/**
 * @param {CanvasRenderingContext2D} context in pixels
 * @param {Frame} frame
 * @param {ToScreen} toScreen
 */
export function paintFrame(context, { corners, grips }, toScreen) {
  context.strokeStyle = COLOURS.accent;
  context.lineWidth = 1.25;
  context.setLineDash(grips.length === 0 ? [5, 4] : []);
  context.beginPath();
  for (const corner of corners.map(toScreen)) context.lineTo(corner.x, corner.y);
  context.closePath();
  context.stroke();
  context.setLineDash([]);
  const rotate = grips.find(({ id }) => id === "rotate");
  if (rotate && corners.length === 4) {
    const [a, b, at] = [corners[0], corners[1], rotate.at].map(toScreen);
    context.beginPath();
    context.moveTo((a.x + b.x) / 2, (a.y + b.y) / 2);
    context.lineTo(at.x, at.y);
    context.stroke();
  }
  context.fillStyle = COLOURS.surface;
  for (const { id, at } of grips) {
    const { x, y } = toScreen(at);
    context.beginPath();
    if (["nw", "ne", "se", "sw"].includes(id)) context.roundRect(x - SIDE / 2, y - SIDE / 2, SIDE, SIDE, 2.5);
    else context.arc(x, y, SIDE / 2, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} canvas
 * @param {ScreenPoint} a
 * @param {ScreenPoint} b
 */
export function paintBand(canvas, a, b) {
  canvas.fillStyle = COLOURS.band;
  canvas.strokeStyle = COLOURS.accent;
  canvas.lineWidth = 1;
  canvas.beginPath();
  canvas.rect(a.x, a.y, b.x - a.x, b.y - a.y);
  canvas.fill();
  canvas.stroke();
}

/**
 * @param {CanvasRenderingContext2D} canvas
 * @param {ScreenPoint[]} edge of what an arrow's end is bound to
 */
export function paintTarget(canvas, edge) {
  canvas.strokeStyle = COLOURS.accent;
  canvas.lineWidth = 2.5;
  canvas.globalAlpha = 0.55;
  canvas.beginPath();
  for (const { x, y } of edge) canvas.lineTo(x, y);
  canvas.closePath();
  canvas.stroke();
  canvas.globalAlpha = 1;
}
