// @ts-check
/**
 * What a person does with the selection: its commands, keys, menu, style and the clipboard.
 *
 * It must never take a key or the clipboard from a field that is typed in, or from a dialog.
 */

import { kindOf } from "../kinds/kinds.js";
import { readClip } from "../model/clip.js";
import { fileIn } from "../model/file-formats.js";
import { Selection } from "../model/selection.js";
import { chosenOf, commonOf, restyled } from "../model/style.js";
import { limited } from "../model/text-limit.js";
import { t } from "../strings/strings.js";
import { frameOf, isInside } from "../tools/handles.js";
import { SelectionActions } from "../tools/selection-actions.js";
import { isTaken } from "../ui/dom.js";
import { menuOf } from "../ui/selection-commands.js";
import { keyText } from "../ui/shortcuts.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("../model/style.js").Chosen} Chosen */
/** @typedef {import("../ui/commands.js").Board} Board */
/** @typedef {import("../ui/style-bar.js").Shown} Shown */

/** The format of strokes on the clipboard, beside their texts. */
const FORMAT = "application/x-whiteboard";
/** Pixels around a click that a stroke for the menu is looked for in. */
const REACH = 6;
/** @type {Record<string, [number, number]>} */
const NUDGES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class BoardSelection {
  /** Copied last in this page: a clipboard that is read by a command has no format but text. */
  #copied = { text: "", strokes: "" };
  /** @type {import("../ui/context-menu.js").ContextMenu | null} loaded when it is first opened */
  #menu = null;
  #on;

  /**
   * @param {object} on
   * @param {import("../model/scene.js").Scene} on.scene
   * @param {(edits: import("../model/edits.js").Edit[]) => void} on.commit
   * @param {(n: number) => number} on.positionOf
   * @param {() => number} on.nextOp
   * @param {import("../tools/tool.js").ToolContext["style"]} on.style
   * @param {() => Board} on.board
   * @param {(command: import("../ui/commands.js").Command) => void} on.run
   * @param {() => void} on.choose chooses the select tool
   * @param {() => PlanePoint} on.place where something pasted belongs
   * @param {(point: PlanePoint) => ScreenPoint} on.toScreen
   * @param {() => number} on.zoom
   * @param {(stroke: string) => void} on.writeIn
   * @param {() => void} on.changed
   * @param {(message: string) => void} on.notify
   */
  constructor(on) {
    this.#on = on;
    const { scene, commit, positionOf, nextOp, style } = on;
    this.selection = new Selection(scene, on.changed);
    this.actions = new SelectionActions({ scene, selection: this.selection, commit, positionOf, nextOp, style });
    for (const type of /** @type {const} */ (["copy", "cut"])) {
      document.addEventListener(type, (event) => this.#copy(event, type === "cut"));
    }
    document.addEventListener("paste", (event) => this.#paste(event));
  }

  /** What applies to the selected strokes, for the style bar.
   * @returns {Shown | null} */
  get styles() {
    const { free } = this.selection;
    if (free.length === 0) return null;
    const kinds = new Set(free.map(({ body }) => kindOf(body)));
    const fields = new Set([...kinds].flatMap(({ styles }) => styles));
    const letters = [...kinds].every(({ lettering }) => lettering !== undefined);
    return { fields, values: commonOf(free.map(({ body }) => chosenOf(body, kindOf(body)))), letters };
  }

  /** @param {Partial<Chosen>} picked */
  restyle(picked) {
    this.actions.restyle((body) => restyled(picked, kindOf(body)));
  }

  /** A key, while the select tool is chosen.
   * @param {KeyboardEvent} event */
  key({ key, shiftKey, ctrlKey, metaKey, altKey }) {
    if (ctrlKey || metaKey || altKey || this.selection.isEmpty) return false;
    const [only, ...others] = this.selection.free;
    if (key in NUDGES && only) this.actions.nudge(...NUDGES[key], shiftKey);
    else if (key === "Enter" && only && others.length === 0 && kindOf(only.body).lettering) this.#on.writeIn(only.id);
    else return false;
    return true;
  }

  /** Selects what is at a point for a menu, also if it is locked, and opens the menu.
   * @param {PlanePoint} point
   * @param {ScreenPoint} pixel of the window */
  openMenuAt(point, pixel) {
    const stroke = this.#on.scene.at(point, REACH / this.#on.zoom()).at(-1);
    this.#on.choose();
    const frame = frameOf(this.selection.strokes, this.#on.zoom());
    if (!stroke && !(frame && isInside(frame, point))) this.selection.clear();
    else if (stroke && !this.selection.has(stroke.id)) this.selection.set(this.selection.withGroup(stroke));
    void this.#openMenu(pixel);
  }

  /** Opens the menu at the selection. */
  openMenu() {
    const [first] = this.selection.strokes;
    const box = first && kindOf(first.body).bounds(first.body);
    void this.#openMenu(this.#on.toScreen(box ? { x: box.right, y: box.top } : this.#on.place()));
  }

  /** @param {ScreenPoint} pixel of the window */
  async #openMenu(pixel) {
    const loaded = await import("../ui/context-menu.js").catch(() => null);
    if (!loaded) return this.#on.notify(t("failure.unreachable"));
    this.#menu ??= new loaded.ContextMenu(this.#on.run);
    this.#menu.open(menuOf(this.#on.board()), pixel);
  }

  /** @returns {boolean} whether the menu was open */
  closeMenu() {
    return this.#menu?.close() === true;
  }

  selectAll() {
    this.#on.choose();
    this.actions.selectAll();
  }

  async clear() {
    const question = await import("../ui/clear-question.js").catch(() => null);
    if (!question) return this.#on.notify(t("failure.unreachable"));
    if (await question.askedToClear(this.#on.scene.size)) this.actions.eraseAll();
  }

  /** A command of the clipboard, which has no event of the browser's own.
   * @param {"cut"|"copy"|"paste"} what */
  async clipboard(what) {
    // The only way that also works without a secure context; it fires the event.
    if (what !== "paste") {
      document.execCommand(what);
      return;
    }
    try {
      const text = await navigator.clipboard.readText();
      this.#pasted(text === this.#copied.text ? this.#copied.strokes : "", text);
    } catch {
      this.#on.notify(t("paste.denied", { key: keyText("mod+v") }));
    }
  }

  /**
   * @param {ClipboardEvent} event
   * @param {boolean} cuts
   */
  #copy(event, cuts) {
    if (isTaken(event) || this.actions.count === 0 || !document.getSelection()?.isCollapsed) return;
    event.preventDefault();
    const { strokes, text } = this.actions.clip();
    // Texts alone are texts in other programs; anything else is only of use in a drawing.
    const plain = this.selection.strokes.every(({ body }) => body.text) ? text : strokes;
    event.clipboardData?.setData("text/plain", plain);
    event.clipboardData?.setData(FORMAT, strokes);
    this.#copied = { text: plain, strokes };
    if (cuts) this.actions.erase();
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    const { clipboardData } = event;
    // Files, and texts that are files, are imported: see board-files.js.
    if (isTaken(event) || this.#on.board().readOnly || !clipboardData || clipboardData.files.length > 0 || fileIn(clipboardData.getData("text/plain"))) return;
    event.preventDefault();
    this.#pasted(clipboardData.getData(FORMAT), clipboardData.getData("text/plain"));
  }

  /**
   * @param {string} strokes
   * @param {string} text
   */
  #pasted(strokes, text) {
    const clipped = readClip(strokes) ?? readClip(text);
    if (!clipped && text.trim() === "") return;
    this.#on.choose();
    if (clipped) this.actions.paste(clipped, this.#on.place());
    else this.actions.pasteText(limited(text.replace(/\r\n?/g, "\n").trimEnd()), this.#on.place());
  }
}
