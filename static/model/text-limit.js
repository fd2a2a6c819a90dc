// @ts-check
/**
 * The longest text that a stroke may have.
 *
 * It must never split a character.
 */

/** Bytes of UTF-8. */
const MAX_BYTES = 4 * 1024;

/** @param {string} text */
export function limited(text) {
  // Encoding and decoding replaces unpaired surrogates, which UTF-8 cannot represent.
  const decoder = new TextDecoder();
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_BYTES) return decoder.decode(bytes);
  return decoder.decode(bytes.subarray(0, MAX_BYTES - 2)).replace(/\uFFFD+$/, "");
}
