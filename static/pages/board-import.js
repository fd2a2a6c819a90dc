// @ts-check
/**
 * Brings files into the drawing: drawings of this program and of Excalidraw, and pictures; chosen,
 * dropped or pasted. Each file is one step of the history.
 *
 * It must never load what a file names at another address.
 */

import { PictureError, preparedPicture } from "../canvas/picture-file.js";
import { elementsOf, picturesOf, readExcalidraw } from "../kinds/excalidraw.js";
import { boundsOf, kindOf } from "../kinds/kinds.js";
import { copiesOf } from "../model/copies.js";
import { FileError, readDrawingFile } from "../model/drawing-file.js";
import { drawing } from "../model/edits.js";
import { isExcalidraw } from "../model/file-formats.js";
import { boxOfBoth, centreOf } from "../model/geometry.js";
import { randomSecret } from "../model/ids.js";
import { fromBase64, quantised } from "../model/points.js";
import { storeAsset } from "../net/api.js";
import { t } from "../strings/later.js";
import { chosenFiles } from "../ui/download.js";
import { failureText } from "../ui/failure.js";
import { NoRoom, WaitingPictures } from "./waiting-pictures.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {{id: string, body: Body}} Read */

/** Largest file in bytes. */
const MAX_FILE = 64 * 1024 * 1024;
/** What the choosers offer. */
const DRAWINGS = ".excalidraw,.excalidrawlib,.json,application/json";
const PICTURES = "image/*";
/** Part of what is shown that a picture takes at most, and the gap between several in units. */
const PART = 0.6;
const GAP = 24;
/** Pictures that are stored as they are, since they were made here. */
const OWN_TYPES = ["image/png", "image/webp", "image/gif", "image/jpeg"];
/** Uploads at a time. */
const AT_ONCE = 4;

export class BoardImport {
  #on;
  #waiting;

  /** @param {ConstructorParameters<typeof WaitingPictures>[0] & {viewport: import("../canvas/viewport.js").Viewport}} on */
  constructor(on) {
    this.#on = on;
    this.#waiting = new WaitingPictures(on);
  }

  /** Goes on with pictures that wait since an earlier visit. */
  resume() {
    return this.#waiting.resume();
  }

  async chooseFile() {
    await this.bring(await chosenFiles(DRAWINGS));
  }

  async choosePicture() {
    await this.bring(await chosenFiles(PICTURES));
  }

  /**
   * Draws what is in a file that was pasted.
   * @param {any} parsed
   */
  async pasted(parsed) {
    await this.#guarded(() => this.#draw(parsed));
  }

