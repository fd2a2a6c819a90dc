// @ts-check
/**
 * Several servers on one SurrealDB server, behind a load balancer without sticky sessions. All are real
 * processes on free ports of this machine.
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { BINARY, Server, until } from "./harness.js";
import { ended, freePort, spawned } from "./processes.js";

/** Milliseconds within which a process must answer. */
const READY = 60_000;
const SURREALDB = path.join(path.dirname(BINARY), "surrealdb-process");
const HAPROXY = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"].find((file) => existsSync(file));

export class Cluster {
  /** @type {import("node:child_process").ChildProcess | null} */
  #database = null;
  /** @type {import("node:child_process").ChildProcess | null} */
  #balancer = null;
  #port = 0;
  /** @type {Server[]} */
  servers = [];
  /** The address of the load balancer. */
  address = "";

  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
  }

  /** @param {number} count of servers */
  static async start(count) {
    const cluster = new Cluster(await mkdtemp(path.join(tmpdir(), "whiteboard-cluster-")));
    try {
      cluster.#port = await freePort();
      await cluster.startDatabase();
      cluster.servers = await Promise.all(Array.from({ length: count }, () => Server.start({
        WHITEBOARD_DATABASE: `ws://127.0.0.1:${cluster.#port}`,
        WHITEBOARD_DATABASE_USER: "root",
        WHITEBOARD_DATABASE_PASSWORD: "root",
        WHITEBOARD_QUERY_TIMEOUT: "3s",
      })));
      await cluster.#balance();
      return cluster;
    } catch (error) {
      await cluster.remove();
      throw error;
    }
  }

  /** Starts the database, with its previous data if it has any. */
  async startDatabase() {
    assert.ok(existsSync(SURREALDB), `${SURREALDB} is built first, with the whole workspace`);
    this.#database = spawned(SURREALDB, [
      "start", "--no-banner", "--log", "none", "--bind", `127.0.0.1:${this.#port}`, "--user", "root", "--pass", "root",
      `surrealkv://${this.folder}/data?sync=every`,
    ], { stdio: "ignore" });
    await until("the database is ready", () => answers(`http://127.0.0.1:${this.#port}/ready`), READY);
  }

  async killDatabase() {
    await ended(this.#database, "SIGKILL");
  }

  /** Starts a balancer with round robin and health checks. */
  async #balance() {
    assert.ok(HAPROXY, "haproxy is installed first");
    const port = await freePort();
    const backends = this.servers.map(({ address }, at) => `  server whiteboard${at} ${address.replace("http://", "")} check inter 250ms fall 3 rise 1`);
    const config = path.join(this.folder, "haproxy.cfg");
    await writeFile(config, [
      "defaults", "  mode http", "  timeout connect 1s", "  timeout check 2s", "  timeout client 60s", "  timeout server 60s", "  timeout tunnel 1h",
      "  option redispatch 1", "  retries 3",
      "frontend browsers", `  bind 127.0.0.1:${port}`, "  default_backend whiteboards",
      "backend whiteboards", "  balance roundrobin", "  option httpchk GET /readyz", ...backends, "",
    ].join("\n"));
    this.#balancer = spawned(HAPROXY, ["-db", "-f", config], { stdio: "ignore" });
    this.address = `http://127.0.0.1:${port}`;
    await until("the balancer is ready", () => answers(`${this.address}/readyz`), READY);
  }

  /** Stops all processes and deletes the data. */
  async remove() {
    await ended(this.#balancer, "SIGKILL");
    await Promise.all(this.servers.map((server) => server.remove()));
    await ended(this.#database, "SIGKILL");
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** @param {string} address */
async function answers(address) {
  return fetch(address).then((answer) => answer.ok, () => false);
}
