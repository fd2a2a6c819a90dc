// @ts-check
/**
 * The field that shows the drawing's title and renames it.
 *
 * It must never overwrite what the user is typing.
 */

import { t } from "../strings/strings.js";
import { failureText } from "./failure.js";

export class TitleField {
  #input;
  #text = "";

  /**
   * @param {HTMLInputElement} input
   * @param {(text: string) => Promise<unknown>} rename
   * @param {(message: string) => void} notify
   */
  constructor(input, rename, notify) {
    this.#input = input;
    input.placeholder = t("page.untitled");
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") input.value = this.#text;
      if (event.key === "Enter" || event.key === "Escape") input.blur();
    });
    input.addEventListener("blur", async () => {
      const before = this.#text;
      const text = input.value.trim();
      if (!text || text === before) {
        this.set(before);
        return;
      }
      this.set(text);
      try {
        await rename(text);
      } catch (error) {
        if (this.#text === text) this.set(before);
        notify(t("list.notRenamed", { reason: failureText(error) }));
      }
    });
  }

  get text() {
    return this.#text;
  }

  /** @param {boolean} readOnly */
  set readOnly(readOnly) {
    this.#input.readOnly = readOnly;
  }

  /** @param {string} text */
  set(text) {
    this.#text = text;
    document.title = t("page.title", { title: text || t("page.untitled") });
    if (document.activeElement !== this.#input) this.#input.value = text;
  }
}
