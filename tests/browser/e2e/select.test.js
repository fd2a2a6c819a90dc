import assert from "node:assert/strict";
import { test } from "node:test";
import { drag, pixel, strokes, until, waitForPixel, waitForStatus, waitForStrokes } from "./harness.js";
import { sharedScene } from "./scene.js";

const scene = sharedScene();
const { newUser, newPage } = scene;

/** Two people in one new drawing. */
async function two() {
  const drawing = await scene.server.drawing();
  return { a: await (await newUser()).open(drawing), b: await (await newUser()).open(drawing) };
}

/**
 * Drags up a figure with the tool of a key.
 * @param {import("playwright-core").Page} page
 * @param {string} key
 * @param {[number, number][]} points
 */
async function figure(page, key, points) {
  await page.keyboard.press(key);
  await drag(page, points);
}

/** The boxes of all strokes in pixels of the window. */
function boxes(page) {
  return page.evaluate(`__whiteboard.scene.ordered().map(({ body }) => {
    const { x, y } = __whiteboard.viewport.toScreen(body);
    return { kind: body.kind, x: Math.round(x), y: Math.round(y) };
  })`);
}

const selected = (page) => page.evaluate("__whiteboard.selection.strokes.length");

test("a click selects, a drag moves in one step, and others see it while it lasts", async () => {
  const { a, b } = await two();
  await figure(a, "r", [[300, 200], [400, 300]]);
  await waitForStrokes(b, 1);
  await a.keyboard.press("v");
  await a.mouse.click(300, 250);
  assert.equal(await selected(a), 1);
  await drag(a, [[350, 250], [450, 300], [550, 350]], { lift: false });
  // The static layer leaves it out, and the dynamic one shows it at its new place, for both.
  for (const page of [a, b]) {
    await waitForPixel(page, "static", [300, 250], false);
    await waitForPixel(page, "dynamic", [500, 350]);
  }
  assert.deepEqual(await boxes(b), [{ kind: "rectangle", x: 300, y: 200 }]);
  await a.mouse.up();
  for (const page of [a, b]) {
    await waitForPixel(page, "static", [500, 350]);
    await waitForPixel(page, "static", [300, 250], false);
  }
  await until("nothing is left above", async () => (await pixel(b, "dynamic", 500, 350))[3] === 0);
  await a.keyboard.press("Control+z");
  await waitForPixel(b, "static", [300, 250]);
  await waitForStatus(a, "Saved");
});

test("Escape ends a drag as if it had not been, for others too", async () => {
  const { a, b } = await two();
  await figure(a, "r", [[300, 200], [400, 300]]);
  await a.keyboard.press("v");
  await drag(a, [[300, 250], [450, 300], [500, 350]], { lift: false });
  // Away from the pointer, which is shown there too.
  await waitForPixel(b, "dynamic", [500, 320]);
  await a.keyboard.press("Escape");
  await waitForPixel(a, "static", [300, 250]);
  await waitForPixel(b, "static", [300, 250]);
  await waitForPixel(b, "dynamic", [500, 320], false);
  await a.mouse.up();
  assert.deepEqual(await boxes(a), [{ kind: "rectangle", x: 300, y: 200 }]);
});

