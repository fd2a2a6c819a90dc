// @ts-check
/**
 * What a person does on the drawing: connects gestures, tools, the text editor, the view and the toolbar.
 *
 * It must never speak to the server: edits go through the history, and ink and the pointer are signals.
 */

import { byId, keepFocusOffClickedButtons } from "./dom.js";
import { Edits } from "./edits.js";
import { Input } from "./input.js";
import { loadStored, saveStored } from "./local-storage.js";
import { FONT, boxOf, touches } from "./renderer.js";
import { TextEditor } from "./text-editor.js";
import { FIRST_CHOICE, Toolbar, isChoice } from "./toolbar.js";
import { ERASER_RADIUS, Tools } from "./tools.js";
import { Viewport } from "./viewport.js";

/** @typedef {import("./types.js").PlanePoint} PlanePoint */

/** Milliseconds after a change of the view or the strokes until it is checked whether any are in sight. */
const CHECK_ASTRAY_AFTER = 250;

export class BoardInput {
  /** @type {PlanePoint | null} this tab's pointer */
  #hovered = null;
  #astrayCheck = 0;
  #board;
  #edits;
  #tools;
  #textEditor;
  #input;

  /**
   * @param {object} board
   * @param {import("./replica.js").Replica} board.replica
   * @param {import("./canvas.js").Canvas} board.canvas
   * @param {import("./history.js").History} board.history
   * @param {import("./signals.js").Signals} board.signals
   * @param {() => number} board.nextOp the number of the next op
   * @param {() => boolean} board.closePanel returns whether one was open
   * @param {(message: string) => void} board.notify
   */
  constructor(board) {
    this.#board = board;
    const { replica, canvas, history } = board;
    this.viewport = new Viewport(byId("paper"), {
      size: () => canvas.size,
      boxes: () => replica.ordered().map(({ body }) => boxOf(body)),
      onCamera: (camera) => {
        canvas.setCamera(camera);
        this.#textEditor.reposition();
        this.toolbar.showZoom(camera.zoom);
        this.checkAstray();
      },
    });
    this.#textEditor = new TextEditor(byId("text-editor"), FONT, {
      toScreen: (corner) => ({ ...this.viewport.toScreen(corner), zoom: this.viewport.camera.zoom }),
      free: () => ({
        left: 0,
        top: document.querySelector(".bar")?.getBoundingClientRect().bottom ?? 0,
        right: canvas.size.width,
        bottom: byId("dock").getBoundingClientRect().top,
      }),
      pan: (dx, dy) => this.viewport.pan(dx, dy),
    });
    this.#edits = new Edits({
      act: (edit) => history.act(edit),
      finish: (edits) => history.finish(edits),
      strokesTouched: (from, to, radius) => replica.ordered().filter(({ body }) => touches(body, from, to, radius)),
      write: (options, onDone) => this.#textEditor.open(options, onDone),
    });
    this.#tools = this.#createTools();
    this.#input = this.#createInput();
    this.toolbar = this.#createToolbar();
    byId("back-to-drawing").addEventListener("click", () => this.viewport.fit());
    keepFocusOffClickedButtons(byId("text-editor"));
  }

  /** The stroke in progress. */
  get active() {
    return this.#tools.active;
  }

  /** The circle that the eraser erases in. */
  get ring() {
    const erasing = this.#tools.choice === "eraser" && !this.#input.panning;
    return erasing && this.#hovered ? { centre: this.#hovered, radius: ERASER_RADIUS } : null;
  }

  /** Offers a way back if nothing drawn is in sight, soon after the view or the strokes changed. */
  checkAstray() {
    if (this.#astrayCheck !== 0) return;
    this.#astrayCheck = setTimeout(() => {
      this.#astrayCheck = 0;
      byId("back-to-drawing").hidden = !this.viewport.isAstray;
    }, CHECK_ASTRAY_AFTER);
  }

  /** The window has another size, for example because an on-screen keyboard opened. */
  resized() {
    this.#board.canvas.resize();
    this.#textEditor.reveal();
  }

  #createTools() {
    const { signals, canvas, nextOp } = this.#board;
    return new Tools(() => this.viewport.camera, {
      ink: ({ points, ...style }, moved) => {
        signals.ink({ ...style, n: nextOp() }, points, moved);
        canvas.refresh();
      },
      drawn: (stroke, body) => {
        signals.inkDone();
        this.#edits.drawn(stroke, body);
      },
      cancelled: () => {
        signals.inkCancelled();
        canvas.refresh();
      },
      erase: (from, to, radius) => this.#edits.erase(from, to, radius),
      erased: () => this.#edits.erased(),
      text: (point) => this.#edits.write(point, this.#tools),
    });
  }

  #createInput() {
    const { signals, canvas, history, closePanel } = this.#board;
    const tools = this.#tools;
    return new Input(byId("dynamic"), {
      dismiss: () => {
        const typed = this.#textEditor.finish() || document.activeElement instanceof HTMLInputElement;
        return closePanel() || typed;
      },
      editable: (pixel) => tools.choice !== "eraser" && this.#edits.textAt(this.viewport.toPlane(pixel)) !== undefined,
      edit: (pixel, drew) => {
        // The first press of the double click has left a dot.
        if (drew && tools.drawn) history.retract(tools.drawn);
        this.#edits.write(this.viewport.toPlane(pixel), tools);
      },
      begin: (point, erasing) => tools.begin(point, erasing),
      move: (points, straight) => tools.move(points, straight),
      end: () => tools.end(),
      cancel: () => tools.cancel(),
      hover: (pixel) => {
        this.#hovered = pixel && this.viewport.toPlane(pixel);
        signals.pointer(this.#hovered);
        if (tools.choice === "eraser") canvas.refresh();
      },
      pan: (dx, dy) => this.viewport.pan(dx, dy),
      pinch: (before, after) => this.viewport.pinch(before, after),
      zoom: (factor, pixel) => this.viewport.zoom(factor, pixel),
    });
  }

  #undo() {
    const { history, replica, notify } = this.#board;
    const lost = history.undo((stroke) => replica.stroke(stroke) !== null);
    if (lost > 0) notify("Nothing to undo: somebody else has erased it.");
  }

  #createToolbar() {
    const { history, canvas, closePanel } = this.#board;
    return new Toolbar(loadStored("tool", () => FIRST_CHOICE, isChoice), {
      chosen: (choice, colour, width, picked) => {
        this.#input.cancel();
        if (picked?.colour !== undefined) this.#textEditor.restyle({ colour });
        // The widths of other tools are no sizes of text.
        else if (picked && choice === "text") this.#textEditor.restyle({ width });
        else if (!picked) this.#textEditor.finish();
        Object.assign(this.#tools, { choice, colour, width });
        this.#input.panning = choice === "hand";
        byId("dynamic").dataset.tool = choice;
        saveStored("tool", this.toolbar.kept);
        canvas.refresh();
      },
      command: (command) => {
        this.#input.cancel();
        if (command === "undo" || command === "redo") this.#textEditor.finish();
        if (command === "undo") this.#undo();
        else if (command === "redo") history.redo();
        else this.viewport.command(command);
      },
      space: (held) => {
        this.#input.panning = held || this.#tools.choice === "hand";
        byId("dynamic").dataset.tool = this.#input.panning ? "hand" : this.#tools.choice;
      },
      escape: () => void (this.#input.cancel() || closePanel()),
    });
  }
}
