// @ts-check
/**
 * A card of the list of drawings. Its elements stay while the list is refreshed, so that the focus and an
 * open field stay too.
 *
 * It must never show what is not known: without a picture of the drawing its paper is empty.
 */

import { t } from "../strings/strings.js";
import { ago } from "./ago.js";
import { element, iconButton } from "./dom.js";
import { PeopleHere } from "./people-here.js";
import { seen } from "./seen.js";

/** @typedef {import("../model/types.js").DrawingInfo} DrawingInfo */

/** Milliseconds that the place of a deleted card stays empty, and after which a mouse over it is looked for. */
const GAP_TIME = 1_500;

export class DrawingCard {
  #drawing;
  #on;
  #title = element("span", "card-title");
  #changed = element("time", "");
  #here = new PeopleHere();
  #initial = element("span", "card-initial");
  #picture = new Image();
  /** The address whose picture is shown, or could not be loaded. */
  #address = "";
  /** Whether a finger or a pen was the last to press it: it stays hovered by one that was lifted. */
  #touched = false;
  #link;
  #renames;
  #deletes;

  /**
   * @param {DrawingInfo} drawing
   * @param {object} on
   * @param {(drawing: DrawingInfo) => string} on.picture its address, which changes with the drawing
   * @param {((drawing: DrawingInfo, address: string) => Promise<Blob>) | null} on.read reads a picture that only this page may read
   * @param {(card: DrawingCard, title: string) => void} on.renamed
   * @param {(card: DrawingCard) => void} on.deleted
   */
  constructor(drawing, on) {
    this.#drawing = drawing;
    this.#on = on;
    this.#initial.setAttribute("aria-hidden", "true");
    Object.assign(this.#picture, { alt: "", loading: "lazy", decoding: "async", draggable: false });
    this.#picture.addEventListener("load", () => this.#showPicture(true));
    this.#picture.addEventListener("error", () => this.#showPicture(false));
    const art = element("span", "card-art", this.#initial, this.#picture, this.#here.sign);
    this.#link = /** @type {HTMLAnchorElement} */ (element("a", "card-link", art, this.#title));
    this.#link.href = `/d/${drawing.id}`;
    this.#title.id = `title-${drawing.id}`;
    // Where there is no room its end is cut off, in whichever direction it is read.
    this.#title.dir = "auto";
    this.#renames = iconButton("rename", t("list.rename"), () => this.#rename());
    this.#deletes = iconButton("delete", t("list.delete"), () => on.deleted(this));
    const actions = [this.#renames, this.#deletes];
    for (const action of actions) action.setAttribute("aria-describedby", this.#title.id);
    const about = element("div", "card-about", this.#changed, " ", this.#here.words);
    about.id = `about-${drawing.id}`;
    this.#link.setAttribute("aria-labelledby", this.#title.id);
    this.#link.setAttribute("aria-describedby", about.id);
    this.element = element("li", "card", this.#link, element("div", "card-foot", about, element("div", "card-actions", ...actions)));
    this.element.dataset.id = drawing.id;
    this.element.addEventListener("pointerdown", ({ pointerType }) => (this.#touched = pointerType !== "mouse"));
    this.show(drawing);
  }

  get drawing() {
    return this.#drawing;
  }

  /** @param {DrawingInfo} drawing */
  show(drawing) {
    this.#drawing = drawing;
    const { title, changed, access } = drawing;
    this.#renames.hidden = this.#deletes.hidden = access === "view" || access === "draw";
    this.#title.textContent = title || t("page.untitled");
    // Not text: the letter is no part of the link's name.
    this.#initial.dataset.initial = [...title.trim()][0]?.toUpperCase() ?? "";
    this.#changed.textContent = ago(changed);
    this.#changed.setAttribute("datetime", changed);
    this.#here.show(drawing);
    const address = this.#on.picture(drawing);
    if (address === this.#address) return;
    this.#address = address;
    if (this.#on.read) void this.#read(this.#on.read, address);
    else this.#picture.src = address;
  }

  focus() {
    this.#link.focus();
  }

  /**
   * Removes the card, but keeps its place empty while the mouse is over it, or for a moment: otherwise the next
   * card's delete button would be there for a second press.
   */
  leaveGap() {
    const { element: card } = this;
    const gap = element("li", "card gap");
    gap.setAttribute("aria-hidden", "true");
    gap.style.height = `${card.offsetHeight}px`;
    const hasMouse = card.matches(":hover") && !this.#touched;
    card.replaceWith(gap);
    if (hasMouse) gap.addEventListener("pointerleave", () => gap.remove());
    // A mouse that is gone before it was seen over the gap never leaves it.
    const end = () => (hasMouse && gap.matches(":hover") ? void setTimeout(end, GAP_TIME) : gap.remove());
    setTimeout(end, GAP_TIME);
  }

  /**
   * @param {(drawing: DrawingInfo, address: string) => Promise<Blob>} read
   * @param {string} address
   */
  async #read(read, address) {
    await seen(this.element);
    // Meanwhile the drawing may have changed, and has another address.
    if (address !== this.#address) return;
    const picture = await read(this.#drawing, address).catch(() => null);
    if (address !== this.#address) return;
    this.#picture.src = picture ? URL.createObjectURL(picture) : "";
    if (!picture) this.#showPicture(false);
  }

  /** @param {boolean} isThere */
  #showPicture(isThere) {
    // The image holds what was read, and needs its address no more.
    URL.revokeObjectURL(this.#picture.src);
    // A hidden lazy picture would never be loaded: it is only invisible.
    this.#picture.classList.toggle("loaded", isThere);
    this.#initial.hidden = isThere;
  }

  #rename() {
    const { title: before } = this.#drawing;
    const input = document.createElement("input");
    Object.assign(input, { value: before, maxLength: 120, className: "card-input" });
    input.setAttribute("aria-label", t("list.newTitle"));
    this.#link.after(input);
    this.#title.classList.add("covered");
    input.select();
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") input.value = before;
      if (event.key !== "Enter" && event.key !== "Escape") return;
      // Otherwise the focus would be lost with the field.
      this.#link.focus();
    });
    input.addEventListener("blur", () => {
      const text = input.value.trim();
      input.remove();
      this.#title.classList.remove("covered");
      if (text && text !== before) this.#on.renamed(this, text);
    });
  }
}