test("handles resize and turn, a band and Shift select more, keys nudge, group, copy and delete", async () => {
  const page = await newPage();
  await figure(page, "r", [[300, 200], [400, 300]]);
  await figure(page, "o", [[500, 200], [600, 300]]);
  await page.keyboard.press("1");
  await page.mouse.click(300, 250);
  await drag(page, [[404, 304], [430, 330], [454, 354]]);
  await waitForPixel(page, "static", [450, 280]);
  await page.keyboard.press("Control+z");
  await waitForPixel(page, "static", [400, 280]);
  await drag(page, [[350, 172], [420, 180], [430, 250]]);
  await until("it is turned", async () => Math.abs((await strokes(page))[0].body.rotation - Math.PI / 2) < 0.05);
  await page.keyboard.press("Control+z");
  await drag(page, [[270, 170], [640, 340]]);
  assert.equal(await selected(page), 2);
  await page.keyboard.press("Control+g");
  await page.mouse.click(800, 500);
  assert.equal(await selected(page), 0);
  await page.mouse.click(300, 250);
  assert.equal(await selected(page), 2);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowDown");
  assert.deepEqual(await boxes(page), [{ kind: "rectangle", x: 301, y: 210 }, { kind: "ellipse", x: 501, y: 210 }]);
  await page.keyboard.press("Control+d");
  await waitForStrokes(page, 4);
  assert.equal(await selected(page), 2);
  await page.keyboard.press("Delete");
  await waitForStrokes(page, 2);
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Control+Shift+G");
  await page.mouse.click(800, 500);
  await page.mouse.click(301, 250);
  assert.equal(await selected(page), 1);
  await page.keyboard.down("Alt");
  await drag(page, [[301, 260], [301, 400]]);
  await page.keyboard.up("Alt");
  await waitForStrokes(page, 3);
});

test("Shift adds to the selection and takes from it, and several strokes are resized, turned and brought to the front at once", async () => {
  const page = await newPage();
  await figure(page, "r", [[300, 200], [400, 300]]);
  await figure(page, "o", [[500, 200], [600, 300]]);
  await figure(page, "d", [[700, 200], [800, 300]]);
  const [rectangle, ellipse, diamond] = (await strokes(page)).map(({ id }) => id);
  const of = async (id) => (await strokes(page)).find((stroke) => stroke.id === id).body;
  const drawn = [await of(rectangle), await of(ellipse)];
  await page.keyboard.press("v");
  await page.mouse.click(300, 250);
  await page.keyboard.down("Shift");
  await page.mouse.click(700, 250);
  await page.mouse.click(500, 250);
  assert.equal(await selected(page), 3);
  await page.mouse.click(700, 250);
  await page.keyboard.up("Shift");
  assert.equal(await selected(page), 2);
  const isAsDrawn = () => until("both are as drawn", async () => JSON.stringify([await of(rectangle), await of(ellipse)]) === JSON.stringify(drawn));
  await drag(page, [[614, 314], [700, 340], [766, 366]]);
  await until("both are larger", async () => (await of(ellipse)).x > drawn[1].x + 80 && (await of(rectangle)).points !== drawn[0].points);
  assert.equal((await of(diamond)).rotation, undefined);
  await page.keyboard.press("Control+z");
  await isAsDrawn();
  await drag(page, [[450, 162], [520, 200], [560, 250]]);
  await until("both are turned", async () => [await of(rectangle), await of(ellipse)].every(({ rotation }) => Math.abs(rotation - Math.PI / 2) < 0.1));
  await page.keyboard.press("Control+z");
  await isAsDrawn();
  await page.keyboard.press("Control+Shift+}");
  await until("both are in front, in their order", async () => String((await strokes(page)).map(({ id }) => id)) === String([diamond, rectangle, ellipse]));
  await waitForStatus(page, "Saved");
});

test("the menu of the right button orders, aligns and locks; the keyboard walks through it", async () => {
  const page = await newPage();
  await figure(page, "r", [[300, 200], [400, 300]]);
  await page.click('#fills [aria-label="Fill: Red"]');
  await figure(page, "r", [[300, 200], [400, 300]]);
  await figure(page, "r", [[350, 250], [450, 350]]);
  await page.mouse.click(360, 260, { button: "right" });
  const menu = page.getByRole("menu");
  await menu.waitFor();
  assert.equal(await selected(page), 1);
  await menu.getByRole("menuitem", { name: "Send to back" }).click();
  await until("it is behind", async () => (await boxes(page))[0].x === 350);
  assert.equal(await menu.isVisible(), false);
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Shift+F10");
  await menu.waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("End");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Clear the drawing…");
  await page.keyboard.press("Escape");
  await menu.waitFor({ state: "hidden" });
  assert.equal(await selected(page), 3);
  await page.keyboard.press("Control+Shift+ArrowLeft");
  await until("they are aligned", async () => (await boxes(page)).every(({ x }) => x === 300));
  await page.keyboard.press("Control+Shift+L");
  await page.mouse.click(800, 500);
  await page.mouse.click(320, 220);
  assert.equal(await selected(page), 0);
  await figure(page, "e", [[280, 220], [420, 280]]);
  assert.equal((await strokes(page)).length, 3);
  await page.mouse.click(320, 220, { button: "right" });
  await menu.getByRole("menuitem", { name: "Lock or unlock" }).click();
  await until("one is unlocked", async () => (await strokes(page)).filter(({ body }) => body.locked).length === 2);
});

