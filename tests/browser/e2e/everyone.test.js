import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Server, TestUser, drag, launched, strokes, waitForStatus, waitForStrokes } from "./harness.js";
import { PANELS, closePanel, openPanel } from "./panels.js";

const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }, { width: 360, height: 640 }];
const LOW = { width: 640, height: 360 };
/** Of the canvas that must be free on the smallest screens. */
const FREE = 0.8;

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {TestUser[]} */
let people = [];
let drawing = "";

before(async () => {
  server = await Server.start();
  browser = await launched();
  drawing = await server.drawing("Sprint board");
});
after(async () => {
  await browser?.close();
  await server?.remove();
});
afterEach(async () => {
  const errors = people.flatMap(({ errors }) => errors);
  await Promise.all(people.map(({ context }) => context.close()));
  people = [];
  assert.deepEqual(errors, []);
});

/** @param {import("playwright-core").BrowserContextOptions} options */
async function newUser(options) {
  const user = await TestUser.create(browser, server, { reducedMotion: "reduce", ...options });
  people.push(user);
  return user;
}

/** The share of the window in which a press reaches the canvas. */
function freeShare(page) {
  return page.evaluate(() => {
    const step = 3;
    let [all, free] = [0, 0];
    for (let y = 1; y < innerHeight; y += step) {
      for (let x = 1; x < innerWidth; x += step) {
        all += 1;
        free += Number(document.elementFromPoint(x, y)?.id === "dynamic");
      }
    }
    return free / all;
  });
}

for (const viewport of [SIZES[2], LOW]) {
  test(`four fifths of the canvas are free at ${viewport.width}x${viewport.height}`, async () => {
    const page = await (await newUser({ viewport, hasTouch: true, isMobile: true })).open(drawing);
    const share = await freeShare(page);
    assert.ok(share >= FREE, `${share}`);
  });
}

for (const viewport of [...SIZES.slice(1), LOW]) {
  test(`targets of touch are 44 pixels at ${viewport.width}x${viewport.height}`, async () => {
    const user = await newUser({ viewport, hasTouch: true, isMobile: true });
    const [page, list] = [await user.open(drawing), await user.list()];
    await list.locator(".card").first().waitFor();
    const small = (one) => one.evaluate(() => [...document.querySelectorAll("button, a, input, select, summary, [role='radio']")].flatMap((each) => {
      // A label is pressed in place of its field.
      const { width, height } = (each.closest("label") ?? each).getBoundingClientRect();
      const isSeen = each.checkVisibility({ visibilityProperty: true }) && width > 0;
      return isSeen && (width < 43.5 || height < 43.5) ? [`${each.outerHTML.slice(0, 110)}: ${width} x ${height}`] : [];
    }));
    assert.deepEqual(await small(list), [], "home");
    await page.bringToFront();
    await drag(page, [[200, 150], [260, 170]]);
    await waitForStatus(page, "Saved");
    assert.deepEqual(await small(page), [], "drawing");
    for (const opener of PANELS) {
      await openPanel(page, opener);
      assert.deepEqual(await small(page), [], opener);
      const outside = await page.evaluate(() => [...document.querySelectorAll("button, a, input")].filter((each) => {
        const { left, right, width } = each.getBoundingClientRect();
        return width > 0 && each.checkVisibility() && !each.closest("#tools") && (left < -1 || right > innerWidth + 1);
      }).map((each) => each.outerHTML.slice(0, 100)));
      assert.deepEqual(outside, [], `${opener} reaches beyond the window`);
      await closePanel(page);
    }
    await page.keyboard.press("v");
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Shift+F10");
    await page.locator(".context-menu").waitFor();
    assert.deepEqual(await small(page), [], "menu of the selection");
  });
}

test("the menu reaches its last item in a window that is lower than it", async () => {
  const page = await (await newUser({ viewport: { width: 1280, height: 640 } })).open(drawing);
  await page.click("#menu-button");
  const last = page.locator("#menu button").last();
  await last.scrollIntoViewIfNeeded();
  const { y, height } = await last.boundingBox();
  assert.ok(y + height <= 640, `${y + height}`);
});

