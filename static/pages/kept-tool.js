// @ts-check
/**
 * The tool and the style of the last visit.
 *
 * It must never name a tool that there is no command for.
 */

import { FIRST_STYLE, isChosen } from "../model/style.js";
import { loadStored } from "../net/local-storage.js";
import { COMMANDS } from "../ui/commands.js";

const FIRST_TOOL = "pen";

export function loadTool() {
  return loadStored("tool", () => ({ choice: FIRST_TOOL, ...FIRST_STYLE }), isKept);
}

/** @param {any} value */
function isKept(value) {
  return COMMANDS.some(({ tool }) => tool !== undefined && tool === value.choice) && isChosen(value);
}
