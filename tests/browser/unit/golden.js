import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const FOLDER = new URL("../../golden/", import.meta.url);

/**
 * Compares a text with a file that is kept in the repository. `UPDATE_GOLDEN=1` writes it anew, to be looked
 * at before it is committed.
 * @param {string} name
 * @param {string} text
 */
export function assertGolden(name, text) {
  const file = new URL(name, FOLDER);
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, text);
  assert.ok(existsSync(file), `${name} is missing: UPDATE_GOLDEN=1 writes it`);
  assert.equal(text, readFileSync(file, "utf8"), name);
}