for (const viewport of [...SIZES, LOW]) {
  test(`sheets are whole, and the keys are shown from the first, at ${viewport.width}x${viewport.height}`, async () => {
    const page = await (await newUser({ viewport })).open(drawing);
    await drag(page, [[200, 150], [260, 170]]);
    await waitForStatus(page, "Saved");
    const sheet = page.locator("dialog[open]");
    const isWhole = () => sheet.evaluate((one) => one.scrollHeight <= one.clientHeight && one.scrollWidth <= one.clientWidth);
    for (const opener of ["#share", '[data-command="file.export"]', '[data-command="language"]', '[data-command="clear"]']) {
      await openPanel(page, opener);
      await page.locator(".share-sheet .qr, dialog:not(.share-sheet)").first().waitFor();
      assert.ok(await isWhole(), opener);
      await closePanel(page);
    }
    await page.keyboard.press("?");
    await sheet.waitFor();
    assert.equal(await sheet.evaluate((one) => one.scrollTop), 0);
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Close");
    if (viewport === SIZES[0]) assert.ok(await isWhole(), "no key is out of sight");
    await sheet.evaluate((one) => one.scrollTo(0, one.scrollHeight));
    await sheet.getByLabel("Close").click();
    await sheet.waitFor({ state: "detached" });
  });
}

test("nothing on the pages is against the Content-Security-Policy", async () => {
  const user = await newUser({});
  await user.context.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, sourceFile, lineNumber }) => globalThis.violations.push(`${violatedDirective} ${sourceFile}:${lineNumber}`));
  });
  const [page, list] = [await user.open(drawing), await user.list()];
  const header = (await (await fetch(`${server.address}/d/${drawing}`)).headers.get("content-security-policy")) ?? "";
  assert.doesNotMatch(header, /unsafe/);
  await page.bringToFront();
  for (const key of ["p", "m", "l", "a", "r", "o"]) {
    await page.keyboard.press(key);
    await drag(page, [[300, 300], [400, 320], [450, 250]]);
  }
  await page.keyboard.press("t");
  await page.mouse.click(500, 400);
  await page.keyboard.type("Hello");
  await page.keyboard.press("Escape");
  for (const opener of PANELS.filter((one) => one !== "#style-toggle")) {
    await openPanel(page, opener);
    await closePanel(page);
  }
  await waitForStatus(page, "Saved");
  await list.bringToFront();
  await list.locator(".card").first().waitFor();
  await list.click("#language");
  for (const each of [page, list]) assert.deepEqual(await each.evaluate(() => globalThis.violations), []);
});

test("the browser's language is used, mirrored where it is read from right to left", async () => {
  const user = await newUser({ locale: "ar-EG" });
  const page = await user.context.newPage();
  await page.goto(`${server.address}/d/${drawing}`);
  await waitForStatus(page, "محفوظ");
  assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), ["ar", "rtl"]);
  const edge = async (selector) => (await page.locator(selector).boundingBox()).x;
  assert.ok((await edge(".titled")) > (await edge(".who")), "the title is at the right");
  await drag(page, [[300, 300], [420, 320]]);
  await waitForStatus(page, "محفوظ");
  const bounds = await page.evaluate(() => globalThis.__whiteboard.viewport.toScreen({ x: globalThis.__whiteboard.scene.ordered().at(-1).body.x, y: 0 }).x);
  assert.ok(Math.abs(bounds - 300) < 3, "the drawing itself is not mirrored");
  await page.keyboard.press("?");
  const key = page.locator("dialog kbd", { hasText: /^Ctrl\+\[$/ });
  await key.waitFor();
  const places = await key.evaluate((one) => [0, 5].map((at) => {
    const range = document.createRange();
    range.setStart(one.firstChild, at);
    range.setEnd(one.firstChild, at + 1);
    return range.getBoundingClientRect().x;
  }));
  assert.ok(places[0] < places[1], "keys are read from left to right");
});

