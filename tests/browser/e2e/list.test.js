import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { DEVICES, contextOf, handOf } from "./devices.js";
import { Server, TestUser, drag, waitForStrokes, launched, waitForStatus, until } from "./harness.js";

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {TestUser} */
let one;

before(async () => {
  server = await Server.start();
  browser = await launched();
  one = await TestUser.create(browser, server);
});
after(async () => {
  await browser?.close();
  await server?.remove();
});
afterEach(() => assert.deepEqual(one.errors, []));

test("the empty list offers to create a drawing", async () => {
  const page = await one.list();
  await page.click("#create-first");
  await page.waitForURL(/\/d\/[0-9a-f]{32}$/);
  await waitForStatus(page, "Saved");
  await drag(page, [[200, 200], [300, 200]]);
  await waitForStrokes(page, 1);
  await waitForStatus(page, "Saved");
  await page.click('[aria-label="All drawings"]');
  await page.locator(".card").waitFor();
  assert.equal(await page.locator("#empty").isVisible(), false);
  await page.close();
});

test("drawings are renamed, deleted and restored", async () => {
  const id = await server.drawing("Before");
  const page = await one.list();
  const card = page.locator(`.card[data-id="${id}"]`);
  await card.locator('[aria-label="Rename"]').click();
  await card.locator("input").fill("After");
  await page.keyboard.press("Enter");
  await until("the server has the title", async () => (await server.api("GET", `/api/drawings/${id}`)).title === "After");
  await card.getByText("After").waitFor();
  await card.locator('[aria-label="Delete"]').click();
  await card.waitFor({ state: "detached" });
  const deleted = await fetch(`${server.address}/api/drawings/${id}`);
  assert.equal(deleted.status, 410);
  await page.getByRole("button", { name: "Restore" }).click();
  await card.waitFor();
  assert.equal((await server.api("GET", `/api/drawings/${id}`)).title, "After");
  await page.close();
});

test("a title with markup is shown as text", async () => {
  const title = `<img src=x onerror="alert(1)"> & "quotes"`;
  const id = await server.drawing(title);
  const page = await one.list();
  await until("the title is shown", async () => (await page.locator(`.card[data-id="${id}"] .card-title`).textContent()) === title);
  assert.equal(await page.locator(".card-title *, .card [onerror]").count(), 0);
  await page.close();
});

