// @ts-check
/**
 * The service worker: keeps the pages and files of one build, so that they open without the server. It
 * is a classic script, and the server writes the build and the list of files into it.
 *
 * It must never answer with a stored page while the server answers in time, nor touch requests for data.
 */

(() => {
  const BUILD = "{{build}}";
  /** All files that pages of this build may load. */
  const FILES = "{{files}}";
  /** The build of files read from disk, which change under the same address. */
  const CHANGING_BUILD = "dev";
  const PREFIX = "whiteboard-";
  const CACHE = PREFIX + BUILD;
  /** Pages are stored once, under these addresses: that of a drawing is the same for all of them. */
  const LIST = "/";
  const DRAWING = `/d/${"0".repeat(32)}`;
  /** Milliseconds to wait for the server, which may be frozen, before a stored answer is used. */
  const PATIENCE = 3_000;
  /** Statuses by which a proxy, or a server that starts or stops, says that there is no answer now. */
  const NO_ANSWER = [502, 503, 504];
  /** Answers are stored decoded: they do not depend on the request's headers. */
  const EXACT = { ignoreVary: true };
  /** Files requested at a time: a new build must not flood a small server. */
  const AT_A_TIME = 6;

  // The types of a page are checked here, which has no events of workers.
  const worker = /** @type {any} */ (self);

  worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(install()));
  worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(activate()));
  worker.addEventListener("fetch", (/** @type {any} */ event) => {
    const answer = answerTo(event.request);
    if (answer) event.respondWith(answer);
  });

  /** Stores everything, or fails: a part of a build does not work. */
  async function install() {
    const cache = await caches.open(CACHE);
    const paths = [LIST, DRAWING, ...FILES.split(" ").map((file) => `/assets/${BUILD}/${file}`)];
    const next = async () => {
      for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
        const answer = await fetch(path);
        if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
        await cache.put(path, answer);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, next));
    await worker.skipWaiting();
  }

  /** Removes old builds, except the previous one: its pages may still be open and load files of it. */
  async function activate() {
    const builds = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    await Promise.all(builds.slice(0, -1).map((name) => caches.delete(name)));
    await worker.clients.claim();
  }

  /** @param {Request} request */
  function answerTo(request) {
    const { origin, pathname } = new URL(request.url);
    if (request.method !== "GET" || origin !== location.origin) return null;
    if (request.mode === "navigate") {
      if (pathname === LIST) return inTime(fetch(request), LIST);
      return pathname.startsWith("/d/") ? inTime(fetch(request), DRAWING) : null;
    }
    const build = /^\/assets\/([^/]+)\//.exec(pathname)?.[1];
    if (!build) return null;
    return build === CHANGING_BUILD ? inTime(fetch(request), request) : file(build, request);
  }

  /**
   * What the server answers; if it does not answer in time, what is stored.
   * @param {Promise<Response>} network
   * @param {RequestInfo} stored
   */
  async function inTime(network, stored) {
    const answered = network.then((answer) => (NO_ANSWER.includes(answer.status) ? null : answer), () => null);
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, null));
    const answer = await Promise.race([answered, late]);
    return answer ?? (await (await caches.open(CACHE)).match(stored, EXACT)) ?? network;
  }

  /**
   * A file that never changes: the stored one.
   * @param {string} build
   * @param {Request} request
   */
  async function file(build, request) {
    const name = PREFIX + build;
    const stored = (await caches.has(name)) && (await (await caches.open(name)).match(request, EXACT));
    return stored || fetch(request);
  }
})();
