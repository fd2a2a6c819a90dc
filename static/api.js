// @ts-check
/**
 * The server's HTTP API, and nothing else: one function for each thing it offers.
 *
 * It must never retry or keep anything: whoever calls decides that.
 */

/** @typedef {import("./types.js").DrawingInfo} DrawingInfo */
/** @typedef {import("./types.js").StrokesChunk} StrokesChunk */

/** Milliseconds after which an answer is not waited for any longer. */
const DEADLINE = 20_000;

/** The server said no. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  /** Whether the same request will never do: not for now, as with load or a restart. */
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
  const deadline = setTimeout(() => abort.abort(), DEADLINE);
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
    clearTimeout(deadline);
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
 * A page of drawings, the newest first.
 * @param {string} [before] what the page before called `next`
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

/** Takes a deletion back.
 * @param {string} id */
export function restoreDrawing(id) {
  return request("POST", `/api/drawings/${id}/restore`);
}

/**
 * The changes after a position; in the middle of a first load, which ends at a target, the next of them.
 * @param {string} id
 * @param {number} since
 * @param {string | null} epoch
 * @param {number | undefined} target
 * @returns {Promise<StrokesChunk>}
 */
export function readStrokes(id, since, epoch, target) {
  const load = target === undefined ? "" : `&target=${target}`;
  return request("GET", `/api/drawings/${id}/strokes?${after(since, epoch)}${load}`);
}

/**
 * Where a socket carries the changes after a position.
 * @param {string} id
 * @param {{head: number, epoch: string | null}} held
 */
export function socketAddress(id, { head, epoch }) {
  return `${location.origin.replace(/^http/, "ws")}/ws/${id}?${after(head, epoch)}`;
}

/**
 * @param {number} since
 * @param {string | null} epoch
 */
function after(since, epoch) {
  return `since=${since}${epoch ? `&epoch=${epoch}` : ""}`;
}
