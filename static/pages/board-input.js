// @ts-check
/**
 * What a person does on the drawing: connects pointers, tools, commands, the text editor and the view.
 *
 * It must never speak to the server: edits go through the history, and ink and the pointer are signals.
 */

import { shownBox } from "../canvas/camera.js";
import { Input } from "../canvas/input.js";
import { Viewport } from "../canvas/viewport.js";
import { KINDS } from "../kinds/kinds.js";
import { colourValue } from "../model/palette.js";
import { loadStored, saveStored } from "../net/local-storage.js";
import { t } from "../strings/strings.js";
import { Toolbox } from "../tools/toolbox.js";
import { Writing } from "../tools/writing.js";
import { COMMANDS } from "../ui/commands.js";
import { byId, keepFocusOffClickedButtons } from "../ui/dom.js";
import { openHelpSheet } from "../ui/help-sheet.js";
import { openLanguageSheet } from "../ui/language.js";
import { Menu } from "../ui/menu.js";
import { listenToKeys } from "../ui/shortcuts.js";
import { StrokeList } from "../ui/stroke-list.js";
import { FIRST_STYLE, StyleBar, isChosen } from "../ui/style-bar.js";
import { TextEditor } from "../ui/text-editor.js";
import { Toolbar } from "../ui/toolbar.js";

/** @typedef {import("../ui/commands.js").Command} Command */
/** @typedef {import("../tools/tool.js").ToolContext} ToolContext */

/** Milliseconds after a change of the view or the strokes until it is checked whether any are in sight. */
const CHECK_ASTRAY_AFTER = 250;
const FIRST_TOOL = "pen";
const NO_MODIFIERS = { shift: false, mod: false, alt: false };

export class BoardInput {
  #astrayCheck = 0;
  #spaceHeld = false;
  #board;
  #toolbox;
  #writing;
  #textEditor;
  #input;
  #styleBar;
  #toolbar;
  #strokeList;
  #menu;

