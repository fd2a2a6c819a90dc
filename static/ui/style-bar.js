// @ts-check
/**
 * The style to choose for new strokes and for those selected: only what applies to them is shown.
 *
 * It must never know which stroke it is for: it reports and shows the choice.
 */

import { PALETTE, TOKENS, colourValue } from "../model/palette.js";
import { ALIGNS, DASHES } from "../model/style.js";
import { t } from "../strings/strings.js";
import { button, byId, element } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("../strings/strings.js").StringId} StringId */
/** @typedef {import("./icons.js").IconName} IconName */
/** @typedef {import("../model/style.js").Chosen} Chosen */
/** @typedef {import("../kinds/kind.js").StyleField} StyleField */
/** @typedef {{fields: ReadonlySet<StyleField>, values: Partial<Chosen>, letters: boolean}} Shown `values`: what all that it is for have in common; `letters`: whether sizes are those of letters */

/** @type {readonly StringId[]} */
const SIZES = ["width.thin", "width.medium", "width.thick", "width.veryThick"];
/** @type {readonly StringId[]} */
const LETTER_SIZES = ["size.small", "size.medium", "size.large", "size.veryLarge"];
/** @type {Record<"solid"|"dashed"|"dotted", StringId>} */
const DASH_LABELS = { solid: "dash.solid", dashed: "dash.dashed", dotted: "dash.dotted" };
/** @type {Record<"start"|"center"|"end", StringId>} */
const ALIGN_LABELS = { start: "align.start", center: "align.center", end: "align.end" };
const ALIGN_ICONS = /** @type {const} */ ({ start: "textStart", center: "textCenter", end: "textEnd" });

export class StyleBar {
  /** @type {{element: HTMLElement, isOn: (values: Partial<Chosen>) => boolean}[]} */
  #choices = [];
  #onPicked;
  #opacity = /** @type {HTMLInputElement} */ (byId("opacity"));
  #toggle = byId("style-toggle");

