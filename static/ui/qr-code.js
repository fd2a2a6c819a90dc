// @ts-check
/**
 * A QR code as a picture. It is loaded on demand: few people need it.
 *
 * It must never ask another server for the picture.
 */

import { qrcode } from "../vendor/qrcode-generator.mjs";

/** Empty modules around the code, which readers need. */
const QUIET = 4;

/**
 * @param {string} text
 * @param {string} label
 */
export function qrPicture(text, label) {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const count = code.getModuleCount();
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `${-QUIET} ${-QUIET} ${count + 2 * QUIET} ${count + 2 * QUIET}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.classList.add("qr");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", darkRuns(code, count));
  svg.append(path);
  return svg;
}

/**
 * Each row's runs of dark modules, as rectangles.
 * @param {import("../vendor/qrcode-generator.mjs").QRCode} code
 * @param {number} count
 */
function darkRuns(code, count) {
  let path = "";
  for (let row = 0; row < count; row += 1) {
    for (let from = 0; from < count; from += 1) {
      let to = from;
      while (to < count && code.isDark(row, to)) to += 1;
      if (to > from) path += `M${from} ${row}h${to - from}v1h${from - to}z`;
      from = to;
    }
  }
  return path;
}