test("a long title makes no page wider than a phone", async () => {
  const id = await server.drawing("W".repeat(100));
  const page = await one.list();
  const card = page.locator(`.card[data-id="${id}"]`);
  await card.waitFor();
  for (const width of [320, 390, 1000]) {
    await page.setViewportSize({ width, height: 700 });
    const { x, width: wide } = await card.boundingBox();
    assert.ok(x >= 0 && x + wide <= width, `${x} and ${wide} in ${width}`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} is too narrow`);
  }
  await page.click(`.card[data-id="${id}"] .card-link`);
  await waitForStatus(page, "Saved");
  await page.setViewportSize({ width: 320, height: 568 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await page.close();
});

test("older drawings are shown on request", async () => {
  for (let i = 0; i < 52; i += 1) await server.drawing(`Number ${i}`);
  const page = await one.list();
  await page.locator("#more").waitFor();
  assert.equal(await page.locator(".card").count(), 50);
  await page.click("#more");
  await until("all are shown", async () => (await page.locator(".card").count()) > 52);
  assert.equal(await page.locator("#more").isVisible(), false);
  await page.close();
});

test("a refresh and a rename leave the focus where it is", async () => {
  const [other, id] = [await server.drawing("Other"), await server.drawing("Mine")];
  const page = await one.list();
  const card = page.locator(`.card[data-id="${id}"]`);
  await card.locator('[aria-label="Delete"]').focus();
  const focused = () => page.evaluate(() => [document.activeElement?.closest(".card")?.getAttribute("data-id"), document.activeElement?.getAttribute("aria-label")]);
  await server.api("PATCH", `/api/drawings/${other}`, { title: "Renamed elsewhere" });
  await server.drawing("Newer");
  await page.evaluate(() => dispatchEvent(new Event("pageshow")));
  await page.getByText("Renamed elsewhere").waitFor();
  await page.getByText("Newer").first().waitFor();
  assert.deepEqual(await focused(), [id, "Delete"]);
  await card.locator('[aria-label="Rename"]').click();
  await card.locator("input").fill("Mine too");
  await page.keyboard.press("Enter");
  await card.getByText("Mine too").waitFor();
  await page.evaluate(() => dispatchEvent(new Event("pageshow")));
  await until("the server has the title", async () => (await server.api("GET", `/api/drawings/${id}`)).title === "Mine too");
  assert.equal((await focused())[0], id);
  await page.close();
});

/** Each device alone, and a pen and a finger beside a mouse. */
const PRESSES = [
  ...DEVICES.map((device) => ({ device, by: /** @type {string} */ (device), options: contextOf(device) })),
  ...(/** @type {const} */ (["pen", "touch"])).map((device) => ({ device, by: `${device} beside a mouse`, options: contextOf("mouse") })),
];

for (const { device, by, options } of PRESSES) {
  test(`a second press of a ${by} on the place of a deleted card deletes nothing`, async () => {
    for (const title of ["Third", "Second", "First"]) await server.drawing(title);
    const user = await TestUser.create(browser, server, options);
    const page = await user.list();
    const { drag, move, tap } = await handOf(page, device);
    const card = page.locator(".card:not(.gap)").filter({ hasText: "First" }).first();
    let deletions = 0;
    page.on("request", (request) => (deletions += request.method() === "DELETE" ? 1 : 0));
    const bin = card.locator('[aria-label="Delete"]');
    await bin.waitFor();
    const before = await page.locator(".card").count();
    const { x, y, width, height } = await bin.boundingBox();
    await tap(bin);
    await page.locator(".toast").waitFor();
    for (let press = 0; press < 2; press += 1) await drag([[x + width / 2, y + height / 2]]);
    // Elsewhere: a finger points at nothing before it touches.
    if (device === "touch") await drag([[5, 5]]);
    else await move([5, 5]);
    await until("the gap closes", async () => (await page.locator(".card").count()) < before);
    assert.equal(await page.locator(".gap").count(), 0);
    assert.equal(deletions, 1);
    await user.context.close();
    assert.deepEqual(user.errors, []);
  });
}

test("the place of a deleted card closes though the mouse has left before the page saw it there", async () => {
  for (const title of ["Second", "First"]) await server.drawing(title);
  const page = await one.list();
  /** @type {Promise<void> | undefined} */
  let moved;
  await page.route("**/while-busy", async (route) => {
    moved = page.mouse.move(5, 5);
    await route.fulfill();
  });
  // The page is busy from the moment of the gap until the mouse is elsewhere.
  await page.evaluate(() => new MutationObserver((_, observer) => {
    if (!document.querySelector(".gap")) return;
    observer.disconnect();
    const request = new XMLHttpRequest();
    request.open("GET", "/while-busy", false);
    request.send();
  }).observe(document.body, { childList: true, subtree: true }));
  await page.locator('.card [aria-label="Delete"]').first().click();
  await until("the mouse leaves", () => moved !== undefined);
  await moved;
  await page.locator(".gap").waitFor({ state: "detached" });
  await page.close();
});

test("the list shows no picture that it does not have, and the last changed drawing first", async () => {
  const [first, second] = [await server.drawing("Changed last"), await server.drawing("Created last")];
  const drawing = await one.open(first);
  await drag(drawing, [[200, 200], [300, 200]]);
  await waitForStatus(drawing, "Saved");
  await drawing.close();
  const page = await one.list();
  await until("the order is that of changes", async () => {
    const ids = await page.locator(".card").evaluateAll((cards) => cards.map((card) => card.dataset.id));
    return ids.indexOf(first) >= 0 && ids.indexOf(first) < ids.indexOf(second);
  });
  assert.equal(await page.locator(".card-art svg, .card-art path").count(), 0);
  await page.close();
});

test("a card says who is there, until they leave, and stays as it is otherwise", async () => {
  const id = await server.drawing("Meeting");
  const page = await one.list();
  const here = page.locator(`.card[data-id="${id}"] .here`);
  const refresh = () => page.evaluate(() => dispatchEvent(new Event("pageshow")));
  const says = (/** @type {string} */ sentence) => until(sentence, async () => (await refresh(), (await here.getAttribute("title")) === sentence));
  /** @type {TestUser[]} */
  const users = [];
  const come = async (/** @type {string} */ name) => {
    const user = await TestUser.create(browser, server);
    await user.context.addInitScript((own) => localStorage.setItem("me", JSON.stringify({ name: own, colour: "#2f7d50" })), name);
    await user.open(id);
    users.push(user);
  };
  await page.locator(`.card[data-id="${id}"] a`).focus();
  const { height } = await page.locator(`.card[data-id="${id}"]`).boundingBox();
  await come("<b>Ada</b>");
  await says("Here: <b>Ada</b>");
  // Another tab of hers is the same person.
  await users[0].open(id);
  await come("Ben");
  await until("both are named", async () => (await refresh(), /^Here: (<b>Ada<.b> and Ben|Ben and <b>Ada<.b>)$/.test((await here.getAttribute("title")) ?? "")));
  for (const name of ["Cleo", "Dora with a very long name, longer than"]) await come(name);
  await until("two are named, and the others counted", async () => (await refresh(), (await here.locator("bdi").count()) === 2 && (await here.locator(".more").getAttribute("data-text")) === "+2"));
  assert.match((await here.getAttribute("title")) ?? "", / and 2 more$/);
  const link = page.locator(`.card[data-id="${id}"] a`);
  const told = await link.evaluate((a) => a.getAttribute("aria-describedby")?.split(" ").map((one) => document.getElementById(one)?.textContent).join(" "));
  assert.ok(told?.includes((await here.getAttribute("title")) ?? "?"), told);
  const { x, width } = await here.boundingBox();
  const card = await page.locator(`.card[data-id="${id}"]`).boundingBox();
  assert.ok(x >= card.x && x + width <= card.x + card.width && Math.abs(card.height - height) < 0.01, `the card keeps its size: ${JSON.stringify([x, width, card, height])}`);
  assert.equal(await link.evaluate((a) => a === document.activeElement), true);
  for (const { context } of users) await context.close();
  await until("nobody is there", async () => (await refresh(), !(await here.isVisible())));
  await page.close();
});

test("without the server a card does not say who is there", async () => {
  const id = await server.drawing("Left behind");
  const other = await TestUser.create(browser, server);
  await other.open(id);
  const page = await one.list();
  const here = page.locator(`.card[data-id="${id}"] .here`);
  await here.waitFor();
  await one.context.setOffline(true);
  await page.evaluate(() => dispatchEvent(new Event("pageshow")));
  await here.waitFor({ state: "hidden" });
  await one.context.setOffline(false);
  await here.waitFor();
  await page.reload();
  await here.waitFor();
  await other.context.close();
  await page.close();
});

test("titles are searched, also those of older drawings, and the keyboard reaches all of it", async () => {
  const id = await server.drawing("Zebra crossing");
  for (let i = 0; i < 51; i += 1) await server.drawing(`After the zebra ${i}`);
  const page = await one.list();
  await page.locator(".card").first().waitFor();
  assert.equal(await page.locator(`.card[data-id="${id}"]`).count(), 0, "it is on the next page");
  await page.keyboard.press("/");
  await page.keyboard.type("crossing ZEBRA");
  await page.locator(`.card[data-id="${id}"]`).waitFor();
  await until("only that one is shown", async () => (await page.locator(".card").count()) === 1);
  await page.getByText("1 drawing found").waitFor({ state: "attached" });
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Language");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "New drawing");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-labelledby")), `title-${id}`);
  await page.locator("#search").fill("<nothing>");
  await page.getByText("No drawing has “<nothing>” in its title.").waitFor();
  await page.locator("#search").press("Escape");
  await until("all are shown", async () => (await page.locator(".card").count()) === 50);
  await page.close();
});

test("a refresh moves no card while one is pointed at", async () => {
  const ids = [await server.drawing("Lower"), await server.drawing("Upper")];
  const page = await one.list();
  const order = () => page.locator(".card").evaluateAll((cards, ids) => cards.map((card) => card.dataset.id).filter((id) => ids.includes(id)), ids);
  await page.locator(`.card[data-id="${ids[1]}"]`).hover();
  assert.deepEqual(await order(), [ids[1], ids[0]]);
  await server.api("PATCH", `/api/drawings/${ids[0]}`, { title: "Lower, renamed" });
  const drawing = await one.open(ids[0]);
  await drag(drawing, [[200, 200], [300, 200]]);
  await waitForStatus(drawing, "Saved");
  await drawing.close();
  await page.evaluate(() => dispatchEvent(new Event("pageshow")));
  await page.getByText("Lower, renamed").waitFor();
  assert.deepEqual(await order(), [ids[1], ids[0]]);
  await page.mouse.move(2, 2);
  await page.evaluate(() => dispatchEvent(new Event("pageshow")));
  await until("the order is that of changes", async () => (await order())[0] === ids[0]);
  await page.close();
});

test("a wrong address is explained in the person's language, and leads home", async () => {
  const other = await TestUser.create(browser, server, { locale: "de-AT" });
  const page = await other.context.newPage();
  const answer = await page.goto(`${server.address}/drawings/of/mine`);
  assert.equal(answer?.status(), 404);
  await page.getByRole("heading", { name: "Unter dieser Adresse ist nichts" }).waitFor();
  assert.equal(await page.locator("h1:visible").count(), 1);
  await page.getByRole("link", { name: "Alle Zeichnungen" }).click();
  await page.waitForURL(`${server.address}/`);
  await other.context.close();
});