  /**
   * @param {object} board
   * @param {import("../model/scene.js").Scene} board.scene
   * @param {import("../canvas/canvas.js").Canvas} board.canvas
   * @param {import("../model/history.js").History} board.history
   * @param {import("../presence/signals.js").Signals} board.signals
   * @param {() => number} board.nextOp the number of the next op
   * @param {(camera: import("../canvas/camera.js").Camera) => void} board.cameraMoved
   * @param {() => void} board.call invites the others to come here
   * @param {import("../ui/commands.js").Files} board.files
   * @param {() => boolean} board.closePanel returns whether one was open
   * @param {(message: string) => void} board.notify
   */
  constructor(board) {
    this.#board = board;
    const { scene, canvas, history } = board;
    this.viewport = this.#createViewport();
    this.#strokeList = new StrokeList(byId("strokes"), {
      inSight: () => scene.inBox(shownBox(this.viewport.camera, canvas.size)),
      count: () => scene.size,
    });
    this.#textEditor = this.#createTextEditor();
    const kept = loadStored("tool", () => ({ choice: FIRST_TOOL, ...FIRST_STYLE }), isKept);
    this.#styleBar = new StyleBar(kept, (picked) => this.#stylePicked(picked));
    this.#writing = new Writing({
      scene,
      style: (kind) => this.#styleBar.style(kind),
      commit: (edits) => history.commit(edits),
      open: (options, onDone) => this.#textEditor.open(options, onDone),
    });
    this.#toolbox = new Toolbox(this.#toolContext(), kept.choice);
    this.#input = this.#createInput();
    this.#toolbar = new Toolbar((command) => this.#run(command));
    this.#menu = new Menu({ run: (command) => this.#run(command), board: () => this.#actions });
    listenToKeys({
      tool: (event) => this.#toolbox.key(event),
      command: (command) => this.#run(command),
      space: (held) => {
        this.#spaceHeld = held;
        if (held) this.#toolbox.hover(null, NO_MODIFIERS);
        this.#showTool();
      },
      escape: () => void (this.#input.cancel() || this.#menu.close() || board.closePanel()),
    });
    byId("back-to-drawing").addEventListener("click", () => this.viewport.fit());
    keepFocusOffClickedButtons(byId("text-editor"));
    this.#showTool();
    canvas.refresh();
  }

  /** What the tools show above the strokes. */
  get overlays() {
    return this.#toolbox.overlays();
  }

  /** Undo or redo may have become possible or impossible. */
  historyChanged() {
    this.#toolbar.show(this.#toolbox.chosen.id, this.#actions);
  }

  /** The view or the strokes have changed: soon says what is in sight, and offers a way back if nothing is. */
  sightChanged() {
    this.#strokeList.changed();
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

  /** The part of the window that no panel covers. */
  get free() {
    return {
      left: 0,
      top: document.querySelector(".bar")?.getBoundingClientRect().bottom ?? 0,
      right: this.#board.canvas.size.width,
      bottom: byId("dock").getBoundingClientRect().top,
    };
  }

  /** Whether one pointer moves the view. */
  get #pans() {
    return this.#spaceHeld || this.#toolbox.chosen.pans === true;
  }

  /** @returns {import("../ui/commands.js").Board} */
  get #actions() {
    const { history } = this.#board;
    return {
      choose: (tool) => {
        this.#textEditor.finish();
        this.#choose(tool);
      },
      undo: () => this.#undo(),
      redo: () => {
        this.#textEditor.finish();
        history.redo();
      },
      canUndo: history.canUndo,
      canRedo: history.canRedo,
      zoom: (to) => this.viewport.command(to),
      help: openHelpSheet,
      language: openLanguageSheet,
      call: () => this.#board.call(),
      files: this.#board.files,
    };
  }

  /** @param {Command} command */
  #run(command) {
    this.#input.cancel();
    command.run(this.#actions);
  }

  /** @param {string} tool */
  #choose(tool) {
    this.#toolbox.choose(tool);
    this.#keep();
    this.#showTool();
  }

  #keep() {
    saveStored("tool", { choice: this.#toolbox.chosen.id, ...this.#styleBar.chosen });
  }

  #showTool() {
    this.#toolbar.show(this.#toolbox.chosen.id, this.#actions);
    this.#showCursor();
    this.#board.canvas.refresh();
  }

  #showCursor() {
    byId("dynamic").style.setProperty("--cursor", this.#pans ? "grab" : this.#toolbox.chosen.cursor);
  }

  /** @param {import("../ui/style-bar.js").Picked} picked */
  #stylePicked(picked) {
    this.#input.cancel();
    const { id } = this.#toolbox.chosen;
    const { colour, width } = this.#styleBar.style(id);
    if (picked === "colour") this.#textEditor.restyle({ colour });
    // The widths of other tools are no sizes of text.
    else if (id === "text") this.#textEditor.restyle({ width });
    // A colour picked with the eraser or the hand is meant for drawing.
    if (!KINDS.has(id)) this.#choose(FIRST_TOOL);
    this.#keep();
  }

  #undo() {
    const { history, scene, notify } = this.#board;
    this.#textEditor.finish();
    if (history.undo((stroke) => scene.stroke(stroke) !== null) > 0) notify(t("undo.erased"));
  }

  #createViewport() {
    const { canvas, scene } = this.#board;
    return new Viewport(byId("paper"), {
      size: () => canvas.size,
      bounds: () => scene.bounds(),
      touches: (box) => scene.touches(box),
      onCamera: (camera) => {
        canvas.setCamera(camera);
        this.#textEditor.reposition();
        this.#toolbar.showZoom(camera.zoom);
        this.#board.cameraMoved(camera);
        this.sightChanged();
      },
    });
  }

  #createTextEditor() {
    const { canvas } = this.#board;
    return new TextEditor(byId("text-editor"), {
      colour: (colour) => colourValue(colour, canvas.theme),
      toScreen: (corner) => ({ ...this.viewport.toScreen(corner), zoom: this.viewport.camera.zoom }),
      free: () => this.free,
      pan: (dx, dy) => this.viewport.pan(dx, dy),
    });
  }

  /** @returns {ToolContext} */
  #toolContext() {
    const { scene, canvas, history, signals, nextOp } = this.#board;
    return {
      camera: () => this.viewport.camera,
      scene,
      style: (kind) => this.#styleBar.style(kind),
      commit: (edits) => history.commit(edits),
      apply: (edits) => history.apply(edits),
      record: (edits) => history.record(edits),
      ink: {
        grew: (stroke, { kind, colour, width }, points, moved) => {
          signals.ink({ stroke, kind, colour, width, n: nextOp() }, points, moved);
          canvas.refresh();
        },
        done: () => signals.inkDone(),
        cancelled: () => {
          signals.inkCancelled();
          canvas.refresh();
        },
      },
      write: (point) => this.#writing.write(point),
      refresh: () => canvas.refresh(),
    };
  }

  #createInput() {
    const { signals, history, closePanel } = this.#board;
    const toolbox = this.#toolbox;
    return new Input(byId("dynamic"), {
      dismiss: () => {
        const { activeElement } = document;
        const typed = this.#textEditor.finish() || activeElement instanceof HTMLInputElement;
        const closed = this.#menu.close() || closePanel();
        if (activeElement instanceof HTMLElement) activeElement.blur();
        return closed || typed;
      },
      pans: () => this.#pans,
      editable: (pixel) => toolbox.chosen.id !== "eraser" && this.#writing.textAt(this.viewport.toPlane(pixel)) !== undefined,
      edit: (pixel, drew) => {
        // The first press of the double click has left a dot.
        if (drew && toolbox.drawn) history.retract(toolbox.drawn);
        this.#writing.write(this.viewport.toPlane(pixel));
      },
      begin: (point, modifiers, erasing) => toolbox.down(point, modifiers, erasing),
      move: (points, modifiers) => toolbox.move(points, modifiers),
      end: () => toolbox.up(),
      cancel: () => toolbox.cancel(),
      hover: (pixel, modifiers) => {
        signals.pointer(pixel && this.viewport.toPlane(pixel));
        toolbox.hover(this.#pans ? null : pixel, modifiers);
        this.#showCursor();
      },
      pan: (dx, dy) => this.viewport.pan(dx, dy),
      pinch: (before, after) => this.viewport.pinch(before, after),
      zoom: (factor, pixel) => this.viewport.zoom(factor, pixel),
    });
  }
}

/** @param {any} value */
function isKept(value) {
  return COMMANDS.some(({ tool }) => tool !== undefined && tool === value.choice) && isChosen(value);
}
