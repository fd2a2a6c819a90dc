// @ts-check
/**
 * Reloads a page if one of its files fails to load, for example because the server restarted. It is a
 * classic script, so that it runs before the modules load.
 *
 * It must never do anything once the page has started.
 */

(() => {
  /** Range of the random delay in milliseconds, so that not all clients reload at once. */
  const [SHORTEST, LONGEST] = [500, 2_500];

  /** @type {(event: Event) => void} */
  const reload = (event) => {
    // A file that fails to load is an error event of its element; modules of different versions that do
    // not fit together are one of the window.
    const failed = event.target instanceof HTMLScriptElement || event.target instanceof HTMLLinkElement || event.target === window;
    if (!failed || "started" in document.documentElement.dataset) return;
    removeEventListener("error", reload, true);
    setTimeout(() => location.reload(), SHORTEST + Math.random() * (LONGEST - SHORTEST));
  };
  addEventListener("error", reload, true);
})();
