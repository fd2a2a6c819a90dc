// @ts-check
/**
 * A person's face: a disc of their colour with their initials.
 *
 * It must never be the only thing that tells two people apart: a name stands beside it or is its tooltip.
 */

import { element } from "./dom.js";

/** Maximum of faces shown together; where there are more people, their number is shown too. */
export const MAX_FACES = 4;

/** @param {string} name */
export function initials(name) {
  const words = name.trim().split(/\s+/).map((word) => [...word][0] ?? "");
  return (words.length > 1 ? words[0] + words[words.length - 1] : words[0] ?? "?").toUpperCase();
}

/** @param {{name: string, colour: string}} person */
export function face(person) {
  const made = element("span", "face");
  made.setAttribute("aria-hidden", "true");
  showFace(made, person);
  return made;
}

/**
 * @param {HTMLElement} shown
 * @param {{name: string, colour: string}} person
 */
export function showFace(shown, { name, colour }) {
  // Not text: the letters are no part of a button's name.
  shown.dataset.initials = initials(name);
  shown.style.setProperty("--face", colour);
  shown.title = name;
}
