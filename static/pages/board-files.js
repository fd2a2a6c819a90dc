// @ts-check
/**
 * Files of the drawing: its pictures, what is exported and what is imported.
 *
 * It must never hold what belongs to one of these: it connects them to the page. What exports and imports is
 * loaded when it is first used.
 */

import { fileIn } from "../model/file-formats.js";
import { assetAddress, readAsset } from "../net/api.js";
import { loadStored } from "../net/local-storage.js";
import { t } from "../strings/strings.js";
import { isTaken } from "../ui/dom.js";
import { listenToDrops } from "../ui/drop-zone.js";

/** @typedef {import("../model/types.js").Stroke} Stroke */

/**
 * @param {object} board
 * @param {IDBFactory | undefined} board.factory of the database in which pictures wait
 * @param {string} board.drawing
 * @param {boolean} board.keyed whether pictures are read with a key
 * @param {() => boolean} board.readOnly
 * @param {import("../model/scene.js").Scene} board.scene
 * @param {import("../canvas/canvas.js").Canvas} board.canvas
 * @param {import("../canvas/picture-cache.js").PictureCache} board.pictures
 * @param {import("../model/history.js").History} board.history
 * @param {import("../canvas/viewport.js").Viewport} board.viewport
 * @param {() => string} board.title
 * @param {() => readonly Stroke[]} board.selected
 * @param {() => void} board.waits other pictures wait for the server than before
 * @param {(message: string) => void} board.notify
 * @returns {import("../ui/commands.js").Files & {pictureAddress: (hash: string) => string | Promise<string>}}
 */
export function boardFiles(board) {
  const { drawing, keyed, readOnly, pictures, viewport, notify } = board;
  /** @type {import("./waiting-pictures.js").ShownWaiting} */
  const waiting = { bodies: [], addresses: new Map() };
  // Kept as long as its image, which is as long as the page.
  const withKey = (/** @type {string} */ hash) => readAsset(drawing, hash).then((picture) => URL.createObjectURL(picture));
  const parts = { ...board, waiting, loadPictures: (/** @type {string[]} */ hashes) => pictures.load(hashes) };
  const failed = () => notify(t("failure.unreachable"));
  const exports = loadedOnce(() => import("./board-export.js").then(({ BoardExport }) => new BoardExport(parts)), failed);
  const imports = loadedOnce(() => import("./board-import.js").then(({ BoardImport }) => new BoardImport(parts)), failed);
  listenToDrops((files, at) => !readOnly() && imports((it) => it.bring(files, viewport.toPlane(at))));
  document.addEventListener("paste", (event) => {
    if (readOnly() || isTaken(event)) return;
    const { clipboardData } = event;
    const files = [...(clipboardData?.files ?? [])];
    const parsed = fileIn(clipboardData?.getData("text/plain") ?? "");
    if (files.length > 0) imports((it) => it.bring(files));
    else if (parsed) imports((it) => it.pasted(parsed));
  });
  return {
    waiting,
    pictureAddress: (hash) => waiting.addresses.get(hash) ?? (keyed ? withKey(hash) : assetAddress(drawing, hash)),
    resume: () => loadStored("pictures", () => /** @type {string[]} */ ([]), Array.isArray).includes(drawing) && imports((it) => it.resume()),
    openExport: () => exports((it) => it.open()),
    copy: (as) => exports((it) => it.copy(as)),
    chooseFile: () => imports((it) => it.chooseFile()),
    choosePicture: () => imports((it) => it.choosePicture()),
  };
}

/**
 * Loads something when it is first used, and again if that has failed.
 * @template T
 * @param {() => Promise<T>} load
 * @param {() => void} failed
 * @returns {(use: (loaded: T) => unknown) => void}
 */
function loadedOnce(load, failed) {
  /** @type {Promise<T | null> | null} */
  let loading = null;
  return async (use) => {
    loading ??= load().catch(() => null);
    const loaded = await loading;
    if (loaded) {
      use(loaded);
    } else {
      loading = null;
      failed();
    }
  };
}