  /** @param {(picked: Partial<Chosen>) => void} onPicked with nothing when a choice was given up, so that keys go where they went */
  constructor(onPicked) {
    this.#onPicked = onPicked;
    const none = this.#choice("swatch no-fill", t("fill.none"), { fill: "none" });
    byId("colours").append(...TOKENS.map((colour) => this.#swatch(t(nameOf(colour)), colour, { colour })), this.#custom("colour", "colour.custom"));
    byId("fills").append(none, ...TOKENS.map((fill) => this.#swatch(t("fill.colour", { colour: t(nameOf(fill)) }), fill, { fill })), this.#custom("fill", "fill.custom"));
    SIZES.forEach((label, size) => {
      const made = this.#choice("choice", t(label), { size }, element("span", "line"), element("span", "letter", "A"));
      made.style.setProperty("--size", `${[2, 4, 7, 11][size]}px`);
      byId("sizes").append(made);
    });
    for (const dash of DASHES) byId("dashes").append(this.#choice("choice", t(DASH_LABELS[dash]), { dash }, element("span", `line ${dash}`)));
    for (const align of ALIGNS) byId("aligns").append(this.#choice("choice", t(ALIGN_LABELS[align]), { align }, icon(ALIGN_ICONS[align])));
    this.#opacity.addEventListener("input", () => this.#showOpacity());
    // The keys after it are meant for the drawing, or for the text that is written.
    this.#opacity.addEventListener("pointerup", () => this.#opacity.blur());
    this.#opacity.addEventListener("change", () => onPicked({ opacity: Number(this.#opacity.value) / 100 }));
    this.#toggle.append(element("span", "style-dot"));
    this.#toggle.addEventListener("click", () => this.#setOpen(!this.#isOpen));
  }

  /** Shows what applies.
   * @param {Shown | null} shown null: nothing does */
  show(shown) {
    const fields = shown?.fields ?? new Set();
    const values = shown?.values ?? {};
    byId("stroke-style").hidden = this.#toggle.hidden = fields.size === 0;
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#stroke-style [data-field]"))) {
      part.hidden = !fields.has(/** @type {StyleField} */ (part.dataset.field));
    }
    this.#showSizes(shown?.letters === true);
    for (const { element, isOn } of this.#choices) element.setAttribute("aria-pressed", String(isOn(values)));
    this.#opacity.value = String(Math.round((values.opacity ?? 1) * 100));
    this.#showOpacity();
    this.#toggle.style.setProperty("--swatch", shades(values.colour));
    for (const [field, value] of /** @type {const} */ ([["colour", values.colour], ["fill", values.fill]])) {
      const custom = byId(`custom-${field}`);
      const isCustom = value?.startsWith("#") === true;
      custom.classList.toggle("chosen", isCustom);
      if (isCustom && value) custom.style.setProperty("--swatch", value);
    }
  }

  /** Closes the sheet that it is on small screens.
   * @returns {boolean} whether it was open */
  close() {
    const wasOpen = this.#isOpen;
    this.#setOpen(false);
    return wasOpen;
  }

  get #isOpen() {
    return this.#toggle.getAttribute("aria-expanded") === "true";
  }

  /** @param {boolean} open */
  #setOpen(open) {
    this.#toggle.setAttribute("aria-expanded", String(open));
    byId("stroke-style").classList.toggle("open", open);
  }

  /**
   * @param {string} className
   * @param {string} label
   * @param {Partial<Chosen>} choice one field
   * @param {...Node} children
   */
  #choice(className, label, choice, ...children) {
    const [[field, value]] = Object.entries(choice);
    const made = button(className, label, () => this.#onPicked(choice), ...children);
    this.#choices.push({ element: made, isOn: (values) => values[/** @type {keyof Chosen} */ (field)] === value });
    return made;
  }

  /**
   * @param {string} label
   * @param {string} colour
   * @param {Partial<Chosen>} choice
   */
  #swatch(label, colour, choice) {
    const made = this.#choice("swatch", label, choice);
    made.style.setProperty("--swatch", shades(colour));
    return made;
  }

  /**
   * @param {"colour" | "fill"} field
   * @param {StringId} label
   */
  #custom(field, label) {
    const input = document.createElement("input");
    input.type = "color";
    input.setAttribute("aria-label", t(label));
    input.title = t(label);
    input.value = colourValue("violet", "light");
    input.addEventListener("change", () => {
      if (!input.matches(":focus-visible")) input.blur();
      this.#onPicked({ [field]: input.value });
    });
    let pressed = false;
    input.addEventListener("click", ({ detail }) => void (pressed = detail > 0));
    // The browser's own window for colours may take the focus of this one, but it comes back.
    input.addEventListener("blur", () => void (pressed &&= document.activeElement === input));
    // Nothing tells that it was closed without a choice, but while it is open no key comes here.
    input.addEventListener("keydown", (event) => {
      if (!pressed) return;
      input.blur();
      this.#onPicked({});
      if (!document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", event))) event.preventDefault();
    });
    const made = element("span", "swatch custom", input);
    made.id = `custom-${field}`;
    return made;
  }

  /** @param {boolean} letters not lines */
  #showSizes(letters) {
    const sizes = byId("sizes");
    sizes.classList.toggle("letters", letters);
    sizes.setAttribute("aria-label", t(letters ? "group.sizes" : "group.widths"));
    (letters ? LETTER_SIZES : SIZES).forEach((label, size) => {
      for (const attribute of ["aria-label", "title"]) sizes.children[size].setAttribute(attribute, t(label));
    });
  }

  #showOpacity() {
    byId("opacity-value").textContent = t("style.opacityValue", { percent: this.#opacity.value });
  }
}

/** @param {string} colour */
function nameOf(colour) {
  return /** @type {StringId} */ (`colour.${colour}`);
}

/** A colour in both themes, for CSS.
 * @param {string | undefined} colour */
function shades(colour) {
  if (colour === undefined || !Object.hasOwn(PALETTE, colour)) return colour ?? "transparent";
  return `light-dark(${colourValue(colour, "light")}, ${colourValue(colour, "dark")})`;
}
