// @ts-check
/**
 * Makes the bitmap icons of the installed application from static/icon.svg. Run it when that changes.
 *
 *     node icons.js
 *
 * It must never draw anything itself: the picture is the SVG's.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launched } from "./e2e/harness.js";

const FOLDER = new URL("../../static/", import.meta.url);
/** The part of the side that a maskable icon's picture may fill: systems cut off what is outside. */
const SAFE = 0.72;

const svg = readFileSync(new URL("icon.svg", FOLDER), "utf8");
const ground = /<rect[^>]* fill="(#[0-9a-f]+)"/.exec(svg)?.[1];
const browser = await launched();
const page = await browser.newPage();
for (const { name, side, maskable } of [
  { name: "icon-192.png", side: 192, maskable: false },
  { name: "icon-512.png", side: 512, maskable: false },
  { name: "icon-maskable-512.png", side: 512, maskable: true },
]) {
  await page.setViewportSize({ width: side, height: side });
  const width = maskable ? side * SAFE : side;
  await page.setContent(`<body style="margin:0;height:100vh;display:grid;place-items:center;background:${maskable ? ground : "none"}">${svg}</body>`);
  await page.evaluate((width) => document.querySelector("svg")?.setAttribute("width", String(width)), width);
  await page.screenshot({ path: fileURLToPath(new URL(name, FOLDER)), omitBackground: true });
}
await browser.close();
