// @ts-check
/**
 * What a page does when its person leaves it, and when they come back.
 *
 * It must never hold the person back without need.
 */

/**
 * @param {object} on
 * @param {() => boolean} on.warns whether leaving would lose something
 * @param {() => void} on.left the page is about to stop, perhaps for ever
 */
export function listenToLeaving({ warns, left }) {
  addEventListener("beforeunload", (event) => warns() && event.preventDefault());
  addEventListener("pagehide", left);
  // A page restored from the back/forward cache has lost its lock and its sockets.
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
}
