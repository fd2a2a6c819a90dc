// @ts-check
/**
 * The server's HTTP API: one function for each request.
 *
 * It must never retry or cache: that is up to the caller.
 */

/** @typedef {import("../model/types.js").DrawingInfo} DrawingInfo */
/** @typedef {import("../model/types.js").StrokesChunk} StrokesChunk */

/** Milliseconds after which a request is aborted. */
const TIMEOUT = 20_000;

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
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 */
async function request(method, path, body) {
  const abort = new AbortController();
  const timeout = setTimeout(() => abort.abort(), TIMEOUT);
  try {
    const answer = await fetch(path, {
      method,
      headers: body ? { "content-type": "application/json" } : {},
      body: body ? JSON.stringify(body) : undefined,
      signal: abort.signal,
      cache: "no-store",
    });
    const text = await answer.text();
    if (!answer.ok) throw new ApiError(answer.status, messageIn(text) ?? `the server answered ${answer.status}`);
    return text ? JSON.parse(text) : null;
  } finally {
    clearTimeout(timeout);
  }
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
 * Lists drawings, the newest first.
 * @param {string} [before] `next` of the previous answer
 * @returns {Promise<{drawings: DrawingInfo[], next?: string | null}>}
 */
export function listDrawings(before) {
  return request("GET", before ? `/api/drawings?before=${encodeURIComponent(before)}` : "/api/drawings");
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
 * Reads the changes after a position. While a first load is under way, `target` is that of the previous chunk.
 * @param {string} id
 * @param {number} since
 * @param {string | null} epoch
 * @param {number | undefined} target
 * @returns {Promise<StrokesChunk>}
 */
export function readStrokes(id, since, epoch, target) {
  const targetQuery = target === undefined ? "" : `&target=${target}`;
  return request("GET", `/api/drawings/${id}/strokes?${sinceQuery(since, epoch)}${targetQuery}`);
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
