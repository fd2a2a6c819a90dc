// @ts-check
/**
 * Until when a link is good: never ending, for some days, or until a time that is chosen.
 *
 * It must never offer a time that is over already.
 */

import { t } from "../strings/later.js";
import { element } from "./dom.js";
import { endOf } from "./key-row.js";

/** @typedef {import("../strings/later.js").LaterId} LaterId */

const DAY = 86_400_000;
/** Days until it ends; none is never.
 * @type {[string, LaterId, number | null][]} */
const TERMS = [["never", "keys.never", null], ["1", "keys.day", 1], ["7", "keys.week", 7], ["30", "keys.month", 30]];
const DATE = "date";
const KEPT = "kept";

export class ExpiryField {
  #term = document.createElement("select");
  #date = document.createElement("input");

  /** @param {string | null} [now] when a link that exists ends, as an ISO date */
  constructor(now = null) {
    if (now) this.#term.append(new Option(endOf(now), KEPT));
    for (const [value, label] of TERMS) this.#term.append(new Option(t(label), value));
    this.#term.append(new Option(t("keys.date"), DATE));
    // Any second may be typed; what is shown is minutes.
    Object.assign(this.#date, { type: "datetime-local", step: "any", hidden: true });
    this.#date.setAttribute("aria-label", t("keys.dateLabel"));
    this.#term.addEventListener("change", () => this.#choose());
    this.element = element("div", "field", element("label", "", element("span", "", t("keys.expires")), this.#term), this.#date);
  }

  /** The end as an ISO date, `null` for never, `undefined` for what it is already. */
  get value() {
    const { value } = this.#term;
    if (value === KEPT) return undefined;
    if (value === DATE) return new Date(this.#date.value).toISOString();
    const days = TERMS.find(([term]) => term === value)?.[2];
    return days ? new Date(Date.now() + days * DAY).toISOString() : null;
  }

  #choose() {
    this.#date.hidden = this.#term.value !== DATE;
    // A hidden field that must be filled could not be complained about.
    this.#date.required = !this.#date.hidden;
    if (this.#date.hidden) return;
    this.#date.min = localMinute(new Date());
    this.#date.value ||= localMinute(new Date(Date.now() + DAY));
    this.#date.focus();
    // The form has grown: its end is not to be cut off.
    this.element.closest("form")?.scrollIntoView({ block: "nearest" });
  }
}

/** A time here, as a field of times has it.
 * @param {Date} date */
function localMinute(date) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
