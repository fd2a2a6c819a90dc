// @ts-check
/** Asks axe-core what is wrong with a page for people who cannot see or point well. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** The script, which a page runs before it is asked. */
export const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * What axe-core finds on a page.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<string[]>}
 */
export async function findings(page) {
  return page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, any, all }) => `${html.slice(0, 160)} ${[...any, ...all].map(({ message }) => message).join("; ").slice(0, 160)}`).join(" | ")}`);
  });
}
