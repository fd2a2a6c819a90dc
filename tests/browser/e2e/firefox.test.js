/**
 * A smoke test in Firefox, as Debian has it: draws, reloads, and works offline. Playwright drives it by
 * WebDriver BiDi, since its own protocol needs a patched Firefox.
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { firefox } from "playwright-core";
import { Server, TestUser, drag, until, waitForStatus, waitForStrokes } from "./harness.js";

const FIREFOX = process.env.FIREFOX_BIN ?? ["/usr/bin/firefox-esr", "/usr/bin/firefox"].find((file) => existsSync(file));

/** Nothing that Firefox does not emulate. */
const OPTIONS = /** @type {const} */ ({ serviceWorkers: "allow", colorScheme: null, reducedMotion: null, forcedColors: null, contrast: null });

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  server = await Server.start();
  browser = await firefox.launch({ channel: "moz-firefox", executablePath: FIREFOX });
});
after(async () => {
  await browser?.close();
  await server?.remove();
});

test("Firefox draws, reloads, and works without the server", { timeout: 170_000 }, async () => {
  const drawing = await server.drawing("In Firefox");
  const one = await TestUser.create(browser, server, OPTIONS);
  const page = await one.open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStrokes(page, 1);
  await waitForStatus(page, "Saved");
  await page.reload();
  await waitForStatus(page, "Saved");
  await waitForStrokes(page, 1);
  await until("undo survives the reload", () => page.locator('[data-command="undo"]').isEnabled());
  await until("the service worker serves the page", () => page.evaluate(() => navigator.serviceWorker.controller?.state === "activated"), 60_000);

  await server.stop("SIGKILL");
  await page.reload();
  await waitForStrokes(page, 1);
  await waitForStatus(page, "Reconnecting…");
  await drag(page, [[200, 300], [300, 300]]);
  await waitForStatus(page, "Reconnecting… (1 not saved)");
  await page.reload();
  await waitForStrokes(page, 2);
  await waitForStatus(page, "Reconnecting… (1 not saved)");

  await server.start();
  await waitForStatus(page, "Saved");
  assert.equal((await server.api("GET", `/api/drawings/${drawing}/strokes`)).changes.length, 2);
  assert.deepEqual(one.errors, []);
});
