// @ts-check
/**
 * Who one is to others: a name and a colour, kept in this browser.
 *
 * It must never have the colour of somebody who is listed, if that can be helped.
 */

import { loadStored, saveStored } from "../net/local-storage.js";
import { cleanName, distinctColour, randomIdentity } from "../presence/identity.js";

/** @typedef {{name: string, colour: string}} Identity */

/** @returns {Identity} */
export function loadMe() {
  return loadStored("me", randomIdentity, ({ name, colour }) => name !== "" && name === cleanName(name) && /^#[0-9a-f]{6}$/.test(colour));
}

/**
 * Changes one's own colour if somebody listed has the same.
 * @param {Identity} me
 * @param {string} author
 * @param {import("../model/types.js").Person[]} listed
 * @returns {boolean} whether it was changed
 */
export function recoloured(me, author, listed) {
  // Another tab of this browser may have changed it already.
  const colour = distinctColour(me.colour, author, listed, loadMe().colour);
  if (!colour) return false;
  me.colour = colour;
  saveStored("me", me);
  return true;
}
