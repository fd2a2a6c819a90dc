// @ts-check
/**
 * The buttons of the commands: tools, undo and redo, zoom.
 *
 * It must never know what a command does: it reports and shows the choice.
 */

import { t } from "../strings/strings.js";
import { COMMANDS, canRun } from "./commands.js";
import { button, byId, iconButton } from "./dom.js";
import { tooltip } from "./shortcuts.js";

/** @typedef {import("./commands.js").Command} Command */
/** @typedef {import("./commands.js").Group} Group */

/** The element of each group of buttons.
 * @type {Partial<Record<Group, string>>} */
const PLACES = { tools: "tools", history: "history", view: "zoom" };

export class Toolbar {
  /** @type {Map<Command, HTMLButtonElement>} */
  #buttons = new Map();

  /** @param {(command: Command) => void} run */
  constructor(run) {
    for (const command of COMMANDS) {
      const place = PLACES[command.group];
      if (!place || !command.icon) continue;
      const pressed = () => run(command);
      const made = command.icon === "percent"
        ? button("percent", tooltip(command), pressed, t("board.zoom", { percent: 100 }))
        : iconButton(command.icon, tooltip(command), pressed);
      made.dataset.command = command.id;
      this.#buttons.set(command, made);
      byId(place).append(made);
    }
  }

  /**
   * Shows which tool is chosen and which commands can be run.
   * @param {string} tool
   * @param {import("./commands.js").Board} board
   */
  show(tool, board) {
    for (const [command, made] of this.#buttons) {
      if (command.tool) made.setAttribute("aria-pressed", String(command.tool === tool));
      made.disabled = !canRun(command, board);
    }
  }

  /** @param {number} zoom */
  showZoom(zoom) {
    for (const [{ icon }, made] of this.#buttons) {
      if (icon === "percent") showPercent(made, Math.round(zoom * 100));
    }
  }
}

/**
 * @param {HTMLElement} shown
 * @param {number} percent
 */
function showPercent(shown, percent) {
  shown.textContent = t("board.zoom", { percent });
  shown.setAttribute("aria-label", t("board.zoomLabel", { percent }));
}
