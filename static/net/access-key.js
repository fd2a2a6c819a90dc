// @ts-check
/**
 * Keys in addresses.
 *
 * It must never leave a key in the page's address, where it would be copied and photographed.
 */

/** Of a key, and of a token in its place. */
const KEY = /^[\w.-]{16,4096}$/;
const NAME = "key=";

/** Takes the key out of the address, the rest of which stays.
 * @returns {string | null} */
export function takenKey() {
  const parts = location.hash.slice(1).split("&");
  const found = parts.find((part) => part.startsWith(NAME));
  if (found === undefined) return null;
  const rest = parts.filter((part) => part !== found).join("&");
  history.replaceState(history.state, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
  const key = found.slice(NAME.length);
  return KEY.test(key) ? key : null;
}

/**
 * The address of a drawing with a key.
 * @param {string} drawing
 * @param {string | null} key
 */
export function linkTo(drawing, key) {
  return new URL(`/d/${drawing}${key ? `#${NAME}${key}` : ""}`, location.origin).href;
}
