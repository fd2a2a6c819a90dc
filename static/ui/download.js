// @ts-check
/**
 * Hands files to the person: downloads, the clipboard, and the chooser of files.
 *
 * It must never speak to a server.
 */

/** Milliseconds that a downloaded file's address stays valid. */
const KEEP_ADDRESS = 60_000;

/**
 * @param {Blob} blob
 * @param {string} name
 */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEEP_ADDRESS);
}

/**
 * A file name from a title.
 * @param {string} title
 * @param {string} extension
 */
export function fileName(title, extension) {
  // Characters that some system does not take in a name, and dots that would hide the file.
  const name = title.replace(/[\\/:*?"<>|\p{Cc}]+/gu, " ").replace(/\s+/g, " ").replace(/^[. ]+/, "").trim().slice(0, 80);
  return `${name || "drawing"}.${extension}`;
}

/**
 * Copies a picture; the promise is passed on, because Safari wants to be asked during the click.
 * @param {Promise<Blob>} png
 */
export function copyPicture(png) {
  return navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
}

/** @param {string} text */
export function copyText(text) {
  return navigator.clipboard.writeText(text);
}

/**
 * @param {string} accept
 * @returns {Promise<File[]>} none if the person cancels
 */
export function chosenFiles(accept) {
  const input = document.createElement("input");
  Object.assign(input, { type: "file", accept, multiple: true });
  return new Promise((resolve) => {
    input.addEventListener("change", () => resolve([...(input.files ?? [])]));
    input.addEventListener("cancel", () => resolve([]));
    input.click();
  });
}

/**
 * @param {Blob} blob
 * @returns {Promise<string>}
 */
export function dataAddress(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}
