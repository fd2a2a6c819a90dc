// @ts-check
/**
 * The sheet of an owner: makes links to the drawing, and lists, changes and takes back those that there are.
 *
 * It must never show a key but once: the server cannot tell it again.
 */

import { changeKey, createKey, listKeys, revokeKey } from "../net/access-api.js";
import { linkTo } from "../net/access-key.js";
import { ApiError } from "../net/api.js";
import { t } from "../strings/later.js";
import { element, iconButton } from "./dom.js";
import { failureText } from "./failure.js";
import { keyEdit } from "./key-edit.js";
import { KeyForm } from "./key-form.js";
import { LEVELS, keyRow } from "./key-row.js";
import { linkPanel } from "./link-panel.js";
import { asked } from "./question.js";
import { openSheet, textButton } from "./sheet.js";
import { stylesheet } from "./stylesheet.js";

/** @typedef {import("../model/types.js").KeyInfo} KeyInfo */

await Promise.all([stylesheet("segments.css"), stylesheet("keys.css")]);

/**
 * Opens the sheet; closing it gives the focus back.
 * @param {string} drawing
 * @param {string | null} own the key of this browser
 * @param {(message: string) => void} notify
 */
export function openKeysSheet(drawing, own, notify) {
  new KeysSheet(drawing, own, notify);
}

class KeysSheet {
  /** @type {KeyInfo[]} */
  #keys = [];
  /** The form in place of a row. @type {HTMLElement | null} */
  #editing = null;
  #drawing;
  #own;
  #notify;
  #form;
  /** Where a link is made, or shown. */
  #making = element("section", "key-making");
  #list = element("ul", "keys");
  #heading = element("h2", "");
  #said = element("p", "said");
  #dialog;

  /**
   * @param {string} drawing
   * @param {string | null} own
   * @param {(message: string) => void} notify
   */
  constructor(drawing, own, notify) {
    this.#drawing = drawing;
    this.#own = own;
    this.#notify = notify;
    this.#said.setAttribute("role", "status");
    this.#heading.id = "keys-title";
    this.#heading.tabIndex = -1;
    this.#list.setAttribute("aria-labelledby", this.#heading.id);
    this.#form = new KeyForm((key) => void this.#create(key));
    this.#making.append(this.#form.element);
    const close = iconButton("close", t("share.close"), () => this.#dialog.close());
    close.classList.add("close");
    this.#dialog = openSheet("keys-sheet", t("share.title"), close, this.#making, this.#said, this.#heading, this.#list);
    this.#show();
    void this.#refresh();
  }

  /** @param {{access: import("../model/types.js").Level, name: string, expires?: string}} wanted */
  async #create(wanted) {
    const { key, ...info } = await this.#tried(() => createKey(this.#drawing, wanted)) ?? {};
    if (!key) return;
    this.#showLink(/** @type {KeyInfo} */ (info), key, t("keys.once"));
    void this.#refresh();
  }

  /**
   * @param {KeyInfo} info
   * @param {string} key
   * @param {string} about
   */
  #showLink(info, key, about) {
    const name = info.name || t(LEVELS[info.access].name);
    const title = element("h2", "", t("keys.link", { name }));
    const another = textButton("quiet", t("keys.another"), () => {
      this.#making.replaceChildren(this.#form.element);
      this.#say("");
      this.#form.focus();
    });
    const panel = linkPanel(linkTo(this.#drawing, key), () => this.#say(t("share.copiedLink")), another);
    this.#making.replaceChildren(title, element("p", "", `${t(LEVELS[info.access].about)} ${about}`), ...panel);
    /** @type {HTMLElement | null} */ (this.#making.querySelector(".primary"))?.focus();
    this.#making.scrollIntoView({ block: "nearest" });
  }

  async #refresh() {
    const keys = await this.#tried(() => listKeys(this.#drawing));
    if (!keys) return;
    this.#keys = keys;
    this.#show();
  }

  #show() {
    this.#heading.textContent = t("keys.count", { count: this.#keys.length });
    this.#heading.hidden = this.#keys.length === 0;
    const rows = this.#keys.map((info) => (this.#editing?.dataset.key === info.id ? this.#editing : this.#row(info)));
    this.#list.replaceChildren(...rows);
  }