  /**
   * @param {File[]} files
   * @param {PlanePoint} [at] the middle of what is brought, by default that of the view
   */
  async bring(files, at) {
    const pictures = files.filter(({ type }) => type.startsWith("image/"));
    if (pictures.length > 0) await this.#guarded(() => this.#insert(pictures, at));
    for (const file of files.filter((file) => !pictures.includes(file))) {
      await this.#guarded(async () => {
        if (file.size > MAX_FILE) throw new ImportError("import.tooLarge");
        await this.#draw(parsedJson(await file.text()), at);
      });
    }
  }

  /** @param {() => Promise<void>} act */
  async #guarded(act) {
    try {
      await act();
    } catch (error) {
      this.#on.notify(t("import.failed", { reason: reasonOf(error) }));
    }
  }

  /**
   * Draws what is in a file.
   * @param {any} parsed
   * @param {PlanePoint} [at]
   */
  async #draw(parsed, at) {
    const { strokes, skipped } = isExcalidraw(parsed) ? await this.#excalidraw(parsed) : await this.#own(parsed);
    if (strokes.length === 0) throw new ImportError("import.empty");
    const placed = this.#placed(copiesOf(strokes), at);
    this.#commit(placed);
    const { notify, viewport } = this.#on;
    viewport.reveal(boxOf(placed));
    notify(t("import.done", { count: strokes.length }));
    if (skipped > 0) notify(t("import.skipped", { count: skipped }));
  }

  /** @param {any} parsed */
  async #excalidraw(parsed) {
    if (elementsOf(parsed).length === 0) throw new ImportError("import.empty");
    const files = picturesOf(parsed);
    return readExcalidraw(parsed, await this.#stored(files));
  }

  /** @param {any} parsed */
  async #own(parsed) {
    const { strokes, assets, skipped } = readDrawingFile(parsed);
    const stored = await this.#stored(new Map(Object.entries(assets)));
    const kept = strokes.flatMap(({ id, body }) => {
      if (body.asset === undefined) return [{ id, body }];
      const asset = stored.get(body.asset);
      return asset ? [{ id, body: { ...body, asset } }] : [];
    });
    return { strokes: kept, skipped: skipped + strokes.length - kept.length };
  }

  /**
   * Stores the pictures of a file, and returns their hashes by their names in it, without those that cannot
   * be stored.
   * @param {ReadonlyMap<string, string>} addresses `data:` addresses
   */
  async #stored(addresses) {
    /** @type {Map<string, string>} */
    const hashes = new Map();
    if (addresses.size > 0) this.#on.notify(t("import.uploading", { count: addresses.size }));
    const rest = [...addresses];
    const store = async () => {
      for (let next = rest.pop(); next; next = rest.pop()) {
        const [name, address] = next;
        const hash = await this.#storedAddress(address).catch(() => null);
        if (hash) hashes.set(name, hash);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, store));
    return hashes;
  }

  /** @param {string} address */
  async #storedAddress(address) {
    const [, type, base64] = /^data:([\w/+.-]+);base64,(.*)$/s.exec(address) ?? [];
    if (!type) throw new PictureError("it is not in base64");
    const file = new Blob([fromBase64(base64)], { type });
    const blob = OWN_TYPES.includes(type) ? file : (await preparedPicture(file)).blob;
    return storeAsset(this.#on.drawing, blob).catch(async () => storeAsset(this.#on.drawing, (await preparedPicture(file)).blob));
  }

  /**
   * Inserts pictures beside each other.
   * @param {File[]} files
   * @param {PlanePoint} [at]
   */
  async #insert(files, at) {
    const { notify, viewport } = this.#on;
    notify(t("import.uploading", { count: files.length }));
    const { left, right, top, bottom } = viewport.shown;
    const [mostWide, mostHigh] = [((right - left) * PART) / files.length, (bottom - top) * PART];
    /** @type {Read[]} */
    const strokes = [];
    /** @type {Blob[]} */
    const blobs = [];
    let x = 0;
    for (const [i, file] of files.entries()) {
      const { blob, width, height } = await preparedPicture(file);
      blobs.push(blob);
      const scale = Math.min(1, mostWide / width, mostHigh / height);
      const [w, h] = [quantised(width * scale), quantised(height * scale)];
      strokes.push({ id: String(i), body: { kind: "image", x, y: quantised(-h / 2), w, h, asset: anyHash(), colour: "ink" } });
      x += w + GAP;
    }
    const placed = this.#placed(copiesOf(strokes), at);
    /** @type {Read[]} */
    const stored = [];
    try {
      for (const [i, { id, body }] of placed.entries()) {
        const asset = await this.#waiting.stored(id, body, blobs[i]);
        if (asset) stored.push({ id, body: { ...body, asset } });
      }
    } finally {
      this.#commit(stored);
    }
    const waits = placed.length - stored.length;
    if (waits > 0) notify(t("import.waits", { count: waits }));
    viewport.reveal(boxOf(placed));
  }

  /**
   * Strokes, moved into view.
   * @param {Read[]} strokes
   * @param {PlanePoint} [at] their middle
   * @returns {Read[]}
   */
  #placed(strokes, at) {
    const [from, to] = [centreOf(boxOf(strokes)), at ?? centreOf(this.#on.viewport.shown)];
    const [dx, dy] = [quantised(to.x - from.x), quantised(to.y - from.y)];
    return strokes.map(({ id, body }) => ({ id, body: { ...body, .../** @type {Partial<Body>} */ (kindOf(body).moved(body, dx, dy)) } }));
  }

  /** Draws strokes, as one step.
   * @param {Read[]} strokes */
  #commit(strokes) {
    if (strokes.length > 0) this.#on.history.commit(strokes.map(({ id, body }) => drawing(id, body)));
  }
}

/** A hash in place of that of a picture which the server has not said yet. */
function anyHash() {
  return randomSecret() + randomSecret();
}

/** @param {Read[]} strokes at least one */
function boxOf(strokes) {
  return strokes.map(({ body }) => boundsOf(body)).reduce(boxOfBoth);
}

class ImportError extends Error {
  /** @param {"import.empty" | "import.tooLarge"} text */
  constructor(text) {
    super(text);
    this.text = text;
  }
}

/** @param {unknown} error */
function reasonOf(error) {
  if (error instanceof ImportError) return t(error.text);
  if (error instanceof FileError) return t(error.reason === "version" ? "import.version" : "import.format");
  if (error instanceof NoRoom) return t("import.waitingFull");
  if (error instanceof PictureError) return t("import.badPicture");
  return failureText(error);
}

/** @param {string} text
 * @returns {any} null if it is not JSON */
function parsedJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
