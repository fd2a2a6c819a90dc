// @ts-check
/**
 * The name and the colour by which others know someone.
 *
 * It must never give out a colour that somebody listed has, while another one is free.
 */

import { t } from "../strings/strings.js";

/** @typedef {{name: string, colour: string}} Identity */
/** @typedef {import("../model/types.js").Person} Person */

/** Maximum length of a name in code points, as the server counts. */
const MAX_CHARACTERS = 40;

/** The colours of people: white text is legible on each. */
export const COLOURS = [
  "#c2452d", "#a55d08", "#7a6a10", "#4d7a1f", "#2f7d50", "#137a78",
  "#1f70a0", "#4458c4", "#6a52c4", "#8a4aa8", "#b83d79", "#7b5a4a",
];

/** Separates the words of a list that is one string. */
const BETWEEN = "|";

/** @template T @param {T[]} list */
function oneOf(list) {
  return list[Math.floor(Math.random() * list.length)];
}

/** A random name in the language in use, and a colour, for someone who has chosen none.
 * @returns {{name: string, colour: string}} */
export function randomIdentity() {
  const [animal, addition] = [t("people.animals"), t("people.additions")].map((list) => oneOf(list.split(BETWEEN)));
  return { name: t("people.suggested", { animal, addition }), colour: oneOf(COLOURS) };
}

/**
 * Makes a name valid for the server: without control characters and unpaired surrogates.
 * @param {string} text
 */
export function cleanName(text) {
  const printable = text.replace(/[\p{Cc}\p{Cs}]/gu, "").trim();
  return [...printable].slice(0, MAX_CHARACTERS).join("").trim();
}

/**
 * The colour to take instead of one's own, because somebody listed has the same; null: keep it. Of two
 * people with one colour only the one with the later public id changes it, so that they do not swap.
 * @param {string} colour one's own
 * @param {string} author one's own public id
 * @param {Person[]} listed
 * @param {string} [preferred] taken if it is free
 * @returns {string | null}
 */
export function distinctColour(colour, author, listed, preferred) {
  const others = listed.filter((person) => person.author !== author);
  if (!others.some((other) => other.colour === colour && other.author < author)) return null;
  const free = COLOURS.filter((one) => others.every((other) => other.colour !== one));
  if (preferred && free.includes(preferred)) return preferred;
  return free.length > 0 ? oneOf(free) : null;
}
