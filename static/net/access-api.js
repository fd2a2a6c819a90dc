// @ts-check
/**
 * The requests about who may do what with a drawing.
 *
 * It must never keep a key that the server tells once: that is up to the caller.
 */

import { request } from "./api.js";

/** @typedef {import("../model/types.js").DrawingInfo} DrawingInfo */
/** @typedef {import("../model/types.js").KeyInfo} KeyInfo */
/** @typedef {import("../model/types.js").Level} Level */

/** Drawings in one request. */
const MOST = 200;

/**
 * Of drawings, those whose keys are good.
 * @param {{id: string, key: string}[]} held
 * @returns {Promise<DrawingInfo[]>}
 */
export async function listHeld(held) {
  /** @type {DrawingInfo[]} */
  const all = [];
  for (let from = 0; from < held.length; from += MOST) {
    const { drawings } = await request("POST", "/held", { held: held.slice(from, from + MOST) });
    all.push(...drawings);
  }
  return all;
}

/**
 * @param {string} drawing
 * @returns {Promise<KeyInfo[]>}
 */
export async function listKeys(drawing) {
  return (await request("GET", `/${drawing}/keys`)).keys;
}

/**
 * Makes a key, which only this answer tells.
 * @param {string} drawing
 * @param {{access: Level, name: string, expires?: string}} key `expires`: an ISO date
 * @returns {Promise<KeyInfo & {key: string}>}
 */
export function createKey(drawing, key) {
  return request("POST", `/${drawing}/keys`, key);
}

/**
 * @param {string} drawing
 * @param {string} id
 * @param {{access?: Level, name?: string, expires?: string | null}} changes
 */
export function changeKey(drawing, id, changes) {
  return request("PATCH", `/${drawing}/keys/${id}`, changes);
}

/**
 * @param {string} drawing
 * @param {string} id
 */
export function revokeKey(drawing, id) {
  return request("DELETE", `/${drawing}/keys/${id}`);
}

/**
 * Lets only owners draw, or everyone again.
 * @param {string} drawing
 * @param {boolean} locked
 */
export function setLocked(drawing, locked) {
  return request("PUT", `/${drawing}/locked`, { locked });
}

/**
 * @param {string} drawing
 * @param {string} author
 * @param {boolean} muted
 */
export function setMuted(drawing, author, muted) {
  return request(muted ? "PUT" : "DELETE", `/${drawing}/muted/${author}`);
}
