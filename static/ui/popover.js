// @ts-check
/**
 * A panel that a button opens and closes. It closes by Escape and by a press elsewhere; Escape gives the
 * focus back to the button.
 *
 * It must never take the focus when it is opened by a pointer: the next key may be meant for the drawing.
 */

export class Popover {
  #button;
  #panel;

  /**
   * @param {HTMLElement} button
   * @param {HTMLElement} panel
   */
  constructor(button, panel) {
    this.#button = button;
    this.#panel = panel;
    button.setAttribute("aria-controls", panel.id);
    button.setAttribute("aria-expanded", "false");
    document.addEventListener("pointerdown", ({ target }) => {
      if (target instanceof Node && !panel.contains(target) && !button.contains(target)) this.close();
    });
    panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
      button.focus();
    });
  }

  /** Opens or closes the panel.
   * @param {boolean} byKey */
  toggle(byKey) {
    if (this.close()) return;
    this.#show(true);
    if (byKey) this.#first?.focus();
  }

  /** Closes the panel, and returns whether it was open. */
  close() {
    const wasOpen = !this.#panel.hidden;
    if (wasOpen) this.#show(false);
    return wasOpen;
  }

  get #first() {
    return /** @type {HTMLElement | null} */ (this.#panel.querySelector("button:not(:disabled), input, [tabindex='0']"));
  }

  /** @param {boolean} open */
  #show(open) {
    this.#panel.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
  }
}
