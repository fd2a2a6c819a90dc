// @ts-check
/**
 * The commands on the selected strokes and on the drawing as a whole, for the menu and the keyboard.
 *
 * It must never do anything itself: a command calls the board.
 */

import { grouped } from "../model/grouped.js";

/** @typedef {import("./commands.js").Command} Command */
/** @typedef {import("./commands.js").Board} Board */
/** @typedef {import("../tools/selection-actions.js").SelectionActions} SelectionActions */
/** @typedef {import("../strings/strings.js").StringId} StringId */

const some = (/** @type {Board} */ { selection }) => selection.freeCount > 0;
const several = (/** @type {Board} */ { selection }) => selection.freeCount > 1;
const many = (/** @type {Board} */ { selection }) => selection.freeCount > 2;

/**
 * @param {string} id
 * @param {StringId} label
 * @param {readonly string[]} keys
 * @param {(board: Board) => boolean} when
 * @param {(selection: SelectionActions) => void} act
 * @param {Partial<Command>} [more]
 * @returns {Command}
 */
function acting(id, label, keys, when, act, more = {}) {
  return { id, group: "selection", label, keys, when, run: ({ selection }) => act(selection), ...more };
}

/** In the order of the menu. `section` numbers what belongs together.
 * @type {readonly Command[]} */
export const SELECTION_COMMANDS = [
  { id: "cut", group: "selection", section: 1, label: "command.cut", keys: ["mod+x"], native: true, when: some, run: (board) => board.clipboard("cut") },
  { id: "copy", group: "selection", section: 1, label: "command.copy", keys: ["mod+c"], native: true, when: ({ selection }) => selection.count > 0, run: (board) => board.clipboard("copy") },
  { id: "paste", group: "selection", section: 1, label: "command.paste", keys: ["mod+v"], native: true, run: (board) => board.clipboard("paste") },
  acting("duplicate", "command.duplicate", ["mod+d"], some, (selection) => selection.duplicate(), { section: 1 }),
  acting("front", "command.front", ["mod+shift+]", "mod+shift+}"], some, (selection) => selection.order("front"), { section: 2 }),
  acting("forward", "command.forward", ["mod+]"], some, (selection) => selection.order("forward"), { section: 2 }),
  acting("backward", "command.backward", ["mod+["], some, (selection) => selection.order("backward"), { section: 2 }),
  acting("back", "command.back", ["mod+shift+[", "mod+shift+{"], some, (selection) => selection.order("back"), { section: 2 }),
  acting("group", "command.group", ["mod+g"], several, (selection) => selection.group(), { section: 3 }),
  acting("ungroup", "command.ungroup", ["mod+shift+g"], ({ selection }) => selection.isGrouped, (selection) => selection.ungroup(), { section: 3 }),
  acting("lock", "command.lock", ["mod+shift+l"], ({ selection }) => selection.count > 0, (selection) => selection.toggleLock(), { section: 3 }),
  acting("align.left", "command.alignLeft", ["mod+shift+arrowleft"], several, (selection) => selection.align("left"), { section: 4, row: true, icon: "alignLeft" }),
  acting("align.centre", "command.alignCentre", [], several, (selection) => selection.align("centre"), { section: 4, row: true, icon: "alignCentre" }),
  acting("align.right", "command.alignRight", ["mod+shift+arrowright"], several, (selection) => selection.align("right"), { section: 4, row: true, icon: "alignRight" }),
  acting("align.top", "command.alignTop", ["mod+shift+arrowup"], several, (selection) => selection.align("top"), { section: 4, row: true, icon: "alignTop" }),
  acting("align.middle", "command.alignMiddle", [], several, (selection) => selection.align("middle"), { section: 4, row: true, icon: "alignMiddle" }),
  acting("align.bottom", "command.alignBottom", ["mod+shift+arrowdown"], several, (selection) => selection.align("bottom"), { section: 4, row: true, icon: "alignBottom" }),
  acting("distribute.x", "command.distributeX", ["alt+shift+h"], many, (selection) => selection.distribute("x"), { section: 5, row: true, icon: "distributeX" }),
  acting("distribute.y", "command.distributeY", ["alt+shift+v"], many, (selection) => selection.distribute("y"), { section: 5, row: true, icon: "distributeY" }),
  acting("flip.x", "command.flipX", ["shift+h"], some, (selection) => selection.flip("x"), { section: 5, row: true, icon: "flipX" }),
  acting("flip.y", "command.flipY", ["shift+v"], some, (selection) => selection.flip("y"), { section: 5, row: true, icon: "flipY" }),
  acting("selectAll", "command.selectAll", ["mod+a"], ({ selection }) => selection.isDrawn, (selection) => selection.selectAll(), { section: 6, run: (board) => board.selectAll() }),
  acting("zoom.selection", "command.zoomSelection", ["shift+f"], ({ selection }) => selection.count > 0, () => {}, { section: 6, run: (board) => board.zoom("fit", board.selection.bounds) }),
  acting("erase", "command.erase", ["delete", "backspace"], some, (selection) => selection.erase(), { section: 7 }),
  acting("clear", "command.clear", [], ({ selection }) => selection.isDrawn, () => {}, { section: 7, group: "page", icon: "delete", run: (board) => board.clear() }),
  { id: "menu", group: "other", label: "command.menu", keys: ["shift+f10", "contextmenu"], run: (board) => board.menu() },
];

/** The commands that a menu offers now, in its sections.
 * @param {Board} board
 * @returns {Command[][]} */
export function menuOf(board) {
  const offered = SELECTION_COMMANDS.filter(({ section, when }) => section !== undefined && (!when || when(board)));
  return [...grouped(offered, ({ section }) => section).values()];
}
