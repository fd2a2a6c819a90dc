// @ts-check
/**
 * What commands can do on the drawing page.
 *
 * It must never hold state: it connects the commands to the parts of the page.
 */

import { t } from "../strings/strings.js";

/** @typedef {import("../ui/commands.js").Board} Board */

/**
 * @param {object} board
 * @param {boolean} board.readOnly
 * @param {import("../model/history.js").History} board.history
 * @param {() => import("./board-people.js").BoardPeople} board.people
 * @param {import("../ui/commands.js").Look} board.look
 * @param {import("../ui/commands.js").Files} board.files
 * @param {(message: string) => void} board.notify
 * @param {object} parts
 * @param {import("../canvas/viewport.js").Viewport} parts.viewport
 * @param {import("./board-selection.js").BoardSelection} parts.selected
 * @param {() => void} parts.finish ends writing a text
 * @param {(tool: string) => void} parts.choose
 * @param {() => void} parts.undo
 * @param {() => void} parts.redo
 * @returns {Board}
 */
export function boardActions({ readOnly, history, people, look, files, notify }, { viewport, selected, finish, choose, undo, redo }) {
  return {
    readOnly,
    choose: (tool) => {
      finish();
      choose(tool);
    },
    undo,
    redo,
    canUndo: history.canUndo,
    canRedo: history.canRedo,
    zoom: (to, box) => viewport.command(to, box),
    language: () => void import("../ui/language.js").then(({ openLanguageSheet }) => openLanguageSheet(), () => notify(t("failure.unreachable"))),
    call: () => people().call(),
    help: () => void import("../ui/help-sheet.js").then(({ openHelpSheet }) => openHelpSheet(), () => notify(t("failure.unreachable"))),
    selection: selected.actions,
    selectAll: () => selected.selectAll(),
    clipboard: (what) => void selected.clipboard(what),
    clear: () => void selected.clear(),
    menu: () => selected.openMenu(),
    look,
    files,
  };
}
