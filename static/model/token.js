// @ts-check
/**
 * Tokens (JWT) that somebody else signs, in the place of a link's key.
 *
 * It must never trust what a token says: only the server can check its signature.
 */

const TOKEN = /^[\w-]+\.([\w-]+)\.[\w-]+$/;

/** Whether a key has the form of a token.
 * @param {string | null} key */
export function isToken(key) {
  return key !== null && TOKEN.test(key);
}

/**
 * Whether a token is a later one for the same person, so that a session goes on with it: who somebody is, a
 * session says only at its start.
 * @param {string | null} before
 * @param {string | null} now
 */
export function renews(before, now) {
  return isToken(before) && isToken(now) && holder(before) === holder(now);
}

/** Who a token is for, as a text to compare.
 * @param {string | null} token */
function holder(token) {
  const payload = TOKEN.exec(token ?? "")?.[1] ?? "";
  try {
    // Its bytes as characters: enough to compare.
    const { person, name } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return JSON.stringify([person, name]);
  } catch {
    return token;
  }
}
