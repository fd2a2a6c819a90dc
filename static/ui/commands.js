// @ts-check
/**
 * The one table of commands: it feeds the toolbar, tooltips, menus, shortcuts and the help sheet.
 *
 * It must never do anything itself: a command calls the board.
 */

import { SELECTION_COMMANDS } from "./selection-commands.js";

/** @typedef {import("../strings/strings.js").StringId} StringId */
/** @typedef {import("./icons.js").IconName} IconName */
/** @typedef {"tools"|"history"|"view"|"selection"|"file"|"people"|"look"|"page"|"other"} Group Where it is shown in the toolbar or the menu, if it has an icon, and in the help sheet. */
/**
 * What commands can do.
 * @typedef {object} Board
 * @property {boolean} readOnly the person may only look
 * @property {(tool: string) => void} choose
 * @property {() => void} undo
 * @property {() => void} redo
 * @property {boolean} canUndo
 * @property {boolean} canRedo
 * @property {(to: "in"|"out"|"one"|"fit", box?: import("../model/types.js").Box | null) => void} zoom a box to fit is by default that of the drawing
 * @property {() => void} help
 * @property {() => void} language
 * @property {() => void} call
 * @property {import("../tools/selection-actions.js").SelectionActions} selection
 * @property {() => void} selectAll with the tool for it
 * @property {(what: "cut"|"copy"|"paste") => void} clipboard
 * @property {() => void} clear erases everything, after a question
 * @property {() => void} menu opens the menu of the selection
 * @property {Files} files
 * @property {Look} look
 */
/**
 * What commands can do with the looks of the page.
 * @typedef {object} Look
 * @property {() => void} theme
 * @property {() => void} grid
 */
/**
 * What commands can do with files.
 * @typedef {object} Files
 * @property {() => void} openExport
 * @property {(as: "picture"|"svg") => void} copy
 * @property {() => void} chooseFile of a drawing to import
 * @property {() => void} choosePicture
 * @property {{bodies: import("../model/types.js").Body[]}} waiting pictures that wait for the server, as they are shown
 * @property {() => unknown} resume goes on with those of an earlier visit
 */
/**
 * A command. `keys` are names such as `p`, `mod+shift+z` or `shift+arrowup`, where `mod` is Ctrl or Command;
 * the first one is shown.
 * @typedef {object} Command
 * @property {string} id
 * @property {Group} group
 * @property {StringId} label
 * @property {readonly string[]} keys
 * @property {IconName | "percent"} [icon] without one it is not in the toolbar; `percent` shows the zoom
 * @property {string} [tool] the tool that it chooses
 * @property {number} [section] of the menu, for commands that are in it
 * @property {boolean} [row] whether the menu shows its icon, in a row
 * @property {boolean} [native] whether the browser has its own event for the keys, which must not be stopped
 * @property {(board: Board) => boolean} [when] whether it can be run now; without it always
 * @property {(board: Board) => void} run
 */
/** @typedef {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean, shiftKey: boolean}} KeyPress */

/**
 * @param {IconName} tool
 * @param {StringId} label
 * @param {...string} keys
 * @returns {Command}
 */
function choosing(tool, label, ...keys) {
  return { id: `tool.${tool}`, group: "tools", label, keys, icon: tool, tool, run: (board) => board.choose(tool) };
}

/** In the order in which they are shown.
 * @type {readonly Command[]} */