test("strokes are pasted into another drawing, texts as texts elsewhere, and text from elsewhere as a text", async () => {
  const user = await newUser({ permissions: ["clipboard-read", "clipboard-write"] });
  const page = await user.open(await scene.server.drawing());
  await figure(page, "r", [[300, 200], [400, 300]]);
  await figure(page, "a", [[500, 250], [404, 250]]);
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Control+c");
  const other = await user.open(await scene.server.drawing());
  await other.mouse.move(600, 400);
  await other.keyboard.press("Control+v");
  await waitForStrokes(other, 2);
  const [rectangle, arrow] = await strokes(other);
  assert.equal(arrow.body.end.stroke, rectangle.id);
  assert.equal(await selected(other), 2);
  await other.keyboard.press("Control+x");
  await waitForStrokes(other, 0);
  await other.evaluate(() => navigator.clipboard.writeText("from\nelsewhere"));
  await other.keyboard.press("Control+v");
  await waitForStrokes(other, 1);
  assert.equal((await strokes(other))[0].body.text, "from\nelsewhere");
  await other.keyboard.press("Control+c");
  assert.equal(await other.evaluate(() => navigator.clipboard.readText()), "from\nelsewhere");
  await other.mouse.click(800, 200, { button: "right" });
  await other.getByRole("menuitem", { name: "Paste" }).click();
  await waitForStrokes(other, 2);
});

test("what is selected is brought into the middle of the view", async () => {
  const page = await newPage();
  await figure(page, "r", [[200, 200], [300, 260]]);
  await figure(page, "r", [[700, 500], [800, 560]]);
  await page.keyboard.press("v");
  await page.mouse.click(200, 230);
  await until("one is selected", async () => (await selected(page)) === 1);
  await page.mouse.wheel(2_000, 0);
  await page.keyboard.press("Shift+F");
  await until("it is in the middle", () => page.evaluate(() => {
    const { viewport: { shown }, scene } = /** @type {any} */ (globalThis).__whiteboard;
    const { x, y } = scene.ordered()[0].body;
    return Math.abs((shown.left + shown.right) / 2 - x - 50) < 2 && Math.abs((shown.top + shown.bottom) / 2 - y - 30) < 2;
  }));
});

