// @ts-check
/**
 * What is true about saving, in one state with its words.
 *
 * It must never be `saved` before every op has its answer and the server is there.
 */

/** @typedef {import("../strings/strings.js").StringId} StringId */
/** @typedef {"saved"|"unsaved"|"offline"|"connecting"|"readonly"|"deleted"|"closed"|"refused"} StateName */
/**
 * @typedef {object} Facts
 * @property {boolean} connected the server has welcomed this page
 * @property {boolean} online the device has a network, as far as it knows
 * @property {number} unsaved unanswered ops
 * @property {boolean} fragile unsaved ops would be lost with the page
 * @property {boolean} holds some state of the drawing has been loaded
 * @property {import("./rights.js").Limit | null} limit why the person may only look
 * @property {"deleted"|"closed"|null} end the page does not reconnect
 * @property {StringId | null} refusal why an op was refused just now
 */
/** @typedef {{state: StateName, text: StringId, hint: StringId | null}} SaveState */

/** @type {Record<import("./rights.js").Limit, {text: StringId, hint: StringId}>} */
const LIMITED = {
  view: { text: "save.readOnly", hint: "save.readOnlyHint" },
  locked: { text: "save.locked", hint: "save.lockedHint" },
  muted: { text: "save.muted", hint: "save.mutedHint" },
};

/** @param {Facts} facts
 * @returns {SaveState} */
export function saveState({ connected, online, unsaved, fragile, holds, limit, end, refusal }) {
  const waits = unsaved > 0;
  const hint = waits ? (fragile ? "save.fragileHint" : "save.keptHint") : null;
  if (end === "deleted") return { state: "deleted", text: waits ? "save.deletedUnsaved" : "save.deleted", hint };
  if (end === "closed") return { state: "closed", text: waits ? "save.unsaved" : "save.closed", hint };
  if (refusal) return { state: "refused", text: "refused", hint };
  if (!connected && !online) {
    if (waits) return { state: "offline", text: fragile ? "save.offlineFragile" : "save.offlineUnsaved", hint };
    return { state: "offline", text: holds ? "save.offline" : "save.offlineEmpty", hint: holds ? "save.offlineHint" : "save.offlineEmptyHint" };
  }
  if (!connected) {
    if (!waits) return { state: "connecting", text: "save.connecting", hint };
    return { state: "connecting", text: fragile ? "save.connectingFragile" : "save.connectingUnsaved", hint };
  }
  if (waits) return { state: "unsaved", text: fragile ? "save.unsavedFragile" : "save.unsaved", hint };
  if (limit) return { state: "readonly", ...LIMITED[limit] };
  return { state: "saved", text: "save.saved", hint: "save.savedHint" };
}
