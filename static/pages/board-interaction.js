// @ts-check
/**
 * What a person does on the drawing, alone and with others: its own entry, with all modules that a drawing
 * needs only once it is painted.
 *
 * It must never be imported by what paints: the page would wait for its modules.
 */

import { renameDrawing } from "../net/api.js";
import { byId } from "../ui/dom.js";
import { setUpShareButton } from "../ui/share-button.js";
import { TitleField } from "../ui/title-field.js";
import { toast } from "../ui/toast.js";
import { BoardInput } from "./board-input.js";
import { BoardPeople } from "./board-people.js";

/** @typedef {ConstructorParameters<typeof BoardInput>[0]} InputParts */
/** @typedef {ConstructorParameters<typeof BoardPeople>[0]} PeopleParts */

export class BoardInteraction {
  /**
   * @param {Omit<InputParts & PeopleParts, "people" | "notify"> & {drawing: string, title: string}} board
   */
  constructor({ drawing, title, ...board }) {
    this.input = new BoardInput({ ...board, people: () => this.people, notify: toast });
    this.people = new BoardPeople({ ...board, notify: toast });
    this.title = new TitleField(byId("title"), (text) => renameDrawing(drawing, text), toast);
    if (title) this.title.set(title);
    setUpShareButton(toast);
    // The view was set before.
    this.cameraMoved(board.viewport.camera);
  }

  /** The view has moved.
   * @param {import("../canvas/camera.js").Camera} camera */
  cameraMoved(camera) {
    this.input.cameraMoved(camera);
    this.people.cameraMoved(camera);
  }
}
