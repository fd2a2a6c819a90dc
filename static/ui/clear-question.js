// @ts-check
/**
 * The question before a whole drawing is cleared.
 *
 * It must never clear it itself.
 */

import { t } from "../strings/later.js";
import { asked } from "./question.js";

/**
 * @param {number} count of strokes
 * @returns {Promise<boolean>}
 */
export function askedToClear(count) {
  return asked({ title: t("clear.title"), text: t("clear.text", { count }), yes: t("clear.confirm"), no: t("clear.cancel") });
}
