// @ts-check
/** Tokens that an identity system signs, and hands to the page again before they end. */

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { randomId, writerOf } from "../../../static/model/ids.js";
import { Server, TestUser, drag, launched, until, waitForStatus, waitForStrokes } from "./harness.js";
import { freePort } from "./processes.js";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
/** The secret of a browser whose own public id comes after that of almost everybody: of two people with one
 * colour, such a browser takes another, and must not do so for the person that its own token names. */
const LATE = (() => {
  for (;;) {
    const key = randomId();
    if (writerOf(key, key).author.startsWith("ff")) return key;
  }
})();
/** Seconds of a first token, in which a page is opened. */
const FIRST = 20;
/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {string} */
let folder;
/** A site that shows drawings in a frame. @type {import("node:http").Server} */
let site;
/** @type {string} */
let siteAddress;
/** What the site's page has. */
let html = "";

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "whiteboard-keys-"));
  const file = path.join(folder, "signer.pub.pem");
  await writeFile(file, publicKey.export({ type: "spki", format: "pem" }));
  const port = await freePort();
  siteAddress = `http://127.0.0.1:${port}`;
  site = createServer((_, response) => response.setHeader("content-type", "text/html").end(html));
  await new Promise((resolve) => site.listen(port, "127.0.0.1", () => resolve(null)));
  server = await Server.start({ WHITEBOARD_ACCESS: "jwt", WHITEBOARD_JWT_KEYS: file, WHITEBOARD_FRAME_ORIGINS: siteAddress });
  browser = await launched();
});
after(async () => {
  await browser?.close();
  await server?.remove();
  site?.close();
  await rm(folder, { recursive: true, force: true });
});

/**
 * A token for drawing on a drawing.
 * @param {string} drawing
 * @param {number} end whole seconds since 1970
 * @param {string} [person]
 */
function token(drawing, end, person = "ada@example.org") {
  const part = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const said = `${part({ alg: "EdDSA", typ: "JWT" })}.${part({ drawings: [drawing], access: "draw", person, name: `${person} of Tökens`, exp: end })}`;
  return `${said}.${sign(null, Buffer.from(said), privateKey).toString("base64url")}`;
}

/** @param {number} seconds */
const inSeconds = (seconds) => Math.ceil(Date.now() / 1000) + seconds;

/** A drawing of nobody here. */
async function newDrawing() {
  const answer = await fetch(`${server.address}/api/drawings`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token("0".repeat(32), inSeconds(60))}` },
    body: JSON.stringify({ title: "Of tokens" }),
  });
  assert.equal(answer.status, 201);
  return (await answer.json()).id;
}

/** A page with nothing in it yet, its frames to the server, and what its sockets were closed with. */
async function newPage() {
  const { context } = await TestUser.create(browser, server);
  await context.addInitScript((key) => localStorage.setItem("key", JSON.stringify(key)), LATE);
  const page = await context.newPage();
  /** @type {any[]} */
  const sent = [];
  /** @type {(number | undefined)[]} */
  const closed = [];
  let sockets = 0;
  let isIn = false;
  await context.routeWebSocket(/\/ws\//, (socket) => {
    sockets += 1;
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      sent.push(JSON.parse(String(text)));
      server.send(text);
    });
    server.onMessage((text) => {
      isIn ||= JSON.parse(String(text)).type === "welcome";
      socket.send(text);
    });
    server.onClose((code, reason) => {
      closed.push(code);
      void socket.close({ code, reason });
    });
  });
  return { page, sent, closed, sockets: () => sockets, isIn: () => until("the session is let in", () => isIn) };
}

test("a session goes on with a renewed token on the same socket, and ends with words when none comes", async () => {
  const drawing = await newDrawing();
  const { page, sent, closed, sockets, isIn } = await newPage();
  const first = inSeconds(FIRST);
  const [before, later] = [token(drawing, first), token(drawing, first + 10)];
  await page.goto(`${server.address}/d/${drawing}#key=${before}`);
  await isIn();
  assert.equal(await page.evaluate(() => location.hash), "");
  await page.evaluate((token) => location.replace(`#key=${token}`), later);
  await until("the renewed token is shown", () => sent.some(({ type }) => type === "token"));
  assert.equal(await page.evaluate(() => location.hash), "", "the address does not keep it");
  assert.equal(sent.find(({ type }) => type === "token").token, later);
  await until("the first token is over", () => Date.now() > (first + 1) * 1000, 60_000);
  await drag(page, [[300, 300], [400, 320]]);
  await waitForStrokes(page, 1);
  await waitForStatus(page, "Saved");
  assert.deepEqual([sockets(), closed], [1, []], "one socket");
  await page.getByRole("alertdialog", { name: /no longer shared/ }).waitFor();
  assert.ok(Date.now() > (first + 10) * 1000 - 1_000, "not before its end");
  assert.ok(closed.length > 0 && closed.every((code) => code === 4403), `${closed}`);
  // The next one opens it again, in the same tab.
  await page.evaluate((token) => location.replace(`#key=${token}`), token(drawing, inSeconds(60)));
  await waitForStatus(page, "Saved");
  await waitForStrokes(page, 1);
});

