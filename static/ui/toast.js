// @ts-check
/**
 * Short messages that disappear by themselves, some with an action.
 *
 * It must never be the only place that shows a lasting state.
 */

import { byId, element } from "./dom.js";

/** Milliseconds that a message stays without and with an action. */
const DURATION = 4_000;
const DURATION_WITH_ACTION = 10_000;

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
  // A repeated message replaces the previous one.
  for (const other of [...list.children]) {
    if (other.firstChild?.textContent === text && !action) other.remove();
  }
  list.append(shown);
  setTimeout(remove, action ? DURATION_WITH_ACTION : DURATION);
}
