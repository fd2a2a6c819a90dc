// @ts-check
/**
 * How long ago something was, or how long it is until then, in words.
 *
 * It must never be more exact than a minute: it is not shown anew.
 */

import { language, t } from "../strings/strings.js";

/** From the largest unit to the smallest, in seconds. */
const UNITS = /** @type {const} */ ([["year", 31_557_600], ["month", 2_629_800], ["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]]);

/** @param {string} moment an ISO date */
export function ago(moment) {
  const seconds = (Date.parse(moment) - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return format.format(Math.round(seconds / length), unit);
  }
  return t("list.justNow");
}
