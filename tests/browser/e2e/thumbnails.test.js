import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { drag, until, waitForStatus, waitForStrokes } from "./harness.js";
import { sharedScene } from "./scene.js";

const scene = sharedScene();
const golden = (/** @type {string} */ name) => readFileSync(new URL(`../../golden/${name}`, import.meta.url));

/**
 * Waits for the picture on a card, and returns how much of it is painted and in which colours.
 * @param {import("playwright-core").Page} page
 * @param {string} id
 */
async function pictureOn(page, id) {
  const picture = page.locator(`.card[data-id="${id}"] img.loaded`);
  await picture.waitFor();
  return picture.evaluate(async (/** @type {HTMLImageElement} */ image) => {
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 200 });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.drawImage(image, 0, 0, 320, 200);
    const { data } = context.getImageData(0, 0, 320, 200);
    let [painted, light] = [0, 0];
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] < 200) continue;
      painted += 1;
      light += (data[i] + data[i + 1] + data[i + 2]) / 3;
    }
    return { painted, light: light / (painted || 1), initial: image.parentElement?.querySelector(".card-initial:not([hidden])") !== null };
  });
}

test("a card shows what is drawn, and an empty drawing looks empty", async () => {
  const one = await scene.newUser();
  const [empty, drawn] = [await scene.server.drawing("Empty"), await scene.server.drawing("Drawn")];
  const drawing = await one.open(drawn);
  await drag(drawing, [[200, 200], [500, 300], [700, 200]]);
  await waitForStatus(drawing, "Saved");
  const list = await one.list();
  assert.deepEqual(await pictureOn(list, empty), { painted: 0, light: 0, initial: false });
  const { painted, light, initial } = await pictureOn(list, drawn);
  assert.ok(painted > 200 && light < 90 && !initial, `${painted} pixels of ${light}`);
  assert.equal(await list.locator(`.card[data-id="${drawn}"] img`).getAttribute("loading"), "lazy");

  await drawing.keyboard.press("r");
  await drag(drawing, [[200, 350], [700, 500]]);
  await waitForStatus(drawing, "Saved");
  await list.evaluate(() => dispatchEvent(new Event("pageshow")));
  await until("the new stroke is on the card", async () => (await pictureOn(list, drawn)).painted > painted * 1.3);
});

test("the pictures on cards follow the theme of the system, and the one that was chosen", async () => {
  const one = await scene.newUser({ colorScheme: "light" });
  const id = await scene.server.drawing();
  const drawing = await one.open(id);
  await drag(drawing, [[200, 200], [500, 300]]);
  await waitForStatus(drawing, "Saved");
  const list = await one.list();
  const isLight = async () => (await pictureOn(list, id)).light > 150;
  assert.equal(await isLight(), false);
  await list.emulateMedia({ colorScheme: "dark" });
  await until("ink is light on dark paper", isLight);
  await drawing.evaluate(() => localStorage.setItem("theme", JSON.stringify("light")));
  await until("ink is dark on light paper", async () => !(await isLight()));
});

test("a browser measures text as the font says", async () => {
  const page = await scene.newPage();
  const { advances, kerning } = JSON.parse(golden("font.json").toString());
  const texts = [...Object.keys(advances), ...Object.keys(kerning), "AVATAR Tea, Yes!", "“Größe” – façade, œuvre…"];
  const widths = await page.evaluate(async (texts) => {
    const { lineWidth, loadFont } = await import(String("/assets/dev/kinds/measure.js"));
    await loadFont();
    return texts.map((text) => lineWidth(text, 1000));
  }, texts);
  const expected = (/** @type {string} */ text) =>
    [...text].reduce((sum, one, j, all) => sum + advances[one] + (kerning[(all[j - 1] ?? "") + one] ?? 0), 0);
  assert.deepEqual(texts.filter((text, i) => Math.round(widths[i]) !== expected(text)), []);
});

test("the server exports what the page exports", async () => {
  const one = await scene.newUser();
  const id = await scene.server.drawing("Golden");
  const author = await one.open(id);
  const [chooser] = await Promise.all([author.waitForEvent("filechooser"), author.keyboard.press("Control+o")]);
  await chooser.setFiles({ name: "drawing.json", mimeType: "application/json", buffer: golden("drawing.json") });
  const { length } = JSON.parse(golden("drawing.json").toString()).strokes;
  await waitForStrokes(author, length);
  await waitForStatus(author, "Saved");
  const page = await (await scene.newUser()).open(id);
  await waitForStrokes(page, length);
  const made = await page.evaluate(async () => {
    const load = (/** @type {string} */ name) => import(String(`/assets/dev/${name}`));
    const { drawingSvg } = await load("kinds/drawing-svg.js");
    const { fileText } = await load("model/drawing-file.js");
    const { loadFont } = await load("kinds/measure.js");
    const { readAsset, readFont } = await load("net/api.js");
    const { dataAddress } = await load("ui/download.js");
    await loadFont();
    const id = location.pathname.slice(3);
    const strokes = /** @type {any} */ (globalThis).__whiteboard.scene.ordered();
    const bodies = strokes.map((/** @type {any} */ { body }) => ({ ...body }));
    const hashes = [...new Set(bodies.flatMap((/** @type {any} */ { asset }) => asset ?? []))];
    const pictures = Object.fromEntries(await Promise.all(hashes.map(async (hash) => [hash, await dataAddress(await readAsset(id, hash))])));
    const font = await dataAddress(await readFont());
    const svg = (/** @type {object} */ options) => drawingSvg(bodies, { title: "Golden", pictures, font, ...options });
    return {
      "export.svg": svg({ theme: "light", background: true }),
      "export.svg?theme=dark&background=false": svg({ theme: "dark", background: false }),
      "export.json": fileText({ title: "Golden", strokes, assets: pictures }),
    };
  });
  for (const [name, text] of Object.entries(made)) {
    const answer = await fetch(`${scene.server.address}/api/drawings/${id}/${name}`);
    const lines = [(await answer.text()).split("\n"), text.split("\n")];
    lines[0].forEach((line, i) => assert.equal(line, lines[1][i], `${name}, line ${i + 1}`));
    assert.equal(lines[0].length, lines[1].length);
  }
});
