// @ts-check
/**
 * The page with the list of drawings: finds, creates, renames, deletes and restores them.
 *
 * It must never read the strokes of a drawing.
 */

import { inShownOrder, matching, newestFirst, united } from "../model/drawing-list.js";
import { accessMode } from "../net/access-mode.js";
import { createDrawing, deleteDrawing, listDrawings, readPicture, renameDrawing, restoreDrawing, thumbnailAddress } from "../net/api.js";
import { loadStored, saveStored } from "../net/local-storage.js";
import { startServiceWorker } from "../net/service-worker.js";
import { t } from "../strings/strings.js";
import { byId } from "../ui/dom.js";
import { DrawingCard } from "../ui/drawing-card.js";
import { failureText } from "../ui/failure.js";
import { icon } from "../ui/icons.js";
import { loadChosenLanguage } from "../ui/chosen-language.js";
import { openLanguageSheet } from "../ui/language.js";
import { localisePage } from "../ui/localise.js";
import { followTheme, shownTheme } from "../ui/shown-theme.js";
import { toast } from "../ui/toast.js";

// All files are loaded and compatible: disables the reload guard.
document.documentElement.dataset.started = "";
await loadChosenLanguage();
localisePage();

/** @typedef {import("../model/types.js").DrawingInfo} DrawingInfo */

/** Milliseconds between refreshes of the list. */
const REFRESH_EVERY = 10_000;
/** Maximum of drawings that are kept for a start without the server. */
const KEPT = 100;
/** Milliseconds without a key before the server is asked for a title. */
const SEARCH_AFTER = 250;
/** A search is asked to go on until it has found so many, or was asked so often. */
const FIND = 50;
const SEARCH_ANSWERS = 8;

/** Those of the last visit at first. @type {DrawingInfo[]} */
let drawings = loadStored("drawings", () => [], Array.isArray);
/** Those that the server found. @type {DrawingInfo[]} */
let found = [];
let query = "";
let searching = 0;
/** @type {string | null} where older drawings are read from */
let older = null;
/** @type {Map<string, DrawingCard>} by drawing */
const cards = new Map();
let olderShown = false;
const search = /** @type {HTMLInputElement} */ (byId("search"));
/** Where not everybody may see all drawings, those that this browser has keys for. */
const held = accessMode() === "open" ? null : new (await import("./held-drawings.js")).HeldDrawings(globalThis.indexedDB, drawings, toast);
/** @type {typeof listDrawings} */
const list = (before, words) => (held ? held.list(before, words) : listDrawings(before, words));
const read = held ? (/** @type {DrawingInfo} */ { id }, /** @type {string} */ address) => readPicture(id, address) : null;

function show() {
  const shown = byId("drawings");
  const all = query ? matching(united(drawings, found), query) : drawings;
  const ids = new Set(all.map(({ id }) => id));
  for (const [id, { element }] of cards) {
    if (ids.has(id)) continue;
    element.remove();
    cards.delete(id);
  }
  const isUsed = shown.matches(":hover, :focus-within");
  let next = shown.firstElementChild;
  for (const drawing of isUsed ? inShownOrder(all, shownIds(shown)) : newestFirst(all)) {
    const card = cards.get(drawing.id) ?? new DrawingCard(drawing, { picture, read, renamed, deleted });
    cards.set(drawing.id, card);
    card.show(drawing);
    while (next?.matches(".gap")) next = next.nextElementSibling;
    if (card.element === next) next = next.nextElementSibling;
    else shown.insertBefore(card.element, next);
  }
  byId("empty").hidden = drawings.length > 0 || older !== null || query !== "";
  byId("search-field").hidden = drawings.length === 0 && query === "";
  byId("none-found").hidden = query === "" || all.length > 0 || searching > 0;
  byId("none-found").textContent = t("list.noneFound", { query });
  byId("found").textContent = query && searching === 0 ? t("list.found", { count: all.length }) : "";
  byId("more").hidden = older === null || query !== "";
}

/** @param {HTMLElement} list */
function shownIds(list) {
  return [...list.children].flatMap((card) => (card instanceof HTMLElement && card.dataset.id ? [card.dataset.id] : []));
}

/** @param {DrawingInfo} drawing */
function picture({ id, changed }) {
  return thumbnailAddress(id, changed, shownTheme());
}

