// @ts-check
/**
 * Ids of strokes, writers and people: 16 bytes, random or derived, as 22 characters of base64url. Secrets, from
 * which they are derived, are 32 lower-case hexadecimal digits.
 *
 * It must never need a secure context: over plain http in a local network `crypto.randomUUID` and
 * `crypto.subtle` do not exist.
 */

/** @typedef {import("./types.js").Writer} Writer */

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Uint8Array} bytes 16 */
function spelled(bytes) {
  return btoa(String.fromCharCode(...bytes)).slice(0, 22).replaceAll("+", "-").replaceAll("/", "_");
}

/** @param {string} digits */
function unhex(digits) {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** The bytes of a UUID. @param {Uint8Array} bytes at least 16 @param {number} version */
function uuid(bytes, version) {
  bytes[6] = (bytes[6] & 0x0f) | (version << 4);
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.slice(0, 16);
}

function randomBytes() {
  return uuid(crypto.getRandomValues(new Uint8Array(16)), 4);
}

export function randomId() {
  return spelled(randomBytes());
}

export function randomSecret() {
  return hex(randomBytes());
}

/** @param {string} text */
export function isSecret(text) {
  return /^[0-9a-f]{32}$/.test(text);
}

/**
 * SHA-1, which UUIDs of version 5 are defined by. Nothing here depends on its security.
 * @param {Uint8Array} message
 */
export function sha1(message) {
  const words = new Uint32Array((((message.length + 8) >> 6) + 1) * 16);
  message.forEach((byte, at) => (words[at >> 2] |= byte << (24 - (at & 3) * 8)));
  words[message.length >> 2] |= 0x80 << (24 - (message.length & 3) * 8);
  words[words.length - 1] = message.length * 8;
  const rotated = (/** @type {number} */ word, /** @type {number} */ bits) => (word << bits) | (word >>> (32 - bits));
  const state = new Uint32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  const schedule = new Uint32Array(80);
  for (let block = 0; block < words.length; block += 16) {
    let [a, b, c, d, e] = state;
    for (let i = 0; i < 80; i += 1) {
      schedule[i] =
        i < 16
          ? words[block + i]
          : rotated(schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^ schedule[i - 16], 1);
      const [mixed, constant] =
        i < 20
          ? [(b & c) | (~b & d), 0x5a827999]
          : i < 40
            ? [b ^ c ^ d, 0x6ed9eba1]
            : i < 60
              ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
              : [b ^ c ^ d, 0xca62c1d6];
      const next = (rotated(a, 5) + mixed + e + constant + schedule[i]) | 0;
      [a, b, c, d, e] = [next, a, rotated(b, 30), c, d];
    }
    [a, b, c, d, e].forEach((word, i) => (state[i] += word));
  }
  const bytes = new Uint8Array(20);
  state.forEach((word, i) => new DataView(bytes.buffer).setUint32(i * 4, word));
  return bytes;
}

/**
 * A UUID of version 5, as an id.
 * @param {string} namespace a secret
 * @param {Uint8Array} name
 */
export function derivedId(namespace, name) {
  return spelled(uuid(sha1(new Uint8Array([...unhex(namespace), ...name])), 5));
}

/**
 * The writer of a tab, with the public ids that the server derives in the same way.
 * @param {string} key the browser's secret
 * @param {string} tab random, one per tab
 * @returns {Writer}
 */
export function writerOf(key, tab) {
  return {
    key,
    tab,
    id: derivedId(key, unhex(tab)),
    author: derivedId(key, new TextEncoder().encode("person")),
  };
}
