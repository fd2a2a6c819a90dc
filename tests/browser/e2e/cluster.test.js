// @ts-check
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Cluster } from "./cluster.js";
import { TestUser, drag, waitForStrokes, launched, waitForPixel, waitForStatus, strokes, until } from "./harness.js";

/** @type {Cluster} */
let cluster;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {TestUser[]} */
let people = [];

before(async () => {
  browser = await launched();
});
after(() => browser?.close());
beforeEach(async () => {
  cluster = await Cluster.start(2);
});
afterEach(async () => {
  const errors = people.flatMap(({ errors }) => errors);
  await Promise.all(people.map(({ context }) => context.close()));
  people = [];
  await cluster?.remove();
  assert.deepEqual(errors, []);
});

/** @param {{address: string}} [through] a server; by default the balancer */
async function newUser(through = cluster) {
  const one = await TestUser.create(browser, through);
  people.push(one);
  return one;
}

test("people on two servers see each other, their ink and their strokes", async () => {
  const [first, second] = cluster.servers;
  const drawing = await first.drawing();
  const page = await (await newUser(first)).open(drawing);
  const other = await (await newUser(second)).open(drawing);
  for (const each of [page, other]) {
    await until("both are here", async () => (await each.locator("#people").getAttribute("aria-label")) === "People here: 2");
  }
  await drag(page, [[200, 200], [400, 250]], { lift: false });
  await waitForPixel(other, "dynamic", [300, 225]);
  await page.mouse.up();
  await waitForStrokes(other, 1);
  await waitForPixel(other, "dynamic", [300, 225], false);
  await waitForPixel(other, "static", [300, 225]);
  await waitForStatus(page, "Saved");
  assert.deepEqual(await strokes(other), await strokes(page));
});

test("a client whose server is killed continues on another one", async () => {
  const drawing = await cluster.servers[0].drawing();
  const page = await (await newUser()).open(drawing);
  const other = await (await newUser()).open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStrokes(other, 1);
  for (const [turn, server] of cluster.servers.entries()) {
    await server.stop("SIGKILL");
    await drag(page, [[200, 300 + turn * 100], [300, 300 + turn * 100]]);
    await waitForStatus(page, "Saved");
    await waitForStrokes(other, 2 + turn);
    await server.start();
    await until("the server is back", async () => (await fetch(`${server.address}/readyz`)).ok);
  }
  assert.deepEqual(await strokes(other), await strokes(page));
});

test("a stroke in progress when the server is killed is saved whole and once", async () => {
  const drawing = await cluster.servers[0].drawing();
  const page = await (await newUser()).open(drawing);
  const other = await (await newUser()).open(drawing);
  for (const [turn, server] of cluster.servers.entries()) {
    const y = 200 + turn * 100;
    await drag(page, [[200, y], [300, y]], { lift: false });
    await waitForPixel(other, "dynamic", [250, y]);
    await server.stop("SIGKILL");
    await page.mouse.move(600, y, { steps: 8 });
    await page.mouse.up();
    await waitForStatus(page, "Saved");
    await waitForStrokes(other, 1 + turn);
    for (const each of [page, other]) {
      // No ink is left over from before the crash.
      await waitForPixel(each, "dynamic", [250, y], false);
      for (const x of [205, 400, 595]) await waitForPixel(each, "static", [x, y]);
    }
    await server.start();
    await until("the server is back", async () => (await fetch(`${server.address}/readyz`)).ok);
  }
  await waitForStrokes(page, 2);
  assert.deepEqual(await strokes(other), await strokes(page));
});

test("a page whose files failed to load is reloaded", async () => {
  const drawing = await cluster.servers[0].drawing();
  const one = await newUser();
  let loads = 0;
  await one.context.route("**/d/*", (route) => {
    loads += 1;
    return route.continue();
  });
  // A page may ask for a module twice, since it is preloaded.
  await one.context.route("**/assets/**/camera.js", (route) => (loads > 2 ? route.continue() : route.fulfill({ status: 503 })));
  const page = await one.open(drawing);
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStatus(page, "Saved");
  assert.equal(loads, 3);
});

test("while the database is down ops count as unsaved, and they are saved once it is back", async () => {
  const drawing = await cluster.servers[0].drawing();
  const page = await (await newUser()).open(drawing);
  const other = await (await newUser()).open(drawing);
  await cluster.killDatabase();
  await drag(page, [[200, 200], [300, 200]]);
  await drag(page, [[200, 300], [300, 300]]);
  await waitForStatus(page, /2 not saved/);
  await until("no server is ready", async () => {
    const ready = await Promise.all(cluster.servers.map(async ({ address }) => (await fetch(`${address}/readyz`)).ok));
    return ready.every((one) => !one);
  });
  await cluster.startDatabase();
  await waitForStatus(page, "Saved");
  await waitForStrokes(other, 2);
  assert.deepEqual(await strokes(other), await strokes(page));
});
