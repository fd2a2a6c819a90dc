// @ts-check
/**
 * Waits until an element is in sight, or nearly: what nobody sees need not be loaded.
 *
 * It must never watch an element that has been seen.
 */

/** How near to the window counts. */
const NEAR = "300px";

/**
 * @param {Element} element
 * @returns {Promise<void>}
 */
export function seen(element) {
  return new Promise((resolve) => {
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      resolve();
    }, { rootMargin: NEAR });
    observer.observe(element);
  });
}