test("the style panel shows what applies, changes the selection, and is remembered", async () => {
  const page = await newPage();
  const fields = () => page.locator("#stroke-style [data-field]:visible").evaluateAll((all) => all.map(({ dataset }) => dataset.field));
  // The panel changes a little later, after a pause that its own cost decides.
  const shows = (/** @type {string[]} */ expected) => until(`it shows ${expected}`, async () => String(await fields()) === String(expected));
  await shows(["colour", "width", "opacity"]);
  await page.keyboard.press("e");
  await page.locator("#stroke-style").waitFor({ state: "hidden" });
  await figure(page, "r", [[300, 200], [400, 300]]);
  await page.keyboard.press("v");
  await page.locator("#stroke-style").waitFor({ state: "hidden" });
  await page.mouse.click(300, 250);
  await page.locator("#stroke-style").waitFor();
  await shows(["colour", "width", "dash", "fill", "opacity"]);
  await page.click('#colours [aria-label="Blue"]');
  await page.click('#fills [aria-label="Fill: Yellow"]');
  await page.click('#dashes [aria-label="Dashed line"]');
  await page.click('#sizes [aria-label="Thick"]');
  await page.locator("#opacity").focus();
  await page.keyboard.press("ArrowLeft");
  await until("all of it applies", async () => {
    const { colour, fill, dash, width, opacity } = (await strokes(page))[0].body;
    return JSON.stringify([colour, fill, dash, width, opacity]) === JSON.stringify(["blue", "yellow", "dashed", 8, 0.9]);
  });
  await waitForStatus(page, "Saved");
  await page.locator("#opacity").blur();
  await page.keyboard.press("t");
  await page.mouse.click(600, 300);
  await page.keyboard.type("Centred text");
  await shows(["colour", "width", "align", "opacity"]);
  // The size is that of letters, and shown as one.
  const size = page.getByRole("group", { name: "Text size" }).getByRole("button", { name: "Large", exact: true });
  assert.deepEqual([await size.locator(".letter").isVisible(), await size.locator(".line").isVisible()], [true, false]);
  assert.equal(await size.getAttribute("aria-pressed"), "true");
  await page.click('#aligns [aria-label="Centre text"]');
  await page.keyboard.press("Escape");
  await waitForStrokes(page, 2);
  assert.equal((await strokes(page))[1].body.align, "center");
  await page.reload();
  await waitForStatus(page, "Saved");
  await figure(page, "r", [[300, 400], [400, 500]]);
  await waitForStrokes(page, 3);
  const { colour, fill, dash, width, opacity } = (await strokes(page))[2].body;
  assert.deepEqual([colour, fill, dash, width, opacity], ["blue", "yellow", "dashed", 8, 0.9]);
});

test("a choice of letters' sizes or of widths is offered, as what is selected needs", async () => {
  const page = await newPage();
  const isShown = (name, is) => until(`${name} ${is}`, async () => (await page.locator(`#sizes [aria-label="${name}"] ${is}`).isVisible()));
  await figure(page, "r", [[300, 200], [400, 300]]);
  await page.keyboard.press("t");
  await page.mouse.click(600, 300);
  await page.keyboard.type("Words");
  await page.keyboard.press("Escape");
  await page.keyboard.press("v");
  await page.mouse.click(620, 300);
  await isShown("Very large", ".letter");
  await page.click('#sizes [aria-label="Very large"]');
  await until("the letters are very large", async () => (await strokes(page))[1].body.width === 80);
  await page.keyboard.press("Control+a");
  await isShown("Thin", ".line");
  await page.mouse.click(300, 250);
  await isShown("Thick", ".line");
});

test("a colour of one's own is taken by new strokes", async () => {
  const page = await newPage();
  await page.locator("#custom-colour input").evaluate((input) => {
    input.value = "#12ab34";
    input.dispatchEvent(new Event("change"));
  });
  await drag(page, [[300, 300], [400, 300]]);
  await waitForStrokes(page, 1);
  assert.equal((await strokes(page))[0].body.colour, "#12ab34");
});

test("an arrow between two strokes follows them, and undo is one step", async () => {
  const page = await newPage();
  await figure(page, "r", [[260, 200], [360, 300]]);
  await figure(page, "d", [[600, 200], [700, 300]]);
  await figure(page, "a", [[310, 250], [450, 260], [650, 250]]);
  const arrow = async () => (await strokes(page)).find(({ body }) => body.kind === "arrow").body;
  const drawn = await arrow();
  assert.ok(drawn.start && drawn.end, JSON.stringify(drawn));
  await page.keyboard.press("v");
  await drag(page, [[260, 250], [260, 350], [260, 450]]);
  await until("the arrow has followed", async () => (await arrow()).y > drawn.y + 50);
  await page.keyboard.press("Control+z");
  await until("all is as before", async () => (await arrow()).y === drawn.y && (await boxes(page))[0].y === 200);
});

