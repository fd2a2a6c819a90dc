// @ts-check
/**
 * Takes the drawing, or what is selected of it, away: as a picture, as SVG or as a file.
 *
 * It must never change the drawing.
 */

import { blobOf, paintedPicture } from "../canvas/picture.js";
import { drawingSvg } from "../kinds/drawing-svg.js";
import { fileText } from "../model/drawing-file.js";
import { readAsset, readFont } from "../net/api.js";
import { loadStored, saveStored } from "../net/local-storage.js";
import { t } from "../strings/later.js";
import { copyPicture, copyText, dataAddress, download, fileName } from "../ui/download.js";
import { failureText } from "../ui/failure.js";

/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {import("../ui/export-sheet.js").Choice} Choice */
/** @typedef {import("../ui/export-sheet.js").Way} Way */

/** Pixels per unit of a picture. */
const SCALE = 2;

/** @param {any} value */
function isKept({ background }) {
  return typeof background === "boolean";
}

export class BoardExport {
  #on;

  /**
   * @param {object} on
   * @param {string} on.drawing
   * @param {() => string} on.title
   * @param {import("../model/scene.js").Scene} on.scene
   * @param {() => readonly Stroke[]} on.selected
   * @param {import("../canvas/canvas.js").Canvas} on.canvas
   * @param {(hashes: string[]) => Promise<unknown>} on.loadPictures
   * @param {(message: string) => void} on.notify
   */
  constructor(on) {
    this.#on = on;
  }

  /** Asks how. */
  async open() {
    if (this.#isEmpty) return;
    const { selected, notify } = this.#on;
    const sheet = await import("../ui/export-sheet.js").catch(() => null);
    if (!sheet) return notify(t("failure.unreachable"));
    const { openExportSheet } = sheet;
    openExportSheet(this.#choice, {
      hasSelection: selected().length > 0,
      preview: (choice, most) => paintedPicture(bodiesOf(this.#strokes(choice)), { ...choice, scale: SCALE, most }),
      chosen: (way, choice) => {
        saveStored("export", { background: choice.background });
        void this.#export(way, choice);
      },
    });
  }

  /**
   * Copies at once, what is selected if there is a selection.
   * @param {"picture" | "svg"} as
   */
  copy(as) {
    if (!this.#isEmpty) void this.#export(as === "svg" ? "code" : "picture", this.#choice);
  }

  get #isEmpty() {
    const isEmpty = this.#on.scene.ordered().length === 0;
    if (isEmpty) this.#on.notify(t("export.nothing"));
    return isEmpty;
  }

  /** @returns {Choice} */
  get #choice() {
    const { background } = loadStored("export", () => ({ background: true }), isKept);
    return { theme: this.#on.canvas.theme, background, selection: this.#on.selected().length > 0 };
  }

  /** @param {Choice} choice */
  #strokes({ selection }) {
    return selection ? this.#on.selected() : this.#on.scene.ordered();
  }

  /**
   * @param {Way} way
   * @param {Choice} choice
   */
  async #export(way, choice) {
    const { notify } = this.#on;
    try {
      if (way === "png") this.#save(await this.#png(choice), "png");
      else if (way === "svg") this.#save(await this.#svg(choice), "svg");
      else if (way === "json") this.#save(await this.#json(choice), "json");
      else await this.#copy(way, choice);
    } catch (error) {
      notify(t("export.failed", { reason: failureText(error) }));
    }
  }

  /**
   * @param {"picture" | "code"} way
   * @param {Choice} choice
   */
  async #copy(way, choice) {
    const { notify } = this.#on;
    const made = way === "picture" ? this.#png(choice) : this.#svg(choice);
    try {
      if (way === "picture") await copyPicture(made);
      else await copyText(await (await made).text());
    } catch {
      // Over plain http there is no clipboard, and a browser may forbid it.
      this.#save(await made, way === "picture" ? "png" : "svg");
      notify(t("export.cannotCopy"));
      return;
    }
    notify(t("export.copied"));
  }

  /**
   * @param {Blob} blob
   * @param {string} extension
   */
  #save(blob, extension) {
    download(blob, fileName(this.#on.title(), extension));
  }

  /** @param {Choice} choice */
  async #png(choice) {
    const strokes = this.#strokes(choice);
    await this.#on.loadPictures(assetsOf(strokes));
    return blobOf(paintedPicture(bodiesOf(strokes), { ...choice, scale: SCALE }), "image/png");
  }

  /** @param {Choice} choice */
  async #svg(choice) {
    const strokes = this.#strokes(choice);
    const hasText = strokes.some(({ body }) => body.text !== undefined);
    const [pictures, font] = await Promise.all([this.#pictures(strokes), hasText ? readFont().then(dataAddress) : undefined]);
    const text = drawingSvg(bodiesOf(strokes), { ...choice, title: this.#on.title(), pictures, font });
    return new Blob([text], { type: "image/svg+xml" });
  }

  /** @param {Choice} choice */
  async #json(choice) {
    const strokes = this.#strokes(choice);
    const text = fileText({ title: this.#on.title(), strokes, assets: await this.#pictures(strokes) });
    return new Blob([text], { type: "application/json" });
  }

  /**
   * The pictures of strokes as addresses that contain them; without those that cannot be read.
   * @param {readonly Stroke[]} strokes
   * @returns {Promise<Record<string, string>>}
   */
  async #pictures(strokes) {
    const read = assetsOf(strokes).map(async (hash) => [hash, await dataAddress(await readAsset(this.#on.drawing, hash))]);
    const settled = await Promise.allSettled(read);
    return Object.fromEntries(settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])));
  }
}

/** @param {readonly Stroke[]} strokes */
function bodiesOf(strokes) {
  return strokes.map(({ body }) => body);
}

/** @param {readonly Stroke[]} strokes */
function assetsOf(strokes) {
  return [...new Set(strokes.flatMap(({ body: { asset } }) => asset ?? []))];
}
