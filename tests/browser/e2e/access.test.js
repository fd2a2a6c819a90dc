import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { FakeLinks } from "./fake-links.js";
import { drag, strokes, until, waitForStatus, waitForStrokes } from "./harness.js";
import { sharedScene } from "./scene.js";

const scene = sharedScene();
const DENIED = "There is no such drawing, or it is not shared with you";

/** @param {FakeLinks} links @param {import("playwright-core").BrowserContextOptions} [options] */
async function newUser(links, options) {
  const one = await scene.newUser(options);
  await links.serve(one.context);
  return one;
}

/** A drawing whose owner has it open, in a server in links mode. */
async function owned() {
  const links = new FakeLinks();
  const drawing = await scene.server.drawing("Ours");
  const owner = await newUser(links);
  const page = await owner.open(`${drawing}#key=${links.make(drawing, "own").key}`);
  return { links, drawing, owner, page };
}

/**
 * A page of somebody else who comes with a key.
 * @param {FakeLinks} links
 * @param {import("./fake-links.js").Key} key
 * @param {string} status
 * @param {string} [name]
 */
async function guest(links, key, status, name = "Guest") {
  const one = await newUser(links);
  await one.context.addInitScript((name) => localStorage.setItem("me", JSON.stringify({ name, colour: "#2f7fc1" })), name);
  const page = await one.context.newPage();
  page.on("pageerror", (error) => one.errors.push(String(error.stack)));
  await page.goto(`${scene.server.address}/d/${key.drawing}#key=${key.key}`);
  await waitForStatus(page, status);
  return { one, page };
}

const tools = (page) => page.locator("#tools button:visible").evaluateAll((all) => all.map((one) => one.dataset.command));

test("a key leaves the address at once, and the browser keeps it", async () => {
  const { drawing, owner, page } = await owned();
  assert.equal(new URL(page.url()).hash, "");
  await page.reload();
  await waitForStatus(page, "Saved");
  await page.close();
  const again = await owner.open(`${drawing}#x=1`);
  assert.equal(new URL(again.url()).hash, "#x=1", "the rest of the address stays");
});

test("without a key, or with a wrong one, the page says the same", async () => {
  const { links, drawing } = await owned();
  for (const address of [drawing, `${drawing}#key=${"y".repeat(22)}`, `${"0".repeat(31)}1#key=${"y".repeat(22)}`]) {
    const one = await newUser(links);
    const page = await one.context.newPage();
    await page.goto(`${scene.server.address}/d/${address}`);
    await page.getByRole("alertdialog", { name: DENIED }).waitFor();
  }
});

test("the right link opens the drawing in a page that was denied", async () => {
  const { links, drawing } = await owned();
  const one = await newUser(links);
  const page = await one.context.newPage();
  await page.goto(`${scene.server.address}/d/${drawing}`);
  await page.getByRole("alertdialog", { name: DENIED }).waitFor();
  await page.goto(`${scene.server.address}/d/${drawing}#key=${links.make(drawing, "draw").key}`);
  await waitForStatus(page, "Saved");
});

test("a link that gives less does not take away what the browser holds", async () => {
  const { links, drawing, owner, page } = await owned();
  await page.close();
  const again = await owner.open(`${drawing}#key=${links.make(drawing, "view").key}`);
  await until("it is the owner's again", async () => (await tools(again)).length > 5);
  await again.locator("#share").click();
  await again.getByRole("button", { name: "Make a link" }).waitFor();
});

test("whoever may only look has the hand, and can move, export and follow", async () => {
  const { links, drawing, page: owner } = await owned();
  await drag(owner, [[300, 300], [400, 300]]);
  await waitForStatus(owner, "Saved");
  const { page } = await guest(links, links.make(drawing, "view"), "Read only");
  assert.deepEqual(await tools(page), ["tool.hand"]);
  assert.ok(await page.locator("#title").getAttribute("readonly") !== null);
  const camera = () => page.evaluate(() => JSON.stringify(/** @type {any} */ (globalThis).__whiteboard.viewport.camera));
  const before = await camera();
  await drag(page, [[500, 300], [560, 330]]);
  assert.notEqual(await camera(), before);
  for (const key of ["p", "k", "Delete", "Control+a", "Shift+F10"]) await page.keyboard.press(key);
  await page.mouse.click(300, 300, { button: "right" });
  await page.mouse.dblclick(500, 300);
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.setData("text/plain", "pasted");
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
  });
  assert.deepEqual(await tools(page), ["tool.hand"]);
  assert.equal(await page.locator(".context-menu").count(), 0);
  assert.ok(await page.locator("#text-editor").isHidden());
  await waitForStrokes(page, 1);
  await page.locator("#menu-button").click();
  assert.ok(await page.locator('#menu [data-command="file.export"]').isEnabled());
  for (const id of ["file.import", "clear", "people.call"]) assert.ok(await page.locator(`#menu [data-command="${id}"]`).isDisabled(), id);
  assert.ok(await page.locator('#tools [data-command="file.picture"]').isDisabled());
  await page.locator('#menu [data-command="file.export"]').click();
  await page.locator(".export-sheet").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("#people").click();
  await page.locator("#others button").first().waitFor();
  assert.equal(await page.locator("#call:visible").count(), 0);
});

