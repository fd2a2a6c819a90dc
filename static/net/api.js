// @ts-check
/**
 * The server's HTTP API: one function for each request.
 *
 * It must never retry or cache: that is up to the caller.
 */

/** @typedef {import("../model/types.js").DrawingInfo} DrawingInfo */
/** @typedef {import("../model/types.js").StrokesChunk} StrokesChunk */

/** Milliseconds after which a request is aborted, and one that sends a picture. */
const TIMEOUT = 20_000;
const UPLOAD_TIMEOUT = 60_000;

/** An answer with an error status. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {string} [code] the server's name for what is wrong
   */
  constructor(status, message, code = "") {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Whether a retry cannot succeed, unlike after overload or a restart. */
  get isFinal() {
    return this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 429;
  }
}

/** Finds the key of a drawing, or of the whole server for the empty id.
 * @type {(drawing: string) => string | null} */
let keyOf = () => null;

/** Sends a key with each request from now on, where there is one.
 * @param {typeof keyOf} find */
export function useKeys(find) {
  keyOf = find;
}

/** Headers that show the key of a drawing.
 * @param {string} drawing
 * @returns {Record<string, string>} */
function keyHeader(drawing) {
  const key = keyOf(drawing);
  return key ? { authorization: ["Bearer", key].join(" ") } : {};
}

/**
 * @template T
 * @param {string | URL} address
 * @param {RequestInit} options
 * @param {(answer: Response) => Promise<T>} read reads the body of an answer that is no error
 * @param {number} [within] milliseconds
 * @returns {Promise<T>}
 */
async function fetched(address, options, read, within = TIMEOUT) {
  const abort = new AbortController();
  const timeout = setTimeout(() => abort.abort(), within);
  try {
    const answer = await fetch(address, { ...options, signal: abort.signal });
    if (!answer.ok) throw errorOf(answer.status, await answer.text());
    return await read(answer);
  } finally {
    clearTimeout(timeout);
  }
}

/**
 * @param {string} method
 * @param {string} path below that of the drawings
 * @param {object} [body]
 * @returns {Promise<any>}
 */
export function request(method, path, body) {
  const [, drawing] = /^\/([^/?]+)/.exec(path) ?? ["", ""];
  const options = {
    method,
    headers: { ...(body ? { "content-type": "application/json" } : {}), ...keyHeader(drawing) },
    body: body ? JSON.stringify(body) : undefined,
    cache: /** @type {const} */ ("no-store"),
  };
  return fetched(`/api/drawings${path}`, options, async (answer) => {
    const text = await answer.text();
    return text ? JSON.parse(text) : null;
  });
}

/**
 * @param {number} status
 * @param {string} text
 */
function errorOf(status, text) {
  try {
    const { code, message } = JSON.parse(text).error;
    return new ApiError(status, message, code);
  } catch {
    return new ApiError(status, `the server answered ${status}`);
  }
}

/**
 * Lists drawings, the last changed first.
 * @param {string} [before] `next` of the previous answer
 * @param {string} [words] of the titles
 * @returns {Promise<{drawings: DrawingInfo[], next?: string | null}>}
 */
export function listDrawings(before, words) {
  const query = new URLSearchParams({ ...(before ? { before } : {}), ...(words ? { q: words } : {}) });
  return request("GET", `${query.size > 0 ? `?${query}` : ""}`);
}

/**
 * Where a small picture of a drawing is.
 * @param {string} id
 * @param {string} changed when it was changed last: another picture has another address
 * @param {import("../model/palette.js").CanvasTheme} theme
 */
export function thumbnailAddress(id, changed, theme) {
  return `/api/drawings/${id}/thumbnail.svg?changed=${encodeURIComponent(changed)}&theme=${theme}`;
}

/**
 * @param {string} title
 * @returns {Promise<DrawingInfo>}
 */
export function createDrawing(title) {
  return request("POST", "", { title });
}

/**
 * @param {string} id
 * @param {string} title
 */
export function renameDrawing(id, title) {
  return request("PATCH", `/${id}`, { title });
}

/** @param {string} id */
export function deleteDrawing(id) {
  return request("DELETE", `/${id}`);
}

/** Undoes a deletion.
 * @param {string} id */
export function restoreDrawing(id) {
  return request("POST", `/${id}/restore`);
}

/**
 * Where a drawing's picture is.
 * @param {string} id
 * @param {string} hash
 */
export function assetAddress(id, hash) {
  return `/api/drawings/${id}/assets/${hash}`;
}

/**
 * Stores a picture, and returns its hash.
 * @param {string} id
 * @param {Blob} picture
 * @returns {Promise<string>}
 */
export function storeAsset(id, picture) {
  const options = { method: "POST", headers: { "content-type": picture.type, ...keyHeader(id) }, body: picture };
  return fetched(`/api/drawings/${id}/assets`, options, async (answer) => (await answer.json()).hash, UPLOAD_TIMEOUT);
}

/**
 * @param {string} id
 * @param {string} hash
 */
export function readAsset(id, hash) {
  return readPicture(id, assetAddress(id, hash));
}

/**
 * Reads a picture that an element could not ask for with a key.
 * @param {string} id
 * @param {string} address
 * @returns {Promise<Blob>}
 */
export function readPicture(id, address) {
  return fetched(address, { headers: keyHeader(id) }, (answer) => answer.blob());
}

/**
 * Reads the font of texts, for files that contain it.
 * @returns {Promise<Blob>}
 */
export function readFont() {
  return fetched(new URL("../fonts/nunito.woff2", import.meta.url), {}, (answer) => answer.blob());
}

/**
 * Reads the changes after a position.
 * @param {string} id
 * @param {number} since
 * @param {string | null} epoch
 * @returns {Promise<StrokesChunk>}
 */
export function readStrokes(id, since, epoch) {
  return request("GET", `/${id}/strokes?${sinceQuery(since, epoch)}`);
}

/**
 * The address of a socket that sends the changes after a position.
 * @param {string} id
 * @param {{head: number, epoch: string | null}} held
 */
export function socketAddress(id, { head, epoch }) {
  return `${location.origin.replace(/^http/, "ws")}/ws/${id}?${sinceQuery(head, epoch)}`;
}

/**
 * @param {number} since
 * @param {string | null} epoch
 */
function sinceQuery(since, epoch) {
  return `since=${since}${epoch ? `&epoch=${epoch}` : ""}`;
}
