// @ts-check
/**
 * Why a request failed or an op was refused, in words for a person.
 *
 * It must never show a sentence of the server or of the browser.
 */

import { ApiError } from "../net/api.js";
import { t } from "../strings/strings.js";

/** Why an op was refused, by the server's code.
 * @type {Record<string, import("../strings/strings.js").StringId>} */
const REFUSALS = {
  absent: "refused.absent",
  changed: "refused.changed",
  erased: "refused.erased",
  forbidden: "refused.forbidden",
  full: "refused.full",
  locked: "refused.locked",
  muted: "refused.muted",
};

/** @param {string} code */
export function refusalId(code) {
  return REFUSALS[code] ?? "refused.other";
}

/** @param {unknown} error */
export function failureText(error) {
  if (!(error instanceof ApiError)) return t("failure.unreachable");
  const { status } = error;
  if (status === 404 || status === 410) return t("failure.missing");
  if (status === 401 || status === 403) return t("failure.forbidden");
  if (status === 408 || status === 429 || status === 503) return t("failure.busy");
  if (status === 507) return t("failure.full");
  return status < 500 ? t("failure.refused") : t("failure.server");
}
