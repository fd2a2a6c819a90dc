// @ts-check
/**
 * Which drawings a list shows, and in which order.
 *
 * It must never move what a person points at: then only new drawings are inserted.
 */

/** @typedef {import("./types.js").DrawingInfo} DrawingInfo */

/** @param {string} text */
function folded(text) {
  // Without accents, so that "resume" finds "Résumé".
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/**
 * The drawings whose title has all words of a query.
 * @param {readonly DrawingInfo[]} drawings
 * @param {string} query
 */
export function matching(drawings, query) {
  const words = folded(query).split(/\s+/).filter(Boolean);
  return drawings.filter(({ title }) => words.every((word) => folded(title).includes(word)));
}

/**
 * Drawings of several answers, each once, as the first answer that has it says.
 * @param {...readonly DrawingInfo[]} answers
 */
export function united(...answers) {
  const all = new Map(answers.flat().reverse().map((drawing) => [drawing.id, drawing]));
  return [...all.values()];
}

/**
 * The last changed first.
 * @param {readonly DrawingInfo[]} drawings
 */
export function newestFirst(drawings) {
  return [...drawings].sort((a, b) => Date.parse(b.changed) - Date.parse(a.changed) || (a.id < b.id ? -1 : 1));
}

/**
 * The drawings in the order in which they are shown now; new ones come where they belong among these.
 * @param {readonly DrawingInfo[]} drawings
 * @param {readonly string[]} shown ids
 */
export function inShownOrder(drawings, shown) {
  const byId = new Map(drawings.map((drawing) => [drawing.id, drawing]));
  const kept = shown.flatMap((id) => byId.get(id) ?? []);
  const known = new Set(shown);
  for (const drawing of newestFirst(drawings).filter(({ id }) => !known.has(id))) {
    const at = kept.findIndex(({ changed }) => Date.parse(changed) < Date.parse(drawing.changed));
    kept.splice(at < 0 ? kept.length : at, 0, drawing);
  }
  return kept;
}