test("a sticky note is written in, wraps, and is written again with a double click", async () => {
  const { a, b } = await two();
  await a.keyboard.press("n");
  await a.mouse.click(400, 300);
  await a.locator("#text-editor").waitFor();
  await a.keyboard.type("A note with more words than fit into one line");
  // Others read along.
  await until("the other has the note", async () => (await strokes(b)).length === 1);
  await until("and its text while it is written", async () => (await b.evaluate("__whiteboard.presence.shown(performance.now()).previews.flatMap(({ bodies }) => bodies.map(({ text }) => text)).join()")).startsWith("A note with more"));
  await a.keyboard.press("Escape");
  await until("the text has arrived", async () => (await strokes(b))[0]?.body.text?.startsWith("A note"));
  await a.keyboard.press("p");
  await a.mouse.dblclick(400, 300);
  await a.locator("#text-editor").waitFor();
  await a.keyboard.press("Control+a");
  await a.keyboard.type("short");
  await a.keyboard.press("Escape");
  await until("it is short", async () => (await strokes(b))[0].body.text === "short");
  await waitForStrokes(b, 1);
});

test("the laser is seen by others, fades, and leaves nothing", async () => {
  const { a, b } = await two();
  await a.keyboard.press("k");
  await drag(a, [[300, 300], [400, 320], [500, 300], [600, 340]], { lift: false });
  await waitForPixel(b, "dynamic", [598, 339]);
  await a.mouse.up();
  for (const page of [a, b]) await waitForPixel(page, "dynamic", [598, 339], false);
  assert.deepEqual([await strokes(a), await strokes(b)], [[], []]);
  await waitForStatus(a, "Saved");
});

test("clearing the drawing asks first, takes all, and is undone in one step", async () => {
  const { a, b } = await two();
  for (const y of [200, 260, 320]) await figure(a, "l", [[300, y], [400, y]]);
  await waitForStrokes(b, 3);
  for (const answer of ["Keep it", "Clear"]) {
    await a.mouse.click(700, 400, { button: "right" });
    await a.getByRole("menuitem", { name: "Clear the drawing…" }).click();
    await a.getByRole("button", { name: answer }).click();
    await a.locator("dialog").waitFor({ state: "detached" });
    await waitForStrokes(b, answer === "Clear" ? 0 : 3);
  }
  await a.keyboard.press("Control+z");
  await waitForStrokes(b, 3);
});

test("a finger selects, moves and resizes, and a long press opens the menu", async () => {
  const page = await newPage({ hasTouch: true, viewport: { width: 390, height: 844 } });
  await figure(page, "r", [[100, 250], [220, 350]]);
  const client = await page.context().newCDPSession(page);
  const touch = (type, ...points) => client.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y]) => ({ x, y })) });
  const swipe = async (...points) => {
    await touch("touchStart", points[0]);
    for (const point of points.slice(1)) await touch("touchMove", point);
    await touch("touchEnd");
  };
  await page.keyboard.press("v");
  // A finger covers more than a pointer.
  await swipe([109, 300]);
  await until("it is selected", async () => (await selected(page)) === 1);
  await swipe([160, 300], [170, 320], [180, 380]);
  await until("it is moved", async () => (await boxes(page))[0].y === 330);
  await swipe([256, 446], [270, 460], [290, 480]);
  await until("it is resized", async () => (await boxes(page))[0].y === 330 && (await pixel(page, "static", 274, 400))[3] > 128);
  await touch("touchStart", [200, 400]);
  const menu = page.getByRole("menu");
  await menu.waitFor();
  await touch("touchEnd");
  const { height } = await menu.getByRole("menuitem", { name: "Duplicate" }).boundingBox();
  assert.ok(height >= 44, String(height));
  await menu.getByRole("menuitem", { name: "Duplicate" }).tap();
  await waitForStrokes(page, 2);
  // The style is a sheet.
  assert.equal(await page.locator("#stroke-style").isVisible(), false);
  await page.tap("#style-toggle");
  await page.locator("#stroke-style").waitFor();
  await page.tap('#colours [aria-label="Green"]');
  await until("it is green", async () => (await strokes(page))[1].body.colour === "green");
  await swipe([60, 200]);
  await page.locator("#stroke-style").waitFor({ state: "hidden" });
});
