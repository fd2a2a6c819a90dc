// @ts-check
/**
 * Short messages at the edge of the window that go by themselves, some with one thing to do.
 *
 * It must never be the only place where something lasting is told.
 */

import { byId, element } from "./dom.js";

/** Milliseconds a message stays, and one with something to do. */
const STAYS = 4_000;
const STAYS_WITH_ACTION = 10_000;

/**
 * @param {string} text
 * @param {{label: string, act: () => void}} [action]
 */
export function toast(text, action) {
  const list = byId("toasts");
  const shown = element("div", "toast", element("span", "", text));
  const remove = () => shown.remove();
  if (action) {
    const act = document.createElement("button");
    act.type = "button";
    act.textContent = action.label;
    act.addEventListener("click", () => {
      remove();
      action.act();
    });
    shown.append(act);
  }
  // The same words twice are one message that stays longer.
  for (const other of [...list.children]) {
    if (other.firstChild?.textContent === text && !action) other.remove();
  }
  list.append(shown);
  setTimeout(remove, action ? STAYS_WITH_ACTION : STAYS);
}
