// @ts-check
/**
 * What a person does on the drawing: connects pointers, tools, commands, the text editor and the view.
 *
 * It must never speak to the server: edits go through the history, and ink and the pointer are signals.
 */

import { Input } from "../canvas/input.js";
import { FIRST_STYLE, isChosen } from "../model/style.js";
import { loadStored, saveStored } from "../net/local-storage.js";
import { t } from "../strings/strings.js";
import { Toolbox } from "../tools/toolbox.js";
import { Writing } from "../tools/writing.js";
import { COMMANDS, canRun } from "../ui/commands.js";
import { byId, keepFocusOffClickedButtons } from "../ui/dom.js";
import { MenuButton } from "../ui/menu-button.js";
import { listenToKeys } from "../ui/shortcuts.js";
import { Toolbar } from "../ui/toolbar.js";
import { boardActions } from "./board-actions.js";
import { BoardSelection } from "./board-selection.js";
import { BoardStyle } from "./board-style.js";
import { createTextEditor } from "./board-text.js";
import { Sight } from "./sight.js";
import { idsOf, previewSignals, toolContext } from "./tool-context.js";

/** @typedef {import("../ui/commands.js").Command} Command */

const FIRST_TOOL = "pen";
const SELECT = "select";
const HAND = "hand";
const NO_MODIFIERS = { shift: false, mod: false, alt: false };

export class BoardInput {
  #spaceHeld = false;
  #readOnly = false;
  /** @type {import("../model/types.js").ScreenPoint | null} where the pointer is */
  #pixel = null;
  #style;
  #board;
  #toolbox;
  #writing;
  #sight;
  #textEditor;
  #input;
  #toolbar;
  #menu;

