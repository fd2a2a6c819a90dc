import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Firefox } from "./firefox.js";
import { Server, isReplicaStored, until } from "./harness.js";

/** Milliseconds: the first page of a new profile is slow. */
const SLOWLY = 60_000;

/** @type {Server} */
let server;
/** @type {Firefox} */
let firefox;

before(async () => {
  server = await Server.start();
  firefox = await Firefox.launch();
});
after(async () => {
  await firefox?.close();
  await server?.remove();
});

/** @param {string} text */
const waitForStatus = (text) =>
  until(`the page shows ${text}`, async () => (await firefox.run('return document.getElementById("save-status")?.textContent')) === text, SLOWLY);
/** @param {number} count */
const waitForStrokes = (count) =>
  until(`${count} strokes`, async () => (await firefox.run("return window.__whiteboard?.scene.size")) === count, SLOWLY);

test("Firefox draws, reloads, and works without the server", async () => {
  const drawing = await server.drawing("In Firefox");
  await firefox.open(`${server.address}/d/${drawing}`);
  await waitForStatus("Saved");
  await firefox.drag([[200, 200], [250, 210], [300, 200]]);
  await waitForStrokes(1);
  await waitForStatus("Saved");
  await firefox.reload();
  await waitForStatus("Saved");
  await waitForStrokes(1);
  const enabled = "return document.querySelector('[data-command=\"undo\"]')?.disabled === false";
  await until("undo survives the reload", () => firefox.run(enabled), SLOWLY);
  const controlled = "return navigator.serviceWorker.controller?.state === 'activated'";
  await until("the service worker serves the page", () => firefox.run(controlled), SLOWLY);
  await until("the replica is stored", () => firefox.run(`return (${isReplicaStored})()`), SLOWLY);

  await server.stop("SIGKILL");
  await firefox.reload();
  await waitForStrokes(1);
  await waitForStatus("Reconnecting…");
  await firefox.drag([[200, 300], [250, 310], [300, 300]]);
  await waitForStatus("Reconnecting… (1 not saved)");
  await firefox.reload();
  await waitForStrokes(2);
  await waitForStatus("Reconnecting… (1 not saved)");

  await server.start();
  await waitForStatus("Saved");
  assert.equal((await server.api("GET", `/api/drawings/${drawing}/strokes`)).changes.length, 2);
});