/** Reads the newest drawings and updates the list. */
async function refresh() {
  try {
    const answer = await list();
    const fresh = new Set(answer.drawings.map(({ id }) => id));
    const kept = olderShown ? drawings.filter(({ id }) => !fresh.has(id)) : [];
    drawings = [...answer.drawings, ...kept];
    if (!olderShown) older = answer.next ?? null;
    byId("load-error").hidden = true;
    saveStored("drawings", drawings.slice(0, KEPT).map(withoutPeople));
    show();
  } catch (error) {
    const text = navigator.onLine ? t("list.unreadable", { reason: failureText(error) }) : t("list.offline");
    // Not again each time: it is an alert.
    if (byId("load-error").textContent !== text) byId("load-error").textContent = text;
    byId("load-error").hidden = false;
    // Who is there now is not known.
    [drawings, found] = [drawings.map(withoutPeople), found.map(withoutPeople)];
    if (drawings.length > 0) show();
  }
}

/** @param {DrawingInfo} drawing
 * @returns {DrawingInfo} */
function withoutPeople(drawing) {
  return { ...drawing, people: 0, present: undefined };
}

async function showOlder() {
  if (older === null) return;
  try {
    const answer = await list(older);
    olderShown = true;
    drawings = united(drawings, answer.drawings);
    older = answer.next ?? null;
    show();
  } catch (error) {
    toast(t("list.notListed", { reason: failureText(error) }));
  }
}

/** Shows at once what is known, and then what the server finds. */
function searched() {
  query = search.value.trim();
  found = [];
  clearTimeout(searching);
  searching = query ? setTimeout(() => void find(query), SEARCH_AFTER) : 0;
  show();
}

/** @param {string} asked */
async function find(asked) {
  try {
    /** @type {string | undefined} */
    let before;
    for (let answers = 0; answers < SEARCH_ANSWERS && query === asked; answers += 1) {
      const answer = await list(before, asked);
      if (query !== asked) return;
      found = united(found, answer.drawings);
      before = answer.next ?? undefined;
      if (!before || matching(found, asked).length >= FIND) break;
      show();
    }
  } catch (error) {
    toast(t("list.notListed", { reason: failureText(error) }));
  }
  if (query !== asked) return;
  searching = 0;
  show();
}

async function create() {
  try {
    const title = t("page.untitled");
    const made = await (held ? held.create(title) : createDrawing(title));
    if (made) location.assign(`/d/${made.id}`);
  } catch (error) {
    toast(t("list.notCreated", { reason: failureText(error) }));
  }
}

/**
 * @param {DrawingCard} card
 * @param {string} title
 */
async function renamed(card, title) {
  const { id, title: before } = card.drawing;
  retitle(card, title);
  try {
    await renameDrawing(id, title);
  } catch (error) {
    retitle(card, before);
    toast(t("list.notRenamed", { reason: failureText(error) }));
  }
}

/**
 * @param {DrawingCard} card
 * @param {string} title
 */
function retitle(card, title) {
  const renamed = { ...card.drawing, title };
  const replaced = (/** @type {DrawingInfo[]} */ all) => all.map((drawing) => (drawing.id === renamed.id ? renamed : drawing));
  [drawings, found] = [replaced(drawings), replaced(found)];
  card.show(renamed);
}

/** @param {DrawingCard} card */
async function deleted(card) {
  const { drawing: { id, title }, element } = card;
  try {
    held?.deleting(id);
    await deleteDrawing(id);
  } catch (error) {
    toast(t("list.notDeleted", { reason: failureText(error) }));
    return;
  }
  if (element.contains(document.activeElement)) {
    const neighbour = element.nextElementSibling ?? element.previousElementSibling;
    (neighbour?.querySelector("a") ?? byId("create")).focus();
  }
  if (element.isConnected) card.leaveGap();
  cards.delete(id);
  [drawings, found] = [drawings, found].map((all) => all.filter((drawing) => drawing.id !== id));
  show();
  toast(t("list.deleted", { title: title || t("page.untitled") }), {
    label: t("list.restore"),
    act: () => {
      restoreDrawing(id).then(refresh, (error) => toast(t("list.notRestored", { reason: failureText(error) })));
    },
  });
}

byId("language").append(icon("language"));
byId("language").addEventListener("click", openLanguageSheet);
byId("create").addEventListener("click", create);
byId("create-first").addEventListener("click", create);
byId("more").addEventListener("click", showOlder);
search.addEventListener("input", searched);
search.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !search.value) return;
  event.preventDefault();
  search.value = "";
  searched();
});
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
  event.preventDefault();
  search.focus();
});
if (drawings.length > 0) show();
followTheme(show);
addEventListener("pageshow", refresh);
// It was shown while something was loaded.
if (document.readyState === "complete") void refresh();
addEventListener("online", refresh);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void refresh());
setInterval(() => document.visibilityState === "visible" && void refresh(), REFRESH_EVERY);
startServiceWorker();
