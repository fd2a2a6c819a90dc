// @ts-check
/**
 * Starts servers and browsers for tests. Every wait is for a predicate, with a deadline.
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { ended, freePort, spawned } from "./processes.js";

/** Milliseconds within which a server must be ready, and a predicate true. */
const READY = 60_000;
const SOON = 15_000;

export const BINARY = process.env.WHITEBOARD_BIN
  ?? fileURLToPath(new URL("../../../target/debug/whiteboard", import.meta.url));
const CHROMIUM = process.env.CHROMIUM_BIN
  ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((file) => existsSync(file));
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

/** Waits until `what` returns a truthy value, and returns it.
 * @param {string} name describes the predicate
 * @param {() => any} what
 * @param {number} [within] milliseconds */
export async function until(name, what, within = SOON) {
  for (const end = Date.now() + within; ; ) {
    const value = await what();
    if (value) return value;
    if (Date.now() > end) assert.fail(`never: ${name}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export class Server {
  /** @type {import("node:child_process").ChildProcess | null} */
  #process = null;
  #log = "";

  /**
   * @param {string} folder
   * @param {number} port
   * @param {Record<string, string>} settings
   */
  constructor(folder, port, settings) {
    this.folder = folder;
    this.listen = `127.0.0.1:${port}`;
    this.address = `http://${this.listen}`;
    this.settings = settings;
  }

  /** @param {Record<string, string>} [settings] environment variables */
  static async start(settings = {}) {
    assert.ok(existsSync(BINARY), `${BINARY} is built first, or WHITEBOARD_BIN names another`);
    const server = new Server(await mkdtemp(path.join(tmpdir(), "whiteboard-")), await freePort(), settings);
    await server.start();
    return server;
  }

  /** Starts the server, with its previous port and data if it has any. */
  async start() {
    const child = spawned(BINARY, [], {
      cwd: this.folder,
      env: {
        ...process.env,
        RUST_LOG: "info",
        WHITEBOARD_LISTEN: this.listen,
        WHITEBOARD_DATABASE: `surrealkv://${this.folder}/data`,
        ...this.settings,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    this.#log = "";
    child.stderr.on("data", (text) => (this.#log += text));
    for (const end = Date.now() + READY; !this.#log.includes(this.address); ) {
      if (Date.now() > end || child.exitCode !== null) assert.fail(`the server does not start:\n${this.#log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** @param {NodeJS.Signals} signal */
  async stop(signal) {
    await ended(this.#process, signal);
  }

  /** Freezes the server until `thaw`: its sockets stay open, and nothing is answered. */
  freeze() {
    this.#process?.kill("SIGSTOP");
  }

  thaw() {
    this.#process?.kill("SIGCONT");
  }

  async remove() {
    await this.stop("SIGKILL");
    await rm(this.folder, { recursive: true, force: true });
  }

  /**
   * @param {string} method
   * @param {string} address
   * @param {object} [body]
   */
  async api(method, address, body) {
    const answer = await fetch(this.address + address, {
      method,
      headers: body ? { "content-type": "application/json" } : {},
      body: body && JSON.stringify(body),
    });
    assert.ok(answer.ok, `${method} ${address}: ${answer.status}`);
    return answer.status === 204 ? null : answer.json();
  }

  /** Creates a drawing and returns its id.
   * @param {string} [title] */
  async drawing(title = "A test") {
    return (await this.api("POST", "/api/drawings", { title })).id;
  }
}

/** A person with a browser context that shares nothing with others. */
export class TestUser {
  /** @type {string[]} uncaught errors of the pages */
  errors = [];

  /**
   * @param {import("playwright-core").BrowserContext} context
   * @param {string} address
   */
  constructor(context, address) {
    this.context = context;
    this.address = address;
  }

  /**
   * @param {import("playwright-core").Browser} browser
   * @param {{address: string}} server
   * @param {import("playwright-core").BrowserContextOptions} [options]
   */
  static async create(browser, server, options = {}) {
    // Without the service worker, which loads every file of the pages: only tests of it wait for that.
    const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, serviceWorkers: "block", ...options });
    return new TestUser(context, server.address);
  }

  /** Opens a drawing in a new page, and waits until it is loaded.
   * @param {string} drawing */
  async open(drawing) {
    const page = await this.context.newPage();
    page.on("pageerror", (error) => this.errors.push(String(error.stack)));
    await page.goto(`${this.address}/d/${drawing}`);
    await waitForStatus(page, "Saved");
    return page;
  }

  async list() {
    const page = await this.context.newPage();
    page.on("pageerror", (error) => this.errors.push(String(error.stack)));
    await page.goto(this.address);
    return page;
  }
}

/**
 * @param {import("playwright-core").LaunchOptions} [options]
 * @returns {Promise<import("playwright-core").Browser>}
 */
export function launched(options = {}) {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS, ...options });
}

/**
 * Draws through all points with real pointer events.
 * @param {import("playwright-core").Page} page
 * @param {[number, number][]} points pixels
 * @param {{lift?: boolean}} [how]
 */
export async function drag(page, points, { lift = true } = {}) {
  const [[x, y], ...rest] = points;
  // The tools come once the drawing is painted.
  await page.waitForSelector("html[data-started]", { state: "attached" });
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (const point of rest) await page.mouse.move(...point, { steps: 4 });
  if (lift) await page.mouse.up();
}

/**
 * Waits until the page shows a save status.
 * @param {import("playwright-core").Page} page
 * @param {string | RegExp} what
 */
export async function waitForStatus(page, what) {
  const text = () => page.locator("#save-status").textContent();
  await until(`the page shows ${what}`, async () => {
    const said = (await text()) ?? "";
    return typeof what === "string" ? said === what : what.test(said);
  });
}

/** The visible strokes of a page, in painting order.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<{id: string, z: number, body: any}[]>} */
export function strokes(page) {
  // A page that is still starting has none yet.
  return page.evaluate("globalThis.__whiteboard?.scene.ordered().map(({ id, z, body }) => ({ id, z, body })) ?? []");
}

/**
 * @param {import("playwright-core").Page} page
 * @param {number} count
 */
export async function waitForStrokes(page, count) {
  let found = -1;
  await until(`${count} strokes`, async () => (found = (await strokes(page)).length) === count).catch((error) => {
    throw new Error(`${error.message}, but ${found}`);
  });
}

/**
 * The colour of a layer at a point, as `[red, green, blue, alpha]`.
 * @param {import("playwright-core").Page} page
 * @param {"static" | "dynamic"} layer
 * @param {number} x pixels of the window
 * @param {number} y
 * @returns {Promise<number[]>}
 */
export function pixel(page, layer, x, y) {
  return page.evaluate(
    ([layer, x, y]) => {
      const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById(String(layer)));
      const scale = canvas.width / canvas.clientWidth;
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      return [...context.getImageData(Math.round(Number(x) * scale), Math.round(Number(y) * scale), 1, 1).data];
    },
    [layer, x, y],
  );
}

/**
 * Waits until a layer is painted, or empty, at a point.
 * @param {import("playwright-core").Page} page
 * @param {"static" | "dynamic"} layer
 * @param {[number, number]} point
 * @param {boolean} [is]
 */
export async function waitForPixel(page, layer, [x, y], is = true) {
  await until(`${layer} is ${is ? "painted" : "empty"} at ${x}, ${y}`, async () => (await pixel(page, layer, x, y))[3] > 128 === is);
}

/** In a page: whether the replica of its drawing is stored up to the position that it holds. */
export async function isReplicaStored() {
  const request = indexedDB.open("whiteboard-replicas");
  const database = await new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  const read = database.transaction("drawings").objectStore("drawings").getAll();
  const all = await new Promise((resolve) => (read.onsuccess = () => resolve(read.result)));
  database.close();
  const { replica } = /** @type {any} */ (globalThis).__whiteboard;
  return all.some(({ epoch, head }) => epoch === replica.epoch && head === replica.head);
}
