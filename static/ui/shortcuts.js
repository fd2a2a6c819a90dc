// @ts-check
/**
 * Keys on the page: they go to the chosen tool first, then to the commands.
 *
 * It must never take a key from a field that is typed in, or from a dialog.
 */

import { t } from "../strings/strings.js";
import { commandOf, keyParts } from "./commands.js";
import { isTaken } from "./dom.js";

/** @typedef {import("./commands.js").Command} Command */
/** @typedef {import("../strings/strings.js").StringId} StringId */

/** Named keys in Apple's signs.
 * @type {Record<string, string>} */
const APPLE = { "key.mod": "⌘", "key.shift": "⇧", "key.alt": "⌥" };
const isApple = /Mac|iPhone|iPad/.test(navigator.platform);

/**
 * A combination of keys in words, such as `Ctrl+Z`.
 * @param {string} combination
 */
export function keyText(combination) {
  const parts = keyParts(combination).map((part) => {
    if (isApple && part in APPLE) return APPLE[part];
    return part.startsWith("key.") ? t(/** @type {StringId} */ (part)) : part;
  });
  return parts.join(isApple ? "" : "+");
}

/**
 * A command's label with its key.
 * @param {Command} command
 */
export function tooltip({ label, keys }) {
  return keys.length > 0 ? t("command.tooltip", { label: t(label), key: keyText(keys[0]) }) : t(label);
}

/**
 * @param {object} on
 * @param {(event: KeyboardEvent) => boolean} on.tool offers a key to the tool; returns whether it used it
 * @param {(command: Command) => void} on.command
 * @param {(held: boolean) => void} on.space
 * @param {() => void} on.escape
 */
export function listenToKeys(on) {
  addEventListener("keydown", (event) => {
    if (isTaken(event)) return;
    if (on.tool(event)) {
      event.preventDefault();
      return;
    }
    const command = commandOf(event);
    if (command?.native) return;
    if (command) {
      event.preventDefault();
      on.command(command);
    } else if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    } else if (event.key === "Escape") {
      on.escape();
    } else if (event.code === "Space" && !(event.target instanceof HTMLButtonElement)) {
      event.preventDefault();
      on.space(true);
    }
  });
  addEventListener("keyup", (event) => {
    if (event.code === "Space") on.space(false);
  });
  addEventListener("blur", () => on.space(false));
}