test("a site that shows a drawing in a frame renews its token from outside", async () => {
  const drawing = await newDrawing();
  const { page, sent, closed, sockets, isIn } = await newPage();
  const first = inSeconds(FIRST);
  const address = `${server.address}/d/${drawing}`;
  html = `<!doctype html><iframe width="900" height="600" src="${address}#key=${token(drawing, first)}"></iframe>`;
  await page.goto(siteAddress);
  const frame = page.frameLocator("iframe");
  await isIn();
  const later = token(drawing, first + 60);
  // What other origins may do with a frame: replace its address.
  await page.evaluate((url) => /** @type {HTMLIFrameElement} */ (document.querySelector("iframe")).contentWindow?.location.replace(url), `${address}#key=${later}`);
  await until("the renewed token is shown", () => sent.some((frame) => frame.type === "token" && frame.token === later));
  await until("the first token is over", () => Date.now() > (first + 1) * 1000, 60_000);
  await frame.locator("html[data-started]").waitFor({ state: "attached" });
  await page.mouse.move(300, 300);
  await page.mouse.down();
  await page.mouse.move(400, 320, { steps: 4 });
  await page.mouse.up();
  await until("it is sent", () => sent.some(({ type }) => type === "ops"));
  await frame.locator('#save-status[data-state="saved"]').waitFor();
  assert.deepEqual([sockets(), closed], [1, []]);
});

test("a token of somebody else is shown on a new socket, which says who draws", async () => {
  const drawing = await newDrawing();
  const { page, sent, sockets, isIn } = await newPage();
  await page.goto(`${server.address}/d/${drawing}#key=${token(drawing, inSeconds(60))}`);
  await isIn();
  const eve = token(drawing, inSeconds(60), "eve@example.org");
  await page.evaluate((token) => location.replace(`#key=${token}`), eve);
  await until("it is shown", () => sent.some((frame) => frame.token === eve));
  assert.deepEqual([sockets(), sent.some(({ type }) => type === "token")], [2, false]);
  await waitForStatus(page, "Saved");
});

test("a token that the server refuses leaves the one before in use", async () => {
  const drawing = await newDrawing();
  const { page, closed, isIn } = await newPage();
  await page.goto(`${server.address}/d/${drawing}#key=${token(drawing, inSeconds(60))}`);
  await isIn();
  await page.evaluate((token) => location.replace(`#key=${token}`), token("0".repeat(32), inSeconds(60)));
  await until("it is refused", () => closed.includes(4403));
  await drag(page, [[300, 300], [400, 320]]);
  await waitForStrokes(page, 1);
  await waitForStatus(page, "Saved");
});
