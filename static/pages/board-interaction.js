// @ts-check
/**
 * What a person does on the drawing, alone and with others: its own entry, with all modules that a drawing
 * needs only once it is painted.
 *
 * It must never be imported by what paints: the page would wait for its modules.
 */

import { setUpShareButton } from "../ui/share-button.js";
import { toast } from "../ui/toast.js";
import { BoardInput } from "./board-input.js";
import { BoardPeople } from "./board-people.js";

/** @typedef {ConstructorParameters<typeof BoardInput>[0]} InputParts */
/** @typedef {ConstructorParameters<typeof BoardPeople>[0]} PeopleParts */

export class BoardInteraction {
  #access;

  /**
   * @param {Omit<InputParts & PeopleParts, "people" | "notify"> & {title: import("../ui/title-field.js").TitleField, access: import("./board-access.js").BoardAccess}} board
   */
  constructor({ access, title, ...board }) {
    const { drawing } = board;
    this.#access = access;
    this.input = new BoardInput({ ...board, people: () => this.people, notify: toast });
    this.people = new BoardPeople({ ...board, notify: toast });
    this.title = title;
    setUpShareButton(drawing, access, toast);
    // The view was set before.
    this.cameraMoved(board.viewport.camera);
    this.showRights();
    board.files.resume();
  }

  /** What the person may do may have changed. */
  showRights() {
    const access = this.#access;
    this.input.readOnly = access.limit !== null;
    this.title.readOnly = access.mode !== "open" && !access.isOwner;
    this.people.showRights(access);
  }

  /** The view has moved.
   * @param {import("../canvas/camera.js").Camera} camera */
  cameraMoved(camera) {
    this.input.cameraMoved(camera);
    this.people.cameraMoved(camera);
  }
}
