import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mock, test } from "node:test";
import { runInNewContext } from "node:vm";

const CODE = readFileSync(new URL("../../../static/sw.js", import.meta.url), "utf8");
const ORIGIN = "https://board.example";
const absolute = (request) => new URL(typeof request === "string" ? request : request.url, ORIGIN).href;

/** The caches of a browser, which outlive its service workers. */
class Caches {
  held = new Map();

  async open(name) {
    if (!this.held.has(name)) this.held.set(name, new Map());
    const entries = this.held.get(name);
    const found = (request, { ignoreSearch = false } = {}) =>
      [...entries].find(([url]) => (ignoreSearch ? url.split("?")[0] : url) === absolute(request))?.[1];
    return {
      put: async (request, answer) => void entries.set(absolute(request), answer),
      match: async (request, options) => found(request, options),
      keys: async () => [...entries.keys()].map((url) => ({ url })),
      delete: async (request) => entries.delete(absolute(request)),
    };
  }

  async has(name) {
    return this.held.has(name);
  }

  async keys() {
    return [...this.held.keys()];
  }

  async delete(name) {
    return this.held.delete(name);
  }
}

/** A service worker of a build; `network` answers a path, and may fail or never answer. */
function workerOf(build, caches, network) {
  const listeners = {};
  const self = {
    addEventListener: (type, listener) => (listeners[type] = listener),
    skipWaiting: async () => {},
    registration: {},
    clients: { claim: async () => {} },
  };
  const asked = [];
  const fetch = async (request) => {
    const path = absolute(request).slice(ORIGIN.length);
    asked.push(path);
    return network(path);
  };
  const code = CODE.replace("{{build}}", build).replace("{{files}}", "a.js css/b.css");
  runInNewContext(code, { self, caches, fetch, location: { origin: ORIGIN }, URL, setTimeout, Promise, Date });
  const lifecycle = (type) => new Promise((resolve, reject) => listeners[type]({ waitUntil: (done) => done.then(resolve, reject) }));
  return {
    asked,
    start: async () => {
      await lifecycle("install");
      await lifecycle("activate");
      asked.length = 0;
    },
    /** The answer to a request, or null if the worker leaves it to the browser. */
    get: (path, { mode = "cors", method = "GET" } = {}) => {
      let answer = null;
      listeners.fetch({ request: { url: absolute(path), mode, method }, respondWith: (promised) => (answer = promised) });
      return answer;
    },
  };
}

const answer = (text, status = 200) => ({ text, status, ok: status < 400, clone: () => answer(text, status) });
const online = (build) => (path) => answer(`${build} ${path}`);
const cut = () => {
  throw new TypeError("no network");
};
const PAGE = { mode: "navigate" };
const BLANK = `/d/${"0".repeat(32)}`;

test("pages come from the server while it answers, and files of the build never ask it", async () => {
  const worker = workerOf("b1", new Caches(), online("now"));
  await worker.start();
  assert.equal((await worker.get("/", PAGE)).text, "now /");
  assert.equal((await worker.get("/d/abc", PAGE)).text, "now /d/abc");
  worker.asked.length = 0;
  assert.equal((await worker.get("/assets/b1/a.js")).text, "now /assets/b1/a.js");
  assert.deepEqual(worker.asked, []);
  assert.equal((await worker.get("/assets/b2/new.js")).text, "now /assets/b2/new.js", "a file of another build");
});

test("data, other sites and other methods are left alone", async () => {
  const worker = workerOf("b1", new Caches(), online("now"));
  await worker.start();
  for (const path of ["/api/drawings", "/sw.js", "https://other.example/assets/b1/a.js"]) assert.equal(worker.get(path), null, path);
  assert.equal(worker.get("/", { ...PAGE, method: "POST" }), null);
  assert.equal(worker.get("/healthz", PAGE), null);
});

for (const [how, network] of Object.entries({ "no network": cut, "a proxy without a server": () => answer("bad gateway", 502) })) {
  test(`with ${how} stored pages are shown, that of a drawing for each drawing`, async () => {
    const caches = new Caches();
    await workerOf("b1", caches, online("then")).start();
    const worker = workerOf("b1", caches, network);
    assert.equal((await worker.get("/", PAGE)).text, "then /");
    assert.equal((await worker.get("/d/abc", PAGE)).text, `then ${BLANK}`);
    assert.equal((await worker.get("/assets/b1/css/b.css")).text, "then /assets/b1/css/b.css");
  });
}

test("an answer that says no is an answer", async () => {
  const caches = new Caches();
  await workerOf("b1", caches, online("then")).start();
  assert.equal((await workerOf("b1", caches, () => answer("not found", 404)).get("/d/abc", PAGE)).status, 404);
});

test("a frozen server is waited for three seconds", async () => {
  const caches = new Caches();
  await workerOf("b1", caches, online("then")).start();
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const worker = workerOf("b1", caches, () => new Promise(() => {}));
    let shown = null;
    void worker.get("/", PAGE).then((got) => (shown = got));
    mock.timers.tick(2_999);
    await new Promise(setImmediate);
    assert.equal(shown, null);
    mock.timers.tick(1);
    await new Promise(setImmediate);
    assert.equal(shown?.text, "then /");
  } finally {
    mock.timers.reset();
  }
});

test("the build before this one stays for its open pages, and older ones go", async () => {
  const caches = new Caches();
  for (const build of ["b1", "b2", "b3"]) await workerOf(build, caches, online(build)).start();
  assert.deepEqual(await caches.keys(), ["whiteboard-b2", "whiteboard-b3"]);
  const worker = workerOf("b3", caches, cut);
  assert.equal((await worker.get("/assets/b2/a.js")).text, "b2 /assets/b2/a.js");
  assert.equal((await worker.get("/", PAGE)).text, "b3 /");
});

test("a build of which a file is missing is not used", async () => {
  const caches = new Caches();
  await assert.rejects(workerOf("b1", caches, (path) => answer("", path.endsWith(".css") ? 500 : 200)).start(), /b\.css/);
});

test("pictures that were seen are shown again, an older one of a drawing rather than none, and the oldest go", async () => {
  const caches = new Caches();
  const worker = workerOf("b1", caches, online("now"));
  await worker.start();
  const inside = "/api/drawings/d1/assets/abc";
  const thumbnail = "/api/drawings/d1/thumbnail.svg";
  await worker.get(inside);
  await worker.get(`${thumbnail}?changed=1`);
  worker.asked.length = 0;
  await worker.get(inside);
  assert.deepEqual(worker.asked, [], "it never changes");
  const later = workerOf("b1", caches, cut);
  assert.equal((await later.get(inside)).text, `now ${inside}`);
  assert.equal((await later.get(`${thumbnail}?changed=2`)).text, `now ${thumbnail}?changed=1`);
  await assert.rejects(later.get("/api/drawings/d2/thumbnail.svg?changed=1"));
  for (let i = 0; i < 300; i += 1) await worker.get(`/api/drawings/d1/assets/${i}`);
  await assert.rejects(later.get(inside));
  await workerOf("b2", caches, online("b2")).start();
  assert.ok((await caches.keys()).includes("pictures"), "a new build keeps them");
});