test("a language that was chosen stays, on all pages", async () => {
  const user = await newUser({ locale: "fr" });
  const list = await user.context.newPage();
  await list.goto(server.address);
  await list.getByRole("button", { name: "Nouveau dessin" }).waitFor();
  await list.click("#language");
  await list.click('.language-list [lang="de"]');
  await list.getByRole("button", { name: "Neue Zeichnung" }).waitFor();
  const page = await user.context.newPage();
  await page.goto(`${server.address}/d/${drawing}`);
  await waitForStatus(page, "Gespeichert");
  await page.click("#menu-button");
  await page.click('#menu [data-command="language"]');
  await page.click('.language-list [lang="en"]');
  await waitForStatus(page, "Saved");
});

test("the menu is used by keyboard, and gives the focus back", async () => {
  const page = await (await newUser({})).open(drawing);
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("data-command") ?? document.activeElement?.id);
  await page.locator("#menu-button").focus();
  await page.keyboard.press("Enter");
  await page.locator("#menu :focus").waitFor();
  const items = await page.locator("#menu [role^='menuitem']:not(:disabled)").evaluateAll((all) => all.map((each) => each.dataset.command));
  assert.equal(await focused(), items[0]);
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(), items[1]);
  await page.keyboard.press("End");
  assert.equal(await focused(), items.at(-1));
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(), items[0]);
  await page.keyboard.press("Escape");
  assert.equal(await focused(), "menu-button");
  await page.locator("#menu").waitFor({ state: "hidden" });
  await page.keyboard.press("Enter");
  await page.locator('#menu [data-command="language"]').focus();
  await page.keyboard.press("Enter");
  await page.locator(".language-sheet").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".language-sheet").waitFor({ state: "detached" });
  assert.equal(await focused(), "menu-button");
});

test("keys change nothing behind a dialog, also after a press on one of its buttons", async () => {
  const page = await (await newUser({})).open(await server.drawing());
  await drag(page, [[300, 300], [400, 320]]);
  await waitForStrokes(page, 1);
  await page.click("#share");
  const { x, y, width, height } = await page.locator(".share-sheet .primary").boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  // Lifted elsewhere, it is no click on the button, and none beside the dialog.
  await page.mouse.move(x + width / 2, y + height + 5);
  await page.mouse.up();
  await page.mouse.click(x + width / 2, y + height + 5);
  assert.equal(await page.locator(".share-sheet").isVisible(), true);
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(5, 5);
  await page.mouse.up();
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "BODY", "nothing has the focus");
  for (const key of ["Control+z", "v", "Control+a", "Delete"]) await page.keyboard.press(key);
  await page.evaluate(() => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", "a text");
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  });
  assert.equal((await strokes(page)).length, 1);
  assert.equal(await page.locator('[data-command="tool.pen"]').first().getAttribute("aria-pressed"), "true");
  await page.mouse.click(5, 5);
  await page.locator(".share-sheet").waitFor({ state: "detached" });
  await page.keyboard.press("Control+z");
  await waitForStrokes(page, 0);
});

test("colours that are forced by the system leave everything visible", async () => {
  const page = await (await newUser({ forcedColors: "active" })).open(drawing);
  const shown = await page.evaluate(() => {
    const pen = document.querySelector('[data-command="tool.pen"]');
    const swatch = document.querySelector(".swatch");
    return { pen: getComputedStyle(pen).outlineStyle + getComputedStyle(pen).backgroundColor, swatch: swatch && getComputedStyle(swatch, "::before").forcedColorAdjust };
  });
  const other = await page.evaluate(() => getComputedStyle(document.querySelector('[data-command="tool.line"]')).outlineStyle + getComputedStyle(document.querySelector('[data-command="tool.line"]')).backgroundColor);
  assert.notEqual(shown.pen, other, "the chosen tool can be told from others");
  assert.equal(shown.swatch, "none", "colours to choose from are shown as they are");
});
