// @ts-check
/**
 * The page with the list of drawings: creates, renames, deletes and restores them.
 *
 * It must never read the strokes of a drawing.
 */

import { createDrawing, deleteDrawing, listDrawings, renameDrawing, restoreDrawing } from "../net/api.js";
import { loadStored, saveStored } from "../net/local-storage.js";
import { startServiceWorker } from "../net/service-worker.js";
import { language, t } from "../strings/strings.js";
import { byId, element, iconButton } from "../ui/dom.js";
import { doodle } from "../ui/doodle.js";
import { failureText } from "../ui/failure.js";
import { icon } from "../ui/icons.js";
import { loadChosenLanguage, openLanguageSheet } from "../ui/language.js";
import { localisePage } from "../ui/localise.js";
import { toast } from "../ui/toast.js";

// All files are loaded and compatible: disables the reload guard.
document.documentElement.dataset.started = "";
await loadChosenLanguage();
localisePage();

/** @typedef {import("../model/types.js").DrawingInfo} DrawingInfo */

/** @typedef {{element: HTMLElement, drawing: DrawingInfo, link: HTMLElement, title: HTMLElement, changed: HTMLElement, here: HTMLElement}} Card */

/** Milliseconds that the place of a deleted card stays empty if no pointer is over it. */
const GAP_WITHOUT_POINTER = 1_500;
/** Milliseconds between refreshes of the list. */
const REFRESH_EVERY = 10_000;
/** From the largest unit to the smallest, in seconds. */
const UNITS = /** @type {const} */ ([["year", 31_557_600], ["month", 2_629_800], ["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]]);

/** Maximum of drawings that are kept for a start without the server. */
const KEPT = 100;

/** Those of the last visit at first. @type {DrawingInfo[]} */
let drawings = loadStored("drawings", () => [], Array.isArray);
/** @type {string | null} where older drawings are read from */
let older = null;
/** @type {Map<string, Card>} by drawing */
const cards = new Map();
let olderShown = false;

/** @param {string} moment */
function ago(moment) {
  const seconds = (Date.parse(moment) - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  for (const [unit, length] of UNITS) {
    if (-seconds >= length) return format.format(Math.round(seconds / length), unit);
  }
  return t("list.justNow");
}

/**
 * A card whose elements stay while the list is refreshed, so that the focus and an open field stay too.
 * @param {DrawingInfo} drawing
 * @returns {Card}
 */
function createCard(drawing) {
  const title = element("span", "card-title");
  const link = /** @type {HTMLAnchorElement} */ (element("a", "card-link", element("span", "card-art", doodle(drawing.id)), title));
  link.href = `/d/${drawing.id}`;
  const changed = element("time", "");
  const here = element("span", "here");
  const held = { element: element("li", "card"), drawing, link, title, changed, here };
  held.element.append(link, element(
    "div",
    "card-foot",
    element("div", "card-about", changed, here),
    element(
      "div",
      "card-actions",
      iconButton("rename", t("list.rename"), () => rename(held)),
      iconButton("delete", t("list.delete"), () => void remove(held)),
    ),
  ));
  held.element.dataset.id = drawing.id;
  return held;
}

/** @param {Card} card */
function showCard({ drawing, title, changed, here }) {
  title.textContent = drawing.title || t("page.untitled");
  changed.textContent = ago(drawing.changed);
  changed.setAttribute("datetime", drawing.changed);
  here.textContent = t("list.here", { count: drawing.people });
  here.hidden = drawing.people === 0;
}

function show() {
  const list = byId("drawings");
  const ids = new Set(drawings.map(({ id }) => id));
  for (const [id, { element }] of cards) {
    if (ids.has(id)) continue;
    element.remove();
    cards.delete(id);
  }
  // The order of cards never changes: only new ones are inserted, and no other one moves.
  let next = list.firstElementChild;
  for (const drawing of drawings) {
    const card = cards.get(drawing.id) ?? createCard(drawing);
    cards.set(drawing.id, card);
    card.drawing = drawing;
    showCard(card);
    while (next?.matches(".gap")) next = next.nextElementSibling;
    if (card.element === next) next = next.nextElementSibling;
    else list.insertBefore(card.element, next);
  }
  byId("empty").hidden = drawings.length > 0 || older !== null;
  byId("more").hidden = older === null;
}

/**
 * Keeps the place of a deleted card empty while the pointer is over it: otherwise the next card's delete
 * button would move under the pointer.
 * @param {HTMLElement} card
 */
function leaveGap(card) {
  const gap = element("li", "card gap");
  gap.setAttribute("aria-hidden", "true");
  gap.style.height = `${card.offsetHeight}px`;
  const wasHovered = card.matches(":hover") && matchMedia("(hover: hover)").matches;
  card.replaceWith(gap);
  if (wasHovered) gap.addEventListener("pointerleave", () => gap.remove());
  else setTimeout(() => gap.remove(), GAP_WITHOUT_POINTER);
}

/** Reads the newest drawings and updates the list. */
async function refresh() {
  try {
    const answer = await listDrawings();
    const fresh = new Set(answer.drawings.map(({ id }) => id));
    const kept = olderShown ? drawings.filter(({ id }) => !fresh.has(id)) : [];
    drawings = [...answer.drawings, ...kept];
    if (!olderShown) older = answer.next ?? null;
    byId("load-error").hidden = true;
    saveStored("drawings", drawings.slice(0, KEPT).map((drawing) => ({ ...drawing, people: 0 })));
    show();
  } catch (error) {
    const text = navigator.onLine ? t("list.unreadable", { reason: failureText(error) }) : t("list.offline");
    // Not again each time: it is an alert.
    if (byId("load-error").textContent !== text) byId("load-error").textContent = text;
    byId("load-error").hidden = false;
  }
}

async function showOlder() {
  if (older === null) return;
  try {
    const answer = await listDrawings(older);
    olderShown = true;
    const held = new Set(drawings.map(({ id }) => id));
    drawings = [...drawings, ...answer.drawings.filter(({ id }) => !held.has(id))];
    older = answer.next ?? null;
    show();
  } catch (error) {
    toast(t("list.notListed", { reason: failureText(error) }));
  }
}

async function create() {
  try {
    const { id } = await createDrawing(t("page.untitled"));
    location.assign(`/d/${id}`);
  } catch (error) {
    toast(t("list.notCreated", { reason: failureText(error) }));
  }
}

/** @param {Card} card */
function rename(card) {
  const { drawing, link, title } = card;
  const input = document.createElement("input");
  input.value = drawing.title;
  input.maxLength = 120;
  input.className = "card-input";
  input.setAttribute("aria-label", t("list.newTitle"));
  link.after(input);
  title.classList.add("covered");
  input.select();
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") input.value = drawing.title;
    if (event.key !== "Enter" && event.key !== "Escape") return;
    // Otherwise the focus would be lost with the field.
    link.focus();
  });
  input.addEventListener("blur", async () => {
    const text = input.value.trim();
    const before = drawing.title;
    input.remove();
    title.classList.remove("covered");
    if (!text || text === before) return;
    card.drawing.title = text;
    showCard(card);
    await renameDrawing(drawing.id, text).catch((error) => {
      card.drawing.title = before;
      showCard(card);
      toast(t("list.notRenamed", { reason: failureText(error) }));
    });
  });
}

/** @param {Card} card */
async function remove({ drawing, element }) {
  try {
    await deleteDrawing(drawing.id);
  } catch (error) {
    toast(t("list.notDeleted", { reason: failureText(error) }));
    return;
  }
  if (element.contains(document.activeElement)) {
    const neighbour = element.nextElementSibling ?? element.previousElementSibling;
    (neighbour?.querySelector("a") ?? byId("create")).focus();
  }
  if (element.isConnected) leaveGap(element);
  cards.delete(drawing.id);
  drawings = drawings.filter(({ id }) => id !== drawing.id);
  show();
  toast(t("list.deleted", { title: drawing.title || t("page.untitled") }), {
    label: t("list.restore"),
    act: () => {
      restoreDrawing(drawing.id).then(refresh, (error) => toast(t("list.notRestored", { reason: failureText(error) })));
    },
  });
}

byId("language").append(icon("language"));
byId("language").addEventListener("click", openLanguageSheet);
byId("create").addEventListener("click", create);
byId("create-first").addEventListener("click", create);
byId("more").addEventListener("click", showOlder);
if (drawings.length > 0) show();
addEventListener("pageshow", refresh);
addEventListener("online", refresh);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void refresh());
setInterval(() => document.visibilityState === "visible" && void refresh(), REFRESH_EVERY);
startServiceWorker();