test("when the drawing is locked everybody but its owners may only look, until it is unlocked", async () => {
  const { links, drawing, page: owner } = await owned();
  const { page } = await guest(links, links.make(drawing, "draw"), "Saved");
  await owner.locator("#people").click();
  const lock = owner.getByRole("switch", { name: "Only owners can draw" });
  await lock.click();
  await waitForStatus(page, "Locked");
  assert.deepEqual(await tools(page), ["tool.hand"]);
  assert.equal(await lock.getAttribute("aria-checked"), "true");
  assert.ok((await tools(owner)).length > 5);
  await lock.click();
  await waitForStatus(page, "Saved");
  await drag(page, [[300, 300], [400, 300]]);
  await waitForStrokes(owner, 1);
});

test("an owner mutes somebody, erases their strokes as one step, and sees with which key they came", async () => {
  const { links, drawing, page: owner } = await owned();
  await drag(owner, [[200, 500], [300, 500]]);
  const { page } = await guest(links, links.make(drawing, "draw", "Class 7b"), "Saved", "Ada");
  for (const y of [250, 300, 350]) await drag(page, [[300, y], [400, y]]);
  await waitForStrokes(owner, 4);
  await owner.locator("#people").click();
  await owner.locator("#others").getByText("Class 7b").waitFor();
  await owner.getByRole("button", { name: "More about Ada" }).click();
  await owner.getByRole("button", { name: "Mute", exact: true }).click();
  await waitForStatus(page, "Muted");
  await owner.locator("#others").getByText("Class 7b · muted").waitFor();
  await owner.getByRole("button", { name: "Erase their strokes…" }).click();
  await owner.getByText("3 strokes that Ada drew").waitFor();
  await owner.getByRole("button", { name: "Erase", exact: true }).click();
  await waitForStrokes(page, 1);
  await owner.keyboard.press("Escape");
  await owner.keyboard.press("Control+z");
  await waitForStrokes(page, 4);
  await page.close();
  await owner.locator("#people").click();
  const gone = owner.getByRole("list", { name: "Not here now" });
  await gone.getByText("Ada").waitFor();
  await gone.getByRole("button", { name: "More about Ada" }).click();
  await gone.getByRole("button", { name: "Unmute" }).click();
  await until("nobody is muted", () => links.muted.get(drawing)?.size === 0);
});

test("an owner makes a link, changes what it allows, and takes it back", async () => {
  const { links, drawing, page: owner } = await owned();
  await owner.locator("#share").click();
  const sheet = owner.getByRole("dialog", { name: "Share this drawing" });
  await sheet.getByText("1 link").waitFor();
  await sheet.locator(".segments label").filter({ hasText: "Look" }).click();
  await sheet.getByLabel("For whom").fill("Class 7b");
  await sheet.getByLabel("Expires").selectOption("7");
  await sheet.getByRole("button", { name: "Make a link" }).click();
  const link = await sheet.getByRole("textbox", { name: "Link to this drawing" }).inputValue();
  assert.match(link, new RegExp(`/d/${drawing}#key=`));
  await sheet.locator(".qr").waitFor();
  const key = links.keys.at(-1);
  assert.ok(key && key.access === "view" && key.name === "Class 7b" && Date.parse(String(key.expires)) > Date.now() + 6 * 86_400_000);
  const { page } = await guest(links, key, "Read only", "Ada");
  await sheet.getByRole("combobox", { name: "What it allows: Class 7b" }).selectOption("draw");
  await waitForStatus(page, "Saved");
  await drag(page, [[300, 300], [400, 300]]);
  await waitForStrokes(page, 1);
  await sheet.getByRole("button", { name: "Take back: Class 7b" }).click();
  await owner.getByRole("button", { name: "Take back", exact: true }).click();
  await page.getByRole("alertdialog", { name: "This drawing is no longer shared with you" }).waitFor();
  await sheet.getByText("Taken back: Class 7b").waitFor();
  await sheet.getByRole("button", { name: /^Take back/ }).click();
  await owner.getByRole("button", { name: "Take back", exact: true }).click();
  await sheet.getByText("One link must own the drawing").waitFor();
});

