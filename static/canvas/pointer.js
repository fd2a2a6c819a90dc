// @ts-check
/**
 * Paints another person's pointer, with the name beside it.
 *
 * It must never leave the context changed.
 */

/** The shape of a pointer, and the font of its name. */
const ARROW = "M0 0L4.6 15.4L7.9 9.1L14.6 7.2Z";
const NAME_FONT = `600 12px "Avenir Next", "Segoe UI", system-ui, sans-serif`;

/** @type {Path2D | undefined} */
let arrow;

/**
 * @param {CanvasRenderingContext2D} context in pixels
 * @param {import("../model/types.js").ScreenPoint} at
 * @param {{name: string, colour: string}} pointer
 */
export function paintPointer(context, { x, y }, { name, colour }) {
  arrow ??= new Path2D(ARROW);
  context.save();
  context.translate(x, y);
  context.lineJoin = "round";
  context.lineWidth = 3;
  context.strokeStyle = "#fff";
  context.stroke(arrow);
  context.fillStyle = colour;
  context.fill(arrow);
  context.font = NAME_FONT;
  context.textBaseline = "middle";
  const width = context.measureText(name).width + 16;
  context.beginPath();
  context.roundRect(11, 14, width, 22, 11);
  context.fill();
  context.fillStyle = "#fff";
  context.fillText(name, 19, 25.5);
  context.restore();
}
