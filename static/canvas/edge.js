// @ts-check
/**
 * Where marks at the edge of the canvas point to who is out of sight.
 *
 * It must never know who they are.
 */

/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("../model/types.js").Box} Box */

/**
 * The mark for a point: where the line from the middle of `free` to it leaves `free`, and its direction in
 * radians, clockwise from the right. Null if the point is in sight.
 * @param {ScreenPoint} point pixels
 * @param {Box} shown what of the canvas is in sight
 * @param {Box} free where marks may be, within it
 * @returns {(ScreenPoint & {angle: number}) | null}
 */
export function edgeMark(point, shown, free) {
  const inside = point.x >= shown.left && point.x <= shown.right && point.y >= shown.top && point.y <= shown.bottom;
  if (inside) return null;
  const middle = { x: (free.left + free.right) / 2, y: (free.top + free.bottom) / 2 };
  const [dx, dy] = [point.x - middle.x, point.y - middle.y];
  const [width, height] = [Math.max(0, free.right - free.left) / 2, Math.max(0, free.bottom - free.top) / 2];
  const scale = Math.min(1, dx === 0 ? Infinity : width / Math.abs(dx), dy === 0 ? Infinity : height / Math.abs(dy));
  return { x: middle.x + dx * scale, y: middle.y + dy * scale, angle: Math.atan2(dy, dx) };
}
