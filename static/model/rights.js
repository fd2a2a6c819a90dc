// @ts-check
/**
 * What the person may do on the drawing, and why not more.
 *
 * It must never stand in for the server, which refuses what is not allowed.
 */

/** @typedef {import("./types.js").Level} Level */
/** @typedef {{access: Level, locked: boolean, muted: boolean}} Rights `locked`: only owners draw; `muted`: this person does not, unless they are one. */
/** @typedef {"view" | "locked" | "muted"} Limit Why a person may only look. */

/** Reasons of the server for refusing an op that mean that the person may not draw. */
export const LIMITING = ["forbidden", "locked", "muted"];

/** @param {Rights} rights
 * @returns {Limit | null} */
export function limitOf({ access, locked, muted }) {
  if (access === "view") return "view";
  if (access === "own") return null;
  return muted ? "muted" : locked ? "locked" : null;
}
