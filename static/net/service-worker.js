// @ts-check
/**
 * Starts the service worker, with which pages open without the server.
 *
 * It must never compete with the page's own first load.
 */

/** Milliseconds after which a page that is never idle starts it all the same. */
const IDLE_WITHIN = 5_000;

export function startServiceWorker() {
  // Browsers have none over plain http, except from this machine.
  if (!("serviceWorker" in navigator)) return;
  const register = () => void navigator.serviceWorker.register("/sw.js").catch(() => {});
  const whenIdle = () => {
    if ("requestIdleCallback" in globalThis) requestIdleCallback(register, { timeout: IDLE_WITHIN });
    else register();
  };
  if (document.readyState === "complete") whenIdle();
  else addEventListener("load", whenIdle, { once: true });
}
