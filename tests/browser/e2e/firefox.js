// @ts-check
/**
 * Drives Firefox by Marionette, the protocol that is built into it: WebDriver commands as JSON over TCP,
 * each after its length. So neither a driver nor a patched Firefox is needed.
 *
 * It must never use anything of Firefox's own profile: each start has a new one.
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { until } from "./harness.js";
import { ended, spawned } from "./processes.js";

/** Milliseconds within which Firefox must be ready. */
const READY = 150_000;
const PROGRAM = process.env.FIREFOX_BIN ?? ["/usr/bin/firefox-esr", "/usr/bin/firefox"].find((file) => existsSync(file));
/** Nothing on the network but the pages, and no first-run pages. Port 0 is a free one. */
const PREFERENCES = {
  "marionette.port": 0,
  "app.normandy.enabled": false,
  "app.update.disabledForTesting": true,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,#no-server",
};

export class Firefox {
  #process;
  #socket;
  #buffer = Buffer.alloc(0);
  #last = 0;
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
  #waiting = new Map();

  /**
   * @param {import("node:child_process").ChildProcess} process
   * @param {import("node:net").Socket} socket
   * @param {string} profile
   */
  constructor(process, socket, profile) {
    this.#process = process;
    this.#socket = socket;
    this.profile = profile;
    socket.on("data", (data) => this.#receive(data));
  }

  static async launch() {
    assert.ok(PROGRAM, "Firefox is installed, or FIREFOX_BIN names it");
    const profile = await mkdtemp(path.join(tmpdir(), "whiteboard-firefox-"));
    const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
    await writeFile(path.join(profile, "user.js"), lines.join("\n"));
    const process = spawned(PROGRAM, ["--headless", "--marionette", "--no-remote", "--profile", profile], { stdio: "ignore" });
    const portFile = path.join(profile, "MarionetteActivePort");
    const port = await until("Firefox listens", async () => existsSync(portFile) && Number(await readFile(portFile, "utf8")), READY);
    const firefox = new Firefox(process, connect(port, "127.0.0.1"), profile);
    await firefox.command("WebDriver:NewSession", { capabilities: { alwaysMatch: { timeouts: { pageLoad: READY } } } });
    return firefox;
  }

  /**
   * @param {string} name
   * @param {object} [parameters]
   * @returns {Promise<any>}
   */
  command(name, parameters = {}) {
    this.#last += 1;
    const text = JSON.stringify([0, this.#last, name, parameters]);
    this.#socket.write(`${Buffer.byteLength(text)}:${text}`);
    return new Promise((resolve, reject) => this.#waiting.set(this.#last, { resolve, reject }));
  }

  /** Runs a script in the page, which returns something.
   * @param {string} script */
  async run(script) {
    return (await this.command("WebDriver:ExecuteScript", { script, args: [] })).value;
  }

  /** @param {string} url */
  open(url) {
    return this.command("WebDriver:Navigate", { url });
  }

  /** Reloads as a page does itself: WebDriver's own reload goes past service workers. */
  async reload() {
    await this.run("window.__old = true; setTimeout(() => location.reload(), 0); return true");
    await until("the page is another one", () => this.run("return window.__old !== true").catch(() => false), READY);
  }

  /**
   * Draws through all points with real pointer events.
   * @param {[number, number][]} points pixels
   */
  async drag(points) {
    const moves = points.map(([x, y]) => ({ type: "pointerMove", x, y, duration: 30 }));
    const actions = [moves[0], { type: "pointerDown", button: 0 }, ...moves.slice(1), { type: "pointerUp", button: 0 }];
    await this.command("WebDriver:PerformActions", { actions: [{ type: "pointer", id: "mouse", parameters: { pointerType: "mouse" }, actions }] });
    await this.command("WebDriver:ReleaseActions");
  }

  async close() {
    this.#socket.destroy();
    await ended(this.#process, "SIGKILL");
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  /** @param {Buffer} data */
  #receive(data) {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    for (;;) {
      const colon = this.#buffer.indexOf(":");
      const end = colon + 1 + Number(this.#buffer.subarray(0, Math.max(colon, 0)));
      if (colon < 0 || this.#buffer.length < end) return;
      const frame = JSON.parse(this.#buffer.subarray(colon + 1, end).toString());
      this.#buffer = this.#buffer.subarray(end);
      // The first frame is a greeting without a number.
      if (!Array.isArray(frame)) continue;
      const [, id, error, value] = frame;
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) waiting?.reject(new Error(`${error.error}: ${error.message}`));
      else waiting?.resolve(value);
    }
  }
}