  /**
   * @param {object} board
   * @param {import("../model/scene.js").Scene} board.scene
   * @param {import("../canvas/canvas.js").Canvas} board.canvas
   * @param {import("../canvas/viewport.js").Viewport} board.viewport
   * @param {import("../model/history.js").History} board.history
   * @param {import("../presence/signals.js").Signals} board.signals
   * @param {import("../ui/commands.js").Look} board.look
   * @param {() => number} board.nextOp the number of the next op
   * @param {() => import("./board-people.js").BoardPeople} board.people
   * @param {(n: number) => number} board.positionOf the position that an unanswered op will have, by its number
   * @param {import("../canvas/hidden.js").Hidden} board.hidden
   * @param {import("../ui/commands.js").Files} board.files
   * @param {(message: string) => void} board.notify
   */
  constructor(board) {
    this.#board = board;
    const { scene, canvas, viewport, history } = board;
    this.#sight = new Sight(viewport, canvas, scene);
    this.#textEditor = createTextEditor(canvas, viewport, () => this.#style.show());
    const { choice, ...style } = loadTool();
    this.#style = new BoardStyle(style, {
      editor: () => this.#textEditor,
      selection: () => (this.#isSelecting ? this.selected : null),
      tool: () => this.#toolbox.chosen.id,
      picked: () => {
        this.#input.cancel();
        this.#keep();
      },
    });
    const previews = previewSignals(board);
    this.#writing = new Writing({
      scene,
      style: (kind) => this.#style.of(kind),
      commit: (edits) => history.commit(edits),
      hide: (strokes) => board.hidden.set("writing", idsOf(strokes)),
      previews,
      open: (body, written) => this.#textEditor.open(body, written),
    });
    this.selected = this.#createSelection();
    const context = toolContext(board, {
      camera: () => this.#board.viewport.camera,
      style: (kind) => this.#style.of(kind),
      selection: this.selected.selection,
      previews,
      write: (point) => this.#writing.write(point),
      textAt: (point) => this.#writing.textAt(point),
      writeIn: (stroke) => this.#writeIn(stroke),
    });
    this.#toolbox = new Toolbox(context, choice);
    this.#input = this.#createInput();
    this.#toolbar = new Toolbar((command) => this.#run(command));
    this.#menu = new MenuButton({ run: (command) => this.#run(command), board: () => this.#actions }, () => board.notify(t("failure.unreachable")));
    listenToKeys({
      tool: (event) => this.#toolbox.key(event) || (this.#isSelecting && this.selected.key(event)),
      command: (command) => this.#run(command),
      space: (held) => {
        this.#spaceHeld = held;
        if (held) this.#toolbox.hover(null, NO_MODIFIERS);
        this.#showTool();
      },
      escape: () => void (this.#input.cancel() || this.#menu.close() || this.#style.close() || board.people().closePanel() || this.selected.selection.clear()),
    });
    keepFocusOffClickedButtons(byId("text-editor"));
    this.#showTool();
    canvas.refresh();
  }

  /** What the tools show above the strokes. */
  get overlays() {
    return this.#toolbox.overlays();
  }

  /** Whether the person may only look: there is the hand, and nothing that changes the drawing.
   * @param {boolean} readOnly */
  set readOnly(readOnly) {
    if (readOnly === this.#readOnly) return;
    this.#readOnly = readOnly;
    this.#input.cancel();
    this.#textEditor.finish();
    this.selected.closeMenu();
    this.selected.selection.clear();
    document.body.classList.toggle("read-only", readOnly);
    this.#toolbox.choose(readOnly ? HAND : loadTool().choice);
    this.#showTool();
  }

  /** Undo or redo may have become possible or impossible. */
  historyChanged() {
    this.#toolbar.show(this.#toolbox.chosen.id, this.#actions);
  }

  /** A stroke has changed, appeared or gone.
   * @param {string} id */
  strokeChanged(id) {
    this.selected.selection.strokeChanged(id);
    this.#sight.changed();
  }

  /** The view has moved.
   * @param {import("../canvas/camera.js").Camera} camera */
  cameraMoved(camera) {
    this.#textEditor.reposition();
    this.#toolbar.showZoom(camera.zoom);
    this.#sight.changed();
  }

  /** The window has another size, for example because an on-screen keyboard opened. */
  resized() {
    this.#textEditor.reveal();
  }

  /** Whether one pointer moves the view. */
  get #pans() {
    return this.#spaceHeld || this.#toolbox.chosen.pans === true;
  }

  /** @returns {import("../ui/commands.js").Board} */
  get #actions() {
    return boardActions({ ...this.#board, readOnly: this.#readOnly }, {
      viewport: this.#board.viewport,
      selected: this.selected,
      finish: () => this.#textEditor.finish(),
      choose: (tool) => this.#choose(tool),
      undo: () => this.#step("undo"),
      redo: () => this.#step("redo"),
    });
  }

  /** @param {Command} command */
  #run(command) {
    this.#input.cancel();
    const board = this.#actions;
    if (canRun(command, board)) command.run(board);
  }

  /** @param {string} tool */
  #choose(tool) {
    if (tool !== SELECT) this.selected.selection.clear();
    this.#toolbox.choose(tool);
    this.#keep();
    this.#showTool();
  }

  #keep() {
    saveStored("tool", { choice: this.#toolbox.chosen.id, ...this.#style.chosen });
  }

  #showTool() {
    this.#toolbar.show(this.#toolbox.chosen.id, this.#actions);
    this.#showCursor();
    this.#style.show();
    this.#board.canvas.refresh();
  }

  get #isSelecting() {
    return this.#toolbox.chosen.id === SELECT;
  }

  #showCursor() {
    byId("dynamic").style.setProperty("--cursor", this.#pans ? "grab" : this.#toolbox.chosen.cursor);
  }

  /** @param {"undo" | "redo"} way */
  #step(way) {
    const { history, scene, notify } = this.#board;
    this.#textEditor.finish();
    if (history[way]((stroke) => scene.stroke(stroke) !== null) > 0) notify(t("undo.erased"));
  }

  #createSelection() {
    const { scene, history, positionOf, nextOp, notify, canvas } = this.#board;
    return new BoardSelection({
      scene,
      commit: (edits) => history.commit(edits),
      positionOf,
      nextOp,
      style: (kind) => this.#style.of(kind),
      board: () => this.#actions,
      run: (command) => this.#run(command),
      choose: () => this.#actions.choose(SELECT),
      place: () => this.#board.viewport.toPlane(this.#pixel ?? { x: canvas.size.width / 2, y: canvas.size.height / 2 }),
      toScreen: (point) => this.#board.viewport.toScreen(point),
      zoom: () => this.#board.viewport.camera.zoom,
      writeIn: (stroke) => this.#writeIn(stroke),
      changed: () => (this.#style.show(), canvas.refresh()),
      notify,
    });
  }

  /** @param {string} id */
  #writeIn(id) {
    const stroke = this.#board.scene.stroke(id);
    if (stroke) this.#writing.rewrite(stroke);
  }

  #createInput() {
    const [{ signals, history, people }, toolbox] = [this.#board, this.#toolbox];
    return new Input(byId("dynamic"), {
      dismiss: () => {
        const { activeElement } = document;
        // A colour keeps the focus after the browser's window for it has closed.
        const typed = this.#textEditor.finish() || (activeElement instanceof HTMLInputElement && activeElement.type !== "color");
        const closed = [this.#menu.close(), people().closePanel(), this.#style.close(), this.selected.closeMenu()].includes(true);
        if (activeElement instanceof HTMLElement) activeElement.blur();
        return closed || typed;
      },
      pans: () => this.#pans,
      editable: (pixel) => !this.#readOnly && toolbox.chosen.id !== "eraser" && this.#writing.textAt(this.#board.viewport.toPlane(pixel)) !== undefined,
      edit: (pixel, drew) => {
        if (this.#readOnly) return;
        // The first press of the double click has left a dot.
        if (drew && toolbox.drawn) history.retract(toolbox.drawn);
        this.#writing.write(this.#board.viewport.toPlane(pixel));
      },
      begin: (point, modifiers, erasing) => toolbox.down(point, modifiers, erasing),
      move: (points, modifiers) => toolbox.move(points, modifiers),
      end: () => toolbox.up(),
      cancel: () => toolbox.cancel(),
      hover: (pixel, modifiers) => {
        this.#pixel = pixel;
        signals.pointer(pixel && this.#board.viewport.toPlane(pixel));
        toolbox.hover(this.#pans ? null : pixel, modifiers);
        this.#showCursor();
      },
      pan: (dx, dy) => this.#board.viewport.pan(dx, dy),
      pinch: (before, after) => this.#board.viewport.pinch(before, after),
      zoom: (factor, pixel) => this.#board.viewport.zoom(factor, pixel),
      menu: (pixel) => {
        this.#textEditor.finish();
        if (this.#readOnly) return;
        this.selected.openMenuAt(this.#board.viewport.toPlane(pixel), pixel);
      },
      held: (pixel) => {
        // With other tools a finger that rests is about to draw.
        if (this.#isSelecting) this.selected.openMenuAt(this.#board.viewport.toPlane(pixel), pixel);
        return this.#isSelecting;
      },
    });
  }
}

/** The tool and the style of the last visit. */
function loadTool() {
  return loadStored("tool", () => ({ choice: FIRST_TOOL, ...FIRST_STYLE }), isKept);
}

/** @param {any} value */
function isKept(value) {
  return COMMANDS.some(({ tool }) => tool !== undefined && tool === value.choice) && isChosen(value);
}