  /** @param {KeyInfo} info */
  #row(info) {
    return keyRow(info, {
      level: (access) => void this.#change(info, access),
      edit: () => this.#edit(info),
      revoke: () => void this.#revoke(info),
      show: info.mine && this.#own ? () => this.#showLink(info, /** @type {string} */ (this.#own), t("keys.yours")) : null,
    });
  }

  /** @param {KeyInfo} info */
  #edit(info) {
    this.#editing = keyEdit(info, { save: (changes) => void this.#save(info, changes), cancel: () => this.#edited(info) });
    this.#say("");
    this.#show();
    this.#focus(info.id, "input");
    this.#editing.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {KeyInfo} info
   * @param {import("./key-edit.js").KeyChanges} changes
   */
  async #save(info, changes) {
    const isChange = Object.keys(changes).length > 0;
    if (isChange) {
      if (!(await this.#tried(() => changeKey(this.#drawing, info.id, changes).then(() => true)))) return;
      this.#say(t("keys.saved", { name: (changes.name ?? info.name) || t(LEVELS[info.access].name) }));
      await this.#refresh();
    }
    this.#edited(info);
  }

  /** Shows the row of a link again.
   * @param {KeyInfo} info */
  #edited(info) {
    if (this.#editing?.dataset.key !== info.id) return;
    this.#editing = null;
    this.#show();
    this.#focus(info.id, ".edit");
  }

  /**
   * @param {KeyInfo} info
   * @param {import("../model/types.js").Level} access
   */
  async #change(info, access) {
    const name = info.name || t(LEVELS[info.access].name);
    const lowersOwn = info.mine && access !== "own";
    const sure = !lowersOwn || await asked({ title: t("keys.lowerOwn"), text: t("keys.lowerOwnText"), yes: t("keys.lower"), no: t("keys.keep") });
    if (sure && (await this.#tried(() => changeKey(this.#drawing, info.id, { access }).then(() => true)))) {
      if (lowersOwn) return this.#dialog.close();
      this.#say(t("keys.changed", { name, level: t(LEVELS[access].name) }));
    }
    await this.#refresh();
    this.#focus(info.id, "select");
  }

  /** @param {KeyInfo} info */
  async #revoke(info) {
    const name = info.name || t(LEVELS[info.access].name);
    const words = { title: t("keys.revokeTitle", { name }), text: t(info.mine ? "keys.revokeOwn" : "keys.revokeText"), yes: t("keys.revoke"), no: t("keys.keep") };
    if (!(await asked(words))) return;
    if (!(await this.#tried(() => revokeKey(this.#drawing, info.id).then(() => true)))) return;
    if (info.mine) return this.#dialog.close();
    this.#say(t("keys.revoked", { name }));
    this.#keys = this.#keys.filter(({ id }) => id !== info.id);
    this.#show();
    this.#heading.focus();
  }

  /**
   * @param {string} id
   * @param {string} part
   */
  #focus(id, part) {
    /** @type {HTMLElement | null} */ (this.#list.querySelector(`[data-key="${CSS.escape(id)}"] ${part}`))?.focus();
  }

  /** @param {string} text */
  #say(text) {
    this.#said.textContent = text;
    this.#said.classList.remove("bad");
  }

  /**
   * What a request answers; if it fails, why is said.
   * @template T
   * @param {() => Promise<T>} request
   * @returns {Promise<T | null>}
   */
  async #tried(request) {
    try {
      return await request();
    } catch (error) {
      const isLast = error instanceof ApiError && error.code === "last_owner";
      this.#say(isLast ? t("keys.lastOwner") : t("keys.failed", { reason: failureText(error) }));
      this.#said.classList.add("bad");
      this.#said.scrollIntoView({ block: "nearest" });
      if (!this.#dialog.open) this.#notify(this.#said.textContent ?? "");
      return null;
    }
  }
}
