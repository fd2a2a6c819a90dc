// @ts-check
/**
 * Where the pictures of images are found while strokes are painted: the page says it, since kinds need no
 * browser.
 *
 * It must never wait for one: a picture that is not loaded yet is a placeholder.
 */

/** @typedef {CanvasImageSource | "loading" | "missing"} Picture */

/** @type {(hash: string) => Picture} */
let find = () => "missing";

/** @param {(hash: string) => Picture} finds starts to load a picture that is not there */
export function setPictures(finds) {
  find = finds;
}

/** @param {string} hash */
export function pictureOf(hash) {
  return find(hash);
}
