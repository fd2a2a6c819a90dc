// @ts-check
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, TestUser, drag, launched, until, waitForStatus, waitForStrokes } from "./harness.js";

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  server = await Server.start({ WHITEBOARD_ACCESS: "links" });
  browser = await launched();
});
after(async () => {
  await browser?.close();
  await server?.remove();
});

/** A page of somebody else, at an address of the server or at a link. */
async function page(address = server.address) {
  const { context } = await TestUser.create(browser, server);
  const page = await context.newPage();
  await page.goto(address);
  return page;
}

/** The page of an owner who has made a drawing with one stroke, and a link for Class 7b. */
async function owner() {
  const owner = await page();
  await owner.getByRole("button", { name: "New drawing" }).click();
  await waitForStatus(owner, "Saved");
  await drag(owner, [[300, 300], [400, 320]]);
  await waitForStrokes(owner, 1);
  await waitForStatus(owner, "Saved");
  await owner.locator("#share").click();
  await owner.locator(".keys .key").first().waitFor();
  await owner.getByLabel("For whom").fill("Class 7b");
  await owner.getByRole("button", { name: "Make a link" }).click();
  const link = await owner.locator(".link-field").inputValue();
  return { owner, link };
}

/** What the server closes the later sockets of a page with.
 * @param {import("playwright-core").Page} page */
async function closeCodes(page) {
  /** @type {(number | undefined)[]} */
  const codes = [];
  await page.routeWebSocket(/\/ws\//, (socket) => {
    socket.connectToServer().onClose((code, reason) => {
      codes.push(code);
      void socket.close({ code, reason });
    });
  });
  return codes;
}

/** A time here, as a field of times takes it.
 * @param {Date} date */
