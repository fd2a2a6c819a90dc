// @ts-check
/**
 * A decorative scribble for each drawing, derived from its id, so that drawings in a list can be told
 * apart at a glance.
 *
 * It must never reveal what is drawn.
 */

import { smoothLine } from "../kinds/stroke-path.js";

const COLOURS = ["#c94f30", "#d98a1f", "#3c8a5c", "#2f7aa8", "#6d5bb8", "#b8517f"];
const WIDTH = 280;
const HEIGHT = 130;
const SAMPLES = 160;

/**
 * A pseudo-random generator of numbers from 0 to 1, seeded by a text.
 * @param {string} text
 * @returns {() => number}
 */
function numbersFrom(text) {
  let state = [...text].reduce((sum, character) => (Math.imul(sum, 31) + character.charCodeAt(0)) | 0, 7);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @param {string} id */
export function doodle(id) {
  const number = numbersFrom(id);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "xMidYMid meet");
  svg.setAttribute("aria-hidden", "true");
  const lines = 1 + Math.floor(number() * 2);
  for (let line = 0; line < lines; line += 1) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", smoothLine(scribble(number)));
    path.setAttribute("stroke", COLOURS[Math.floor(number() * COLOURS.length)]);
    path.setAttribute("stroke-width", String(3 + Math.floor(number() * 3)));
    svg.append(path);
  }
  return svg;
}

/**
 * A line that loops from left to right.
 * @param {() => number} number
 */
function scribble(number) {
  const [left, right] = [26 + number() * 40, WIDTH - 26 - number() * 60];
  const [middle, height] = [HEIGHT * (0.42 + number() * 0.16), 16 + number() * 26];
  const [turns, lean, drift] = [1.5 + number() * 4, 14 + number() * 16, number() * Math.PI];
  return Array.from({ length: SAMPLES }, (_, i) => {
    const way = i / (SAMPLES - 1);
    const turn = way * turns * 2 * Math.PI + drift;
    return {
      x: left + (right - left) * way + Math.cos(turn) * lean,
      y: middle + Math.sin(turn) * height * (0.55 + 0.45 * Math.sin(way * Math.PI)),
    };
  });
}
