// @ts-check
/**
 * The text tool: a click starts a text, or edits the one that is there.
 *
 * It must never open the editor before the pointer is lifted, which would take the focus away again.
 */

/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("./tool.js").Tool} Tool */

/**
 * @param {import("./tool.js").ToolContext} context
 * @returns {Tool}
 */
export function textTool(context) {
  /** @type {PlanePoint | null} */
  let at = null;
  return {
    id: "text",
    cursor: "text",
    down({ point }) {
      at = point;
    },
    move() {},
    up() {
      if (at) context.write(at);
      at = null;
    },
    cancel() {
      at = null;
    },
  };
}
