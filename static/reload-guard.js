// @ts-check
/**
 * Loads a page again when one of its files did not come, as when its server went away in that
 * moment: the page would stay dead otherwise. It is a plain script, so that it is there first.
 *
 * It must never do anything once the page runs.
 */

(() => {
  /** Milliseconds until the page is loaded again, at least and at most: not all pages at once. */
  const [SHORTEST, LONGEST] = [500, 2_500];

  /** @type {(event: Event) => void} */
  const reload = (event) => {
    // A file that does not come is an error of its element; files that do not fit together, as those
    // of two versions do not, are an error of the window.
    const dead = event.target instanceof HTMLScriptElement || event.target instanceof HTMLLinkElement || event.target === window;
    if (!dead || "started" in document.documentElement.dataset) return;
    removeEventListener("error", reload, true);
    setTimeout(() => location.reload(), SHORTEST + Math.random() * (LONGEST - SHORTEST));
  };
  addEventListener("error", reload, true);
})();
