// @ts-check
/**
 * Files of the drawing: its font and pictures, what is exported and what is imported.
 *
 * It must never hold what belongs to one of these: it connects them to the page.
 */

import { PictureCache } from "../canvas/picture-cache.js";
import { loadFont } from "../kinds/measure.js";
import { setPictures } from "../kinds/pictures.js";
import { assetAddress } from "../net/api.js";
import { BoardExport } from "./board-export.js";
import { BoardImport } from "./board-import.js";

/** @typedef {import("../model/types.js").Stroke} Stroke */

/**
 * @param {object} board
 * @param {string} board.drawing
 * @param {import("../model/scene.js").Scene} board.scene
 * @param {import("../canvas/canvas.js").Canvas} board.canvas
 * @param {import("../model/history.js").History} board.history
 * @param {() => import("../canvas/viewport.js").Viewport} board.viewport
 * @param {() => string} board.title
 * @param {() => readonly Stroke[]} board.selected
 * @param {(message: string) => void} board.notify
 * @returns {import("../ui/commands.js").Files}
 */
export function boardFiles({ drawing, scene, canvas, history, viewport, title, selected, notify }) {
  const pictures = new PictureCache((hash) => assetAddress(drawing, hash), (hash) => {
    for (const stroke of scene.ordered()) if (stroke.body.asset === hash) canvas.changed(stroke, stroke);
  });
  // Texts that came before their font were measured in another one: a new body is measured again.
  void loadFont().then(() => {
    for (const stroke of scene.ordered()) if (stroke.body.text !== undefined) scene.set({ ...stroke, body: { ...stroke.body } });
    canvas.repaint();
  });
  setPictures((hash) => pictures.find(hash));
  const exports = new BoardExport({
    drawing,
    title,
    strokes: () => scene.ordered(),
    selected,
    theme: () => canvas.theme,
    loadPictures: (hashes) => pictures.load(hashes),
    notify,
  });
  const imports = new BoardImport({ drawing, history, viewport, notify });
  return {
    openExport: () => void exports.open(),
    copy: (as) => exports.copy(as),
    chooseFile: () => void imports.chooseFile(),
    choosePicture: () => void imports.choosePicture(),
  };
}
