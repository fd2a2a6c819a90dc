// @ts-check
/**
 * Who may reach a drawing, as the server writes it into its pages.
 *
 * It must never decide anything: it only says whether a key is needed.
 */

/** @typedef {"open" | "links" | "jwt"} AccessMode Everyone, whoever has a key, or whoever has a token. */

/** @returns {AccessMode} */
export function accessMode() {
  const said = document.querySelector('meta[name="access"]')?.getAttribute("content");
  return said === "links" || said === "jwt" ? said : "open";
}