test("what was not sent when a link is taken back can be saved as a file", async () => {
  const { links, drawing } = await owned();
  const key = links.make(drawing, "draw");
  const { page } = await guest(links, key, "Saved");
  links.isSilent = true;
  await drag(page, [[300, 300], [400, 300]]);
  await waitForStatus(page, "1 not saved");
  links.revoke(key);
  const dialog = page.getByRole("alertdialog", { name: "This drawing is no longer shared with you" });
  await dialog.waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("button", { name: "Save what was not sent" }).click()]);
  const saved = JSON.parse(await readFile(await file.path(), "utf8"));
  assert.deepEqual([saved.title, saved.strokes.length], ["Ours", 1]);
});

test("what a locked drawing refuses can be saved as a file", async () => {
  const { links, drawing } = await owned();
  const { page } = await guest(links, links.make(drawing, "draw"), "Saved");
  // The page does not know yet.
  links.locked.add(drawing);
  await drag(page, [[300, 300], [400, 300]]);
  await page.getByText("One stroke of yours was not taken.").waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save as a file" }).click()]);
  assert.equal(JSON.parse(await readFile(await file.path(), "utf8")).strokes.length, 1);
  assert.equal((await strokes(page)).length, 0);
});

test("whoever owns nothing can pass on what they hold", async () => {
  const { links, drawing } = await owned();
  const key = links.make(drawing, "draw");
  const { page } = await guest(links, key, "Saved");
  await page.locator("#share").click();
  await page.getByText("Your link lets you draw.").waitFor();
  assert.ok((await page.getByRole("textbox", { name: "Link to this drawing" }).inputValue()).endsWith(`#key=${key.key}`));
});

test("home lists what the browser holds keys for, and says what is no longer shared", async () => {
  const { links, drawing } = await owned();
  await scene.server.drawing("Of others");
  const key = links.make(drawing, "view");
  const { one, page } = await guest(links, key, "Read only");
  await page.goto(scene.server.address);
  const card = page.locator(".card").filter({ hasText: "Ours" });
  await card.waitFor();
  assert.equal(await page.locator(".card").count(), 1);
  assert.equal(await card.locator(".card-actions button:visible").count(), 0);
  await page.getByRole("button", { name: "New drawing" }).click();
  await waitForStatus(page, "Saved");
  await drag(page, [[300, 300], [400, 300]]);
  await waitForStrokes(page, 1);
  await waitForStatus(page, "Saved");
  await page.goto(scene.server.address);
  await until("both are listed", async () => (await page.locator(".card").count()) === 2);
  await until("there are pictures", async () => (await page.locator(".card img.loaded").count()) === 1);
  links.revoke(key);
  await page.reload();
  await page.getByText("“Ours” was deleted, or is no longer shared with you.").waitFor();
  await until("it is gone", async () => (await page.locator(".card").count()) === 1);
  const mine = page.locator(".card").first();
  await mine.hover();
  await mine.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Restore" }).click();
  await until("it is back", async () => (await page.locator(".card").count()) === 1);
  assert.deepEqual(one.errors, []);
});

test("an owner can do everything with the keyboard", async () => {
  const links = new FakeLinks();
  const drawing = await scene.server.drawing("Ours");
  const one = await scene.newUser();
  await links.serve(one.context);
  const page = await one.open(`${drawing}#key=${links.make(drawing, "own").key}`);
  const other = await scene.newUser();
  await links.serve(other.context);
  const guest = await other.open(`${drawing}#key=${links.make(drawing, "draw", "Ada").key}`);
  await page.locator("#share").focus();
  await page.keyboard.press("Enter");
  await page.locator(".keys .key").nth(1).waitFor();
  assert.equal(await page.evaluate(() => /** @type {HTMLInputElement} */ (document.activeElement).value), "draw");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Tab");
  await page.keyboard.type("Eve");
  await page.keyboard.press("Enter");
  await page.locator(".keys .key").nth(2).waitFor();
  const made = links.keys.at(-1);
  assert.deepEqual([made?.access, made?.name], ["view", "Eve"]);
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Copy the link");
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "share");
  await page.locator("#people").focus();
  await page.keyboard.press("Enter");
  const more = page.locator("#others .moderation.icon-button");
  await more.focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await waitForStatus(guest, "Muted");
  await page.locator(".lock-switch").focus();
  await page.keyboard.press("Space");
  await until("it is locked", () => links.locked.has(drawing));
  assert.equal(await page.evaluate(() => document.activeElement?.className), "lock-switch");
});