export const COMMANDS = [
  choosing("select", "tool.select", "v", "1"),
  choosing("hand", "tool.hand", "h"),
  choosing("pen", "tool.pen", "p", "7"),
  choosing("marker", "tool.marker", "m"),
  choosing("line", "tool.line", "l", "6"),
  choosing("arrow", "tool.arrow", "a", "5"),
  choosing("rectangle", "tool.rectangle", "r", "2"),
  choosing("ellipse", "tool.ellipse", "o", "4"),
  choosing("diamond", "tool.diamond", "d", "3"),
  choosing("text", "tool.text", "t", "8"),
  choosing("note", "tool.note", "n"),
  { id: "file.picture", group: "tools", label: "command.picture", keys: ["9"], icon: "picture", run: ({ files }) => files.choosePicture() },
  choosing("eraser", "tool.eraser", "e"),
  choosing("laser", "tool.laser", "k"),
  { id: "undo", group: "history", label: "command.undo", keys: ["mod+z"], icon: "undo", when: ({ canUndo }) => canUndo, run: (board) => board.undo() },
  { id: "redo", group: "history", label: "command.redo", keys: ["mod+shift+z", "mod+y"], icon: "redo", when: ({ canRedo }) => canRedo, run: (board) => board.redo() },
  { id: "zoom.out", group: "view", label: "command.zoomOut", keys: ["-"], icon: "minus", run: (board) => board.zoom("out") },
  { id: "zoom.one", group: "view", label: "command.zoomReset", keys: ["0"], icon: "percent", run: (board) => board.zoom("one") },
  { id: "zoom.in", group: "view", label: "command.zoomIn", keys: ["+", "="], icon: "plus", run: (board) => board.zoom("in") },
  { id: "zoom.fit", group: "view", label: "command.fit", keys: ["f"], icon: "fit", run: (board) => board.zoom("fit") },
  { id: "help", group: "view", label: "command.help", keys: ["?"], icon: "help", run: (board) => board.help() },
  { id: "people.call", group: "people", label: "people.call", keys: [], icon: "call", run: (board) => board.call() },
  { id: "language", group: "page", label: "command.language", keys: [], icon: "language", run: (board) => board.language() },
  { id: "file.export", group: "file", label: "command.export", keys: ["mod+shift+e"], icon: "export", run: ({ files }) => files.openExport() },
  { id: "file.copyPicture", group: "file", label: "command.copyPicture", keys: ["alt+shift+c"], icon: "copy", run: ({ files }) => files.copy("picture") },
  { id: "file.copySvg", group: "file", label: "command.copySvg", keys: [], icon: "vector", run: ({ files }) => files.copy("svg") },
  { id: "file.import", group: "file", label: "command.import", keys: ["mod+o"], icon: "import", run: ({ files }) => files.chooseFile() },
  { id: "look.theme", group: "look", label: "command.theme", keys: ["alt+shift+d"], icon: "theme", run: ({ look }) => look.theme() },
  { id: "look.grid", group: "look", label: "command.grid", keys: ["shift+g"], icon: "grid", run: ({ look }) => look.grid() },
  ...SELECTION_COMMANDS,
];

/** Groups of commands, and single ones, that change nothing. @type {readonly string[]} */
const LOOKING = ["view", "look", "language", "tool.hand", "file.export", "file.copyPicture", "file.copySvg"];

/**
 * Whether a command can be run now.
 * @param {Command} command
 * @param {Board} board
 */
export function canRun({ id, group, when }, board) {
  return (!board.readOnly || LOOKING.includes(id) || LOOKING.includes(group)) && when?.(board) !== false;
}

/** Keys that are no commands, for the help sheet. @type {readonly {group: Group, label: StringId, keys: readonly string[]}[]} */
export const OTHER_KEYS = [
  { group: "other", label: "command.pan", keys: ["space"] },
  { group: "other", label: "command.escape", keys: ["escape"] },
  { group: "selection", label: "command.nudge", keys: ["arrowup"] },
  { group: "selection", label: "command.nudgeFar", keys: ["shift+arrowup"] },
  { group: "selection", label: "command.editText", keys: ["enter"] },
];

/**
 * The command of a key. Shift counts where a command asks for it; elsewhere it may be held.
 * @param {KeyPress} press
 */
export function commandOf({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  const mod = ctrlKey || metaKey;
  const plain = `${mod ? "mod+" : ""}${altKey ? "alt+" : ""}`;
  const name = key.toLowerCase();
  const find = (/** @type {string} */ combination) => COMMANDS.find(({ keys }) => keys.includes(combination));
  return (shiftKey ? find(`${plain}shift+${name}`) : undefined) ?? find(plain + name);
}

/** @type {Record<string, StringId>} */
const NAMED = {
  mod: "key.mod", shift: "key.shift", alt: "key.alt", space: "key.space", escape: "key.escape", enter: "key.enter",
  delete: "key.delete", backspace: "key.backspace", contextmenu: "key.menu",
};
const SIGNS = /** @type {Record<string, string>} */ ({ "-": "−", arrowleft: "←", arrowright: "→", arrowup: "↑", arrowdown: "↓" });

/**
 * The parts of a combination, to be shown: names of strings for keys with a name, others as they are.
 * @param {string} combination
 * @returns {(StringId | string)[]}
 */
export function keyParts(combination) {
  // The plus key itself is no separator.
  return combination.split(/(?<=.)\+(?=.)/).map((part) => {
    return NAMED[part] ?? SIGNS[part] ?? part.toUpperCase();
  });
}
