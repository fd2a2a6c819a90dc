// @ts-check
/**
 * The service worker: keeps the pages and files of one build, so that they open without the server. It
 * is a classic script, and the server writes the build and the list of files into it.
 *
 * It must never answer with a stored page while the server answers in time, nor touch requests for data but pictures.
 */

(() => {
  const BUILD = "{{build}}";
  /** All files that pages of this build may load. */
  const FILES = "{{files}}";
  /** The build of files read from disk, which change under the same address. */
  const CHANGING_BUILD = "dev";
  const PREFIX = "whiteboard-";
  const CACHE = PREFIX + BUILD;
  /** Pictures in drawings and of drawings, as they were seen; the oldest go first. */
  const PICTURES = "pictures";
  const MAX_PICTURES = 300;
  /** A picture in a drawing, which never changes, and one of a drawing, whose address does so with it. */
  const PICTURE = /^\/api\/drawings\/[^/]+\/(assets\/[^/]+|thumbnail\.svg)$/;
  /** Pages are stored once, under these addresses: that of a drawing is the same for all of them. */
  const LIST = "/";
  const DRAWING = `/d/${"0".repeat(32)}`;
  /** Milliseconds to wait for the server, which may be frozen, before a stored answer is used. */
  const PATIENCE = 3_000;
  /** The same for files read from disk, for some time after the server was silent: they load one after the other. */
  const HASTE = 100;
  const SILENCE = 10_000;
  /** Statuses by which a proxy, or a server that starts or stops, says that there is no answer now. */
  const NO_ANSWER = [502, 503, 504];
  /** Answers are stored decoded: they do not depend on the request's headers. */
  const EXACT = { ignoreVary: true };
  /** Files requested at a time: a new build must not flood a small server. */
  const AT_A_TIME = 6;

  let silentUntil = 0;

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
    if (PICTURE.test(pathname)) return picture(request, pathname);
    const build = /^\/assets\/([^/]+)\//.exec(pathname)?.[1];
    if (!build) return null;
    return build === CHANGING_BUILD ? inTime(fetch(request), request, Date.now() < silentUntil ? HASTE : PATIENCE) : file(build, request);
  }

  /**
   * What the server answers; if it does not answer in time, what is stored.
   * @param {Promise<Response>} network
   * @param {RequestInfo} stored
   * @param {number} [within] milliseconds
   */
  async function inTime(network, stored, within = PATIENCE) {
    const answered = network.then((answer) => (NO_ANSWER.includes(answer.status) ? null : answer), () => null);
    const late = new Promise((resolve) => setTimeout(resolve, within, null));
    const answer = await Promise.race([answered, late]);
    if (!answer) silentUntil = Date.now() + SILENCE;
    return answer ?? (await (await caches.open(CACHE)).match(stored, EXACT)) ?? network;
  }

  /**
   * A picture: the stored one if it is the same. Without an answer an older one of a drawing is better than none.
   * @param {Request} request
   * @param {string} pathname
   */
  async function picture(request, pathname) {
    const cache = await caches.open(PICTURES);
    const stored = await cache.match(request, EXACT);
    if (stored) return stored;
    try {
      const answer = await fetch(request);
      if (answer.ok) await keepPicture(cache, request, answer.clone());
      return answer;
    } catch (error) {
      const older = await cache.match(pathname, { ...EXACT, ignoreSearch: true });
      if (older) return older;
      throw error;
    }
  }

  /**
   * @param {Cache} cache
   * @param {Request} request
   * @param {Response} answer
   */
  async function keepPicture(cache, request, answer) {
    try {
      await cache.put(request, answer);
      const all = await cache.keys();
      await Promise.all(all.slice(0, -MAX_PICTURES).map((old) => cache.delete(old)));
    } catch {
      // Storage is full: the picture is shown all the same.
    }
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
