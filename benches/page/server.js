// @ts-check
/**
 * Serves the page of any tree, and one drawing from memory: what is measured is the page alone.
 *
 * It must never be reachable from another machine.
 */

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { answerOf } from "./drawing.js";

/** @type {Record<string, string>} */
const TYPES = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html", ".woff2": "font/woff2" };

/**
 * @param {string} folder the `static` of a tree
 * @param {any[]} changes
 * @returns {Promise<{address: string, close: () => void}>}
 */
export async function served(folder, changes) {
  const answer = Buffer.from(JSON.stringify(answerOf(changes)));
  /** A page with its build, and like a server's with all modules that its entries need. @param {string} text */
  const html = (text) => {
    /** @type {Set<string>} */
    const listed = new Set();
    const links = (/** @type {string} */ entry) => {
      const priority = listed.size > 0 ? ' fetchpriority="low"' : "";
      const names = [...needed(folder, entry)].filter((name) => !listed.has(name));
      names.forEach((name) => listed.add(name));
      return names.map((name) => `<link rel="modulepreload" href="/assets/{{build}}/${name}"${priority}>`).join("");
    };
    return text
      .replace(/<script type="module" src="\/assets\/{{build}}\/([^"]+)/g, (script, entry) => links(entry) + script)
      .replace(/data-entry="([^"]+)">/, (start, entry) => start + links(entry))
      .replaceAll("{{build}}", "bench");
  };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const send = (/** @type {string} */ type, /** @type {Buffer | string} */ body, status = 200) => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
    };
    if (url.pathname.endsWith("/strokes")) return send("application/json", answer);
    if (url.pathname === "/bare") return send("text/html", bare(readFileSync(path.join(folder, "drawing.html"), "utf8")));
    if (url.pathname === "/bare.js") return send("text/javascript", await readFile(new URL("bare.js", import.meta.url)));
    const name = url.pathname.startsWith("/assets/") ? url.pathname.split("/").slice(3).join("/") : url.pathname.startsWith("/d/") ? "drawing.html" : "";
    const file = path.join(folder, path.normalize(`/${name}`));
    try {
      const body = await readFile(file);
      const type = TYPES[path.extname(file)] ?? "application/octet-stream";
      send(type, type === "text/html" ? html(body.toString()) : body);
    } catch {
      send("text/plain", "", 404);
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { address: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** The drawing page with another module in place of all of its own. @param {string} text */
function bare(text) {
  const other = '<script type="module" src="/bare.js"></script></head>';
  return text.replace(/<script[^>]*><\/script>|<template.*<\/template>/g, "").replace("</head>", other).replaceAll("{{build}}", "bench");
}

/**
 * A module and all that it imports.
 * @param {string} folder
 * @param {string} module
 * @param {Set<string>} found
 */
function needed(folder, module, found = new Set()) {
  if (module === "" || found.has(module)) return found;
  found.add(module);
  const text = readFileSync(path.join(folder, module), "utf8");
  for (const [, name] of text.matchAll(/^(?:import|export) [^"();=]*"(\.[^"]+)";$/gm)) needed(folder, path.posix.join(path.posix.dirname(module), name), found);
  return found;
}
