// @ts-check
/**
 * The page with the list of drawings: creates, renames, deletes and restores them.
 *
 * It must never read the strokes of a drawing.
 */

import { createDrawing, deleteDrawing, listDrawings, renameDrawing, restoreDrawing } from "./api.js";
import { byId, element, iconButton } from "./dom.js";
import { doodle } from "./doodle.js";
import { toast } from "./toast.js";

// All files are loaded and compatible: disables the reload guard.
document.documentElement.dataset.started = "";

/** @typedef {import("./types.js").DrawingInfo} DrawingInfo */

/** Milliseconds between refreshes of the list. */
const REFRESH_EVERY = 10_000;
/** From the largest unit to the smallest, in seconds. */
const UNITS = /** @type {const} */ ([["year", 31_557_600], ["month", 2_629_800], ["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]]);

/** @type {DrawingInfo[]} */
let drawings = [];
/** @type {string | null} */
let next = null;
let olderShown = false;

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {string} moment */
function ago(moment) {
  const seconds = (Date.parse(moment) - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, length] of UNITS) {
    if (-seconds >= length) return format.format(Math.round(seconds / length), unit);
  }
  return "just now";
}

/** @param {DrawingInfo} drawing */
function card(drawing) {
  const title = element("span", "card-title", drawing.title || "Untitled");
  const link = /** @type {HTMLAnchorElement} */ (element("a", "card-link", element("span", "card-art", doodle(drawing.id)), title));
  link.href = `/d/${drawing.id}`;
  const changed = element("time", "", ago(drawing.changed));
  changed.setAttribute("datetime", drawing.changed);
  const about = element("div", "card-about", changed);
  if (drawing.people > 0) {
    about.append(element("span", "here", `${drawing.people} here`));
  }
  const actions = element(
    "div",
    "card-actions",
    iconButton("rename", "Rename", () => rename(drawing, title)),
    iconButton("delete", "Delete", () => void remove(drawing)),
  );
  const made = element("li", "card", link, element("div", "card-foot", about, actions));
  made.dataset.id = drawing.id;
  return made;
}

function show() {
  // Do not replace a title that is being edited.
  if (document.querySelector(".card input")) return;
  byId("drawings").replaceChildren(...drawings.map(card));
  byId("empty").hidden = drawings.length > 0 || next !== null;
  byId("more").hidden = next === null;
}

/** Reads the newest drawings and updates the list. */
async function refresh() {
  try {
    const answer = await listDrawings();
    const fresh = new Set(answer.drawings.map(({ id }) => id));
    const older = olderShown ? drawings.filter(({ id }) => !fresh.has(id)) : [];
    drawings = [...answer.drawings, ...older];
    if (!olderShown) next = answer.next ?? null;
    byId("load-error").hidden = true;
    show();
  } catch (error) {
    byId("load-error").textContent = `The drawings cannot be read right now: ${messageOf(error)}. Trying again…`;
    byId("load-error").hidden = false;
  }
}

async function showOlder() {
  if (next === null) return;
  try {
    const answer = await listDrawings(next);
    olderShown = true;
    const held = new Set(drawings.map(({ id }) => id));
    drawings = [...drawings, ...answer.drawings.filter(({ id }) => !held.has(id))];
    next = answer.next ?? null;
    show();
  } catch (error) {
    toast(messageOf(error));
  }
}

async function create() {
  try {
    const { id } = await createDrawing("Untitled");
    location.assign(`/d/${id}`);
  } catch (error) {
    toast(`Not created: ${messageOf(error)}`);
  }
}

/**
 * @param {DrawingInfo} drawing
 * @param {HTMLElement} title
 */
function rename(drawing, title) {
  const input = document.createElement("input");
  input.value = drawing.title;
  input.maxLength = 120;
  input.className = "card-input";
  input.setAttribute("aria-label", "New title");
  const link = /** @type {HTMLElement} */ (title.parentElement);
  link.after(input);
  title.classList.add("covered");
  input.select();
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") input.value = drawing.title;
    if (event.key === "Enter" || event.key === "Escape") input.blur();
  });
  input.addEventListener("blur", async () => {
    const text = input.value.trim();
    const before = drawing.title;
    input.remove();
    if (text && text !== before) {
      drawing.title = text;
      await renameDrawing(drawing.id, text).catch((error) => {
        drawing.title = before;
        toast(`Not renamed: ${messageOf(error)}`);
      });
    }
    show();
  });
}

/** @param {DrawingInfo} drawing */
async function remove(drawing) {
  try {
    await deleteDrawing(drawing.id);
  } catch (error) {
    toast(`Not deleted: ${messageOf(error)}`);
    return;
  }
  drawings = drawings.filter(({ id }) => id !== drawing.id);
  show();
  toast(`“${drawing.title || "Untitled"}” deleted`, {
    label: "Restore",
    act: () => {
      restoreDrawing(drawing.id).then(refresh, (error) => toast(`Not restored: ${messageOf(error)}`));
    },
  });
}

byId("create").addEventListener("click", create);
byId("create-first").addEventListener("click", create);
byId("more").addEventListener("click", showOlder);
addEventListener("pageshow", refresh);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void refresh());
setInterval(() => document.visibilityState === "visible" && void refresh(), REFRESH_EVERY);
