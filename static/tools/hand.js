// @ts-check
/**
 * The hand: moves the view.
 *
 * It must never touch a stroke.
 */

/** @returns {import("./tool.js").Tool} */
export function handTool() {
  return { id: "hand", cursor: "grab", pans: true, down() {}, move() {}, up() {}, cancel() {} };
}
