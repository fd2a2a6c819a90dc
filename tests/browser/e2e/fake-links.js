// @ts-check
/**
 * A server in links mode, in front of one that is open: it knows keys, a lock and who is muted, for the
 * contexts that it was given. What it does not know of a drawing is the server's.
 */

import { writerOf } from "../../../static/model/ids.js";

/** @typedef {{id: string, drawing: string, key: string, access: "view"|"draw"|"own", name: string, created: string, expires?: string | null, last_used?: string, last_by?: string, gone?: boolean}} Key */

const LEVELS = ["view", "draw", "own"];
let made = 0;

export class FakeLinks {
  /** @type {Key[]} */
  keys = [];
  /** @type {Set<string>} drawings that only owners change */
  locked = new Set();
  /** @type {Map<string, Set<string>>} authors by drawing */
  muted = new Map();
  /** Whether ops stay without an answer. */
  isSilent = false;
  /** @type {Set<{drawing: string, key: Key, author: string, send: (frame: object) => void, close: (code: number, reason: string) => void}>} */
  #sockets = new Set();
  /** @type {Map<string, string>} the ids of keys by tabs' public ids */
  #came = new Map();

  /** @param {import("playwright-core").BrowserContext} context */
  async serve(context) {
    // The page's modules run once it is parsed.
    await context.addInitScript(() => {
      document.addEventListener("readystatechange", () => document.querySelector('meta[name="access"]')?.setAttribute("content", "links"), { once: true });
    });
    await context.route(/\/api\/drawings/, (route) => this.#answer(route));
    await context.routeWebSocket(/\/ws\//, (socket) => this.#connect(socket));
  }

  /**
   * @param {string} drawing
   * @param {"view"|"draw"|"own"} access
   * @param {string} [name]
   * @returns {Key}
   */
  make(drawing, access, name = "") {
    made += 1;
    /** @type {Key} */
    const key = { id: `id${made}`.padEnd(11, "x"), drawing, key: `secret${made}`.padEnd(22, "x"), access, name, created: new Date().toISOString() };
    this.keys.push(key);
    return key;
  }

  /** @param {Key} key */
  revoke(key) {
    key.gone = true;
    for (const socket of this.#sockets) if (socket.key === key) socket.close(4403, "final: no longer shared with you");
  }

  /** @param {string} drawing */
  tell(drawing) {
    for (const socket of this.#sockets) if (socket.drawing === drawing) this.#tellOne(socket);
  }

  /** @param {{drawing: string, key: Key, author: string, send: (frame: object) => void}} socket */
  #tellOne({ drawing, key, author, send }) {
    const muted = this.muted.get(drawing) ?? new Set();
    send({ type: "access", access: key.access, locked: this.locked.has(drawing), muted: muted.has(author), ...(key.access === "own" ? { muted_people: [...muted] } : {}) });
  }

  /**
   * @param {string} drawing
   * @param {string | undefined} secret
   */
  #find(drawing, secret) {
    return this.keys.find((one) => one.drawing === drawing && one.key === secret && !one.gone);
  }

  /** @param {import("playwright-core").WebSocketRoute} socket */
  #connect(socket) {
    const drawing = /\/ws\/([0-9a-f]+)/.exec(socket.url())?.[1] ?? "";
    /** @type {any} */
    let one = null;
    /** @type {any[]} until hello is accepted nothing flows */
    const held = [];
    const server = socket.connectToServer();
    const send = (/** @type {any} */ frame) => socket.send(JSON.stringify(frame));
    const pass = (/** @type {any} */ frame) => {
      // The open server's own, which lets everybody own everything.
      if (frame.type === "access") return;
      if (frame.type === "people") for (const person of frame.joined ?? []) person.key = this.#came.get(person.writer);
      send(frame.type === "welcome" ? { ...frame, access: one.key.access } : frame);
      if (frame.type !== "welcome") return;
      one.author = frame.author;
      this.#tellOne(one);
    };
    server.onMessage((text) => {
      const frame = JSON.parse(String(text));
      if (one) pass(frame);
      else held.push(frame);
    });
    socket.onMessage((text) => {
      const { token, ...frame } = JSON.parse(String(text));
      if (frame.type === "hello") {
        const key = this.#find(drawing, token);
        if (!key) return void socket.close({ code: 4403, reason: "final: there is no such drawing, or it is not shared with you" });
        this.#came.set(writerOf(frame.key, frame.tab).id, key.id);
        key.last_used = new Date().toISOString();
        key.last_by = frame.name;
        one = { drawing, key, author: "", send, close: (/** @type {number} */ code, /** @type {string} */ reason) => socket.close({ code, reason }) };
        this.#sockets.add(one);
        server.send(JSON.stringify(frame));
        held.splice(0).forEach(pass);
      } else if (frame.type === "ops" && this.isSilent) {
        // As if they were under way.
      } else if (frame.type === "ops" && this.#refusal(one)) {
        for (const { n } of frame.ops) send({ type: "refused", n, reason: this.#refusal(one), message: "" });
      } else {
        server.send(String(text));
      }
    });
    socket.onClose((code, reason) => {
      this.#sockets.delete(one);
      void server.close({ code: code === 1005 ? undefined : code, reason });
    });
  }

  /** @param {{drawing: string, key: Key, author: string}} socket */
  #refusal({ drawing, key, author }) {
    if (key.access === "view") return "forbidden";
    if (key.access === "own") return null;
    if (this.locked.has(drawing)) return "locked";
    return this.muted.get(drawing)?.has(author) ? "muted" : null;
  }

  /** @param {import("playwright-core").Route} route */
  async #answer(route) {
    const request = route.request();
    const [, drawing = "", what = "", which = ""] = new URL(request.url()).pathname.split("/").slice(2);
    const body = request.headers()["content-type"]?.includes("json") ? request.postDataJSON() : {};
    const json = (/** @type {number} */ status, /** @type {any} */ value) => route.fulfill({ status, json: value });
    const failed = (/** @type {number} */ status, /** @type {string} */ code) => json(status, { error: { code, message: code } });
    if (drawing === "" && request.method() === "GET") return failed(403, "forbidden");
    if (drawing === "") {
      const answer = await route.fetch();
      const created = await answer.json();
      return json(201, { ...created, key: this.make(created.id, "own").key });
    }
    if (drawing === "held") return json(200, { drawings: await this.#held(request, body.held) });
    const secret = request.headers().authorization?.replace("Bearer ", "");
    const key = this.#find(drawing, secret);
    if (!key) return failed(404, "not_found");
    if (["keys", "locked", "muted"].includes(what) && key.access !== "own") return failed(403, "forbidden");
    if (what === "keys") return this.#keysAnswer(request.method(), drawing, which, body, key, json, failed);
    if (what === "locked") {
      if (body.locked) this.locked.add(drawing);
      else this.locked.delete(drawing);
    } else if (what === "muted") {
      const muted = this.muted.get(drawing) ?? new Set();
      this.muted.set(drawing, muted);
      if (request.method() === "PUT") muted.add(which);
      else muted.delete(which);
    } else {
      return route.continue();
    }
    await route.fulfill({ status: 204 });
    this.tell(drawing);
  }

  /**
   * @param {string} method
   * @param {string} drawing
   * @param {string} id
   * @param {any} body
   * @param {Key} own
   * @param {(status: number, value: any) => Promise<void>} json
   * @param {(status: number, code: string) => Promise<void>} failed
   */
  async #keysAnswer(method, drawing, id, body, own, json, failed) {
    const shown = ({ key: _, drawing: __, ...rest }) => ({ ...rest, mine: rest.id === own.id });
    if (method === "GET") return json(200, { keys: this.keys.filter((one) => one.drawing === drawing && !one.gone).map(shown) });
    if (method === "POST") {
      const key = Object.assign(this.make(drawing, body.access, body.name), body.expires ? { expires: body.expires } : {});
      return json(201, { ...shown(key), key: key.key });
    }
    const key = this.keys.find((one) => one.id === id && one.drawing === drawing);
    if (!key) return failed(404, "not_found");
    const owners = this.keys.filter((one) => one.drawing === drawing && one.access === "own" && !one.gone);
    if (owners.length === 1 && owners[0] === key && (method === "DELETE" || LEVELS.indexOf(body.access) < 2)) return failed(409, "last_owner");
    if (method === "DELETE") this.revoke(key);
    else Object.assign(key, body);
    this.tell(drawing);
    return json(method === "DELETE" ? 204 : 200, shown(key));
  }

  /**
   * @param {import("playwright-core").Request} request
   * @param {{id: string, key: string}[]} held
   */
  async #held(request, held) {
    const { drawings } = await (await fetch(new URL("/api/drawings", request.url()))).json();
    return held.flatMap(({ id, key }) => {
      const found = this.#find(id, key);
      const drawing = drawings.find((/** @type {any} */ one) => one.id === id);
      return found && drawing ? [{ ...drawing, access: found.access }] : [];
    });
  }
}
