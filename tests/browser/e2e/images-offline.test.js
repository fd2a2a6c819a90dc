/** Pictures that are brought without a connection, and sent later. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { isReplicaStored, drag, pixel, strokes, until, waitForPixel, waitForStatus, waitForStrokes } from "./harness.js";
import { sharedScene } from "./scene.js";

const scene = sharedScene();
const PLACE = [500, 350];
const ASSETS = /\/assets$/;

/** Drops a picture that is all of one colour. */
const drop = (page, colour = "#3c9a5f") => page.evaluate(async ([colour, [clientX, clientY]]) => {
  const canvas = new OffscreenCanvas(200, 100);
  const context = canvas.getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, 200, 100);
  const files = new DataTransfer();
  files.items.add(new File([await canvas.convertToBlob({ type: "image/png" })], "picture", { type: "image/png" }));
  document.getElementById("dynamic").dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, clientX, clientY, dataTransfer: files }));
}, [colour, PLACE]);

/** What waits in this browser, after a change to it. */
const waiting = (page, add = 0) => page.evaluate(async (add) => {
  // Opening it would create it without what it is to have.
  if (!(await indexedDB.databases()).some(({ name }) => name === "whiteboard-pictures")) return 0;
  const request = indexedDB.open("whiteboard-pictures");
  const database = await new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  const store = database.transaction("waiting", "readwrite").objectStore("waiting");
  for (let i = 0; i < add; i += 1) store.add({ id: `other${i}`, drawing: "another", body: {}, blob: new Blob(["x"]) });
  const all = store.getAll();
  await new Promise((resolve) => (all.onsuccess = resolve));
  database.close();
  return all.result.length;
}, add);

const isPale = (page) => until("the picture is shown pale in its place", async () => {
  const [, green, , alpha] = await pixel(page, "dynamic", ...PLACE);
  return alpha > 100 && alpha < 160 && green > 130;
});

test("a picture dropped in flight mode is shown, survives a reload, and is stored before its stroke is sent", async () => {
  const drawing = await scene.server.drawing();
  const one = await scene.newUser({ serviceWorkers: "allow" });
  const page = await one.open(drawing);
  await until("the service worker serves the page", () => page.evaluate(() => navigator.serviceWorker.controller?.state === "activated"), 60_000);
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStatus(page, "Saved");
  await until("the replica is stored", () => page.evaluate(isReplicaStored), 30_000);
  await one.context.setOffline(true);
  await waitForStatus(page, "Offline");
  await drop(page);
  await page.getByText("Offline: the picture is sent later.").waitFor();
  await waitForStatus(page, "Offline, will send 1");
  await isPale(page);
  assert.equal((await strokes(page)).length, 1, "nothing names a picture that the server lacks");
  await page.reload();
  await waitForStatus(page, "Offline, will send 1");
  await until("the picture is back", async () => (await page.evaluate("__whiteboard.outbox.count")) === 0 && (await waiting(page)) === 1);
  await drag(page, [[200, 500], [300, 500]]);
  await waitForStatus(page, "Offline, will send 2");
  /** @type {string[]} */
  const order = [];
  page.on("response", (answer) => ASSETS.test(answer.url()) && answer.ok() && order.push("stored"));
  page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => String(payload).includes('"asset"') && order.push("sent")));
  await one.context.setOffline(false);
  await waitForStrokes(page, 3);
  await waitForStatus(page, "Saved");
  await waitForPixel(page, "dynamic", PLACE, false);
  assert.deepEqual(order, ["stored", "sent"]);
  const other = await (await scene.newUser()).open(drawing);
  await waitForStrokes(other, 3);
  await until("others see it", async () => Math.abs((await pixel(other, "static", ...(await placeIn(other))))[1] - 0x9a) < 12);
  await page.reload();
  await waitForStatus(page, "Saved");
  await waitForStrokes(page, 3);
  assert.equal(await waiting(page), 0);
});

/** The middle of the picture in a window. */
async function placeIn(page) {
  const { body } = (await strokes(page)).find((one) => one.body.kind === "image");
  const { x, y } = await page.evaluate(({ x, y }) => globalThis.__whiteboard.viewport.toScreen({ x, y }), { x: body.x + body.w / 2, y: body.y + body.h / 2 });
  return [x, y];
}

test("a picture whose upload fails is tried again, and dropped with words if the server refuses it", async () => {
  const page = await scene.newPage();
  await page.route(ASSETS, (route) => route.abort());
  await drop(page);
  await waitForStatus(page, "1 not saved");
  await isPale(page);
  await page.unroute(ASSETS);
  await waitForStrokes(page, 1);
  await waitForStatus(page, "Saved");
  await page.route(ASSETS, (route) => route.abort());
  await drop(page, "#9a3c5f");
  await until("it waits", async () => (await waiting(page)) === 1);
  await page.unroute(ASSETS);
  await page.route(ASSETS, (route) => route.fulfill({ status: 507, json: { error: { code: "full", message: "" } } }));
  await page.getByText(/^Not imported: /).waitFor();
  await waitForStatus(page, "Saved");
  assert.deepEqual([await waiting(page), (await strokes(page)).length], [0, 1]);
});

test("no more pictures wait than a browser has room for, and the person is told", async () => {
  const page = await scene.newPage();
  await page.route(ASSETS, (route) => route.abort());
  await drop(page);
  await until("it waits", async () => (await waiting(page)) === 1);
  assert.equal(await waiting(page, 23), 24);
  await drop(page);
  await page.getByText("Not imported: too many pictures wait for a connection").waitFor();
  assert.equal(await waiting(page), 24);
});

test("of two tabs only one sends a picture that waits", async () => {
  const drawing = await scene.server.drawing(randomUUID());
  const one = await scene.newUser();
  const page = await one.open(drawing);
  await one.context.route(ASSETS, (route) => route.abort());
  await drop(page);
  await until("it waits", async () => (await waiting(page)) === 1);
  const other = await one.open(drawing);
  await page.close();
  await waitForStatus(other, "1 not saved");
  const third = await one.open(drawing);
  await one.context.unroute(ASSETS);
  await waitForStrokes(other, 1);
  await waitForStrokes(third, 1);
  await waitForStatus(other, "Saved");
  assert.equal(await waiting(other), 0);
});