function localSecond(date) {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

test("a link lets in, is lowered and raised while it is used, and taken back", async () => {
  const { owner: ada, link } = await owner();
  assert.match(link, /#key=[\w-]{22}$/);
  const bob = await page(link);
  await waitForStatus(bob, "Saved");
  assert.equal(await bob.evaluate(() => location.hash), "", "the address does not keep the key");
  await drag(bob, [[500, 300], [600, 320]]);
  await waitForStrokes(ada, 2);
  await ada.locator(".key select").last().selectOption("view");
  await waitForStatus(bob, "Read only");
  await ada.locator(".key select").last().selectOption("draw");
  await waitForStatus(bob, "Saved");
  await ada.locator(".key").nth(1).locator("button").last().click();
  await ada.getByRole("button", { name: "Take back", exact: true }).click();
  await bob.getByRole("alertdialog", { name: /no longer shared/ }).waitFor();
});

test("a link gets another name and an end, at which whoever holds it is sent away with words", async () => {
  const { owner: ada, link } = await owner();
  const bob = await page(link);
  await waitForStatus(bob, "Saved");
  const codes = await closeCodes(bob);
  await bob.reload();
  await waitForStatus(bob, "Saved");
  await ada.getByRole("button", { name: "Change: Class 7b" }).click();
  const name = ada.locator(".editing input").first();
  assert.equal(await name.inputValue(), "Class 7b");
  await name.fill("Nobody");
  await name.press("Escape");
  await ada.getByRole("button", { name: "Change: Class 7b" }).waitFor();
  assert.equal(await ada.locator(".keys-sheet").count(), 1, "only the form is left");
  await ada.keyboard.press("Enter");
  await name.fill("Class 8a");
  await name.press("Enter");
  await ada.getByText("Saved: Class 8a").waitFor();
  // The list is read again, and the focus is where it was.
  await until("the focus is on the link", () => ada.evaluate(() => document.activeElement?.getAttribute("aria-label")?.startsWith("Change: Class 8a")));
  await drag(bob, [[500, 300], [600, 320]]);
  await waitForStatus(bob, "Saved");
  await ada.keyboard.press("Enter");
  await ada.locator(".editing select").selectOption("date");
  const end = new Date(Date.now() + 4_000);
  await ada.locator('.editing input[type="datetime-local"]').fill(localSecond(end));
  await ada.locator(".editing .primary").click();
  await ada.locator(".key-used", { hasText: "until" }).waitFor();
  assert.equal(await bob.locator("#ended").count(), 0, "the link is good until then");
  await bob.getByRole("alertdialog", { name: /no longer shared/ }).waitFor();
  assert.ok(Date.now() >= end.getTime() - 1_000);
  assert.deepEqual(codes.filter((code) => code > 4000), [4403]);
  // It is let in again once it never ends.
  await ada.getByRole("button", { name: "Change: Class 8a" }).click();
  await ada.locator(".editing select").selectOption("never");
  await ada.locator(".editing .primary").click();
  await ada.getByText("Saved: Class 8a").waitFor();
  await bob.goto(link);
  await waitForStatus(bob, "Saved");
});

test("the last link that owns a drawing gets no end", async () => {
  const { owner: ada } = await owner();
  await ada.locator(".key .edit").first().click();
  await ada.locator(".editing select").selectOption("7");
  await ada.locator(".editing .primary").click();
  await ada.getByText("One link must own").waitFor();
  assert.equal(await ada.locator(".editing").count(), 1, "what was chosen stays, to be chosen otherwise");
});

test("without a key, and with one that was taken back, a drawing looks like none", async () => {
  const { link } = await owner();
  const [address] = link.split("#");
  for (const url of [address, `${address}#key=${"A".repeat(22)}`, `${server.address}/d/${"a".repeat(32)}`]) {
    await (await page(url)).getByRole("alertdialog", { name: /no such drawing/ }).waitFor();
  }
});

test("an owner locks a drawing, mutes somebody and erases what they drew", async () => {
  const { owner: ada, link } = await owner();
  const bob = await page(link);
  await waitForStatus(bob, "Saved");
  await drag(bob, [[500, 300], [600, 320]]);
  await waitForStrokes(ada, 2);
  await ada.keyboard.press("Escape");
  await ada.locator("#people").click();
  await ada.locator(".lock-switch").click();
  await waitForStatus(bob, "Locked");
  await ada.locator(".lock-switch").click();
  await waitForStatus(bob, "Saved");
  await ada.getByText("Class 7b").waitFor();
  await ada.locator("#others .moderation.icon-button").click();
  await ada.getByRole("button", { name: "Mute", exact: true }).click();
  await waitForStatus(bob, "Muted");
  await ada.getByRole("button", { name: "Unmute" }).click();
  await waitForStatus(bob, "Saved");
  await ada.getByRole("button", { name: "Erase their strokes…" }).click();
  await ada.getByRole("button", { name: "Erase", exact: true }).click();
  await waitForStrokes(bob, 1);
});

test("one link must own a drawing", async () => {
  const { owner: ada } = await owner();
  await ada.locator(".key").first().locator("button").last().click();
  await ada.getByRole("button", { name: "Take back", exact: true }).click();
  await ada.getByText("One link must own").waitFor();
});

test("the home page lists what a browser has links for, with pictures, and restores it", async () => {
  const { owner: ada, link } = await owner();
  const bob = await page(link);
  await waitForStatus(bob, "Saved");
  await bob.addInitScript(() => {
    const held = new Set();
    const { createObjectURL, revokeObjectURL } = URL;
    URL.createObjectURL = (object) => (held.add(createObjectURL(object)), [...held].at(-1));
    URL.revokeObjectURL = (address) => (held.delete(address), revokeObjectURL(address));
    Object.assign(globalThis, { __held: held });
  });
  await bob.goto(server.address);
  await bob.locator(".card").waitFor();
  await bob.locator("img.loaded").waitFor();
  // A card that is not found is removed, and made anew.
  await bob.fill("#search", "zebra");
  await bob.locator(".card").waitFor({ state: "detached" });
  await bob.fill("#search", "");
  await bob.locator("img.loaded").waitFor();
  assert.equal(await bob.evaluate(() => /** @type {any} */ (globalThis).__held.size), 0, "no picture is held that no card needs");
  assert.equal(await (await page()).locator(".card:not(.gap)").count(), 0, "a stranger sees none");
  await ada.goto(server.address);
  const card = ada.locator(".card").first();
  await card.hover();
  await card.getByRole("button", { name: "Delete" }).click();
  await ada.getByRole("button", { name: "Restore" }).click();
  await until("it is back", async () => (await ada.locator(".card:not(.gap)").count()) === 1);
});
