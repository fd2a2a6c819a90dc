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
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  /** Whether a retry cannot succeed, unlike after overload or a restart. */
  get isFinal() {
    return this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 429;
  }
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
    if (!answer.ok) throw new ApiError(answer.status, messageIn(await answer.text()) ?? `the server answered ${answer.status}`);
    return await read(answer);
  } finally {
    clearTimeout(timeout);
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 */
function request(method, path, body) {
  const options = {
    method,
    headers: body ? { "content-type": "application/json" } : undefined,
    body: body ? JSON.stringify(body) : undefined,
    cache: /** @type {const} */ ("no-store"),
  };
  return fetched(path, options, async (answer) => {
    const text = await answer.text();
    return text ? JSON.parse(text) : null;
  });
}

/** @param {string} text */
function messageIn(text) {
  try {
    return /** @type {string | undefined} */ (JSON.parse(text).error?.message);
  } catch {
    return undefined;
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
  return request("GET", `/api/drawings${query.size > 0 ? `?${query}` : ""}`);
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
  return request("POST", "/api/drawings", { title });
}

/**
 * @param {string} id
 * @param {string} title
 */
export function renameDrawing(id, title) {
  return request("PATCH", `/api/drawings/${id}`, { title });
}

/** @param {string} id */
export function deleteDrawing(id) {
  return request("DELETE", `/api/drawings/${id}`);
}

/** Undoes a deletion.
 * @param {string} id */
export function restoreDrawing(id) {
  return request("POST", `/api/drawings/${id}/restore`);
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
  const options = { method: "POST", headers: { "content-type": picture.type }, body: picture };
  return fetched(`/api/drawings/${id}/assets`, options, async (answer) => (await answer.json()).hash, UPLOAD_TIMEOUT);
}

/**
 * @param {string} id
 * @param {string} hash
 * @returns {Promise<Blob>}
 */
export function readAsset(id, hash) {
  return fetched(assetAddress(id, hash), {}, (answer) => answer.blob());
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
  return request("GET", `/api/drawings/${id}/strokes?${sinceQuery(since, epoch)}`);
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
