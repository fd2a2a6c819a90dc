// @ts-check
/**
 * Starts the processes of tests, on ports that stay reserved for them.
 *
 * No process may be left behind: each ends with this one, even if this one is killed.
 */

import { spawn } from "node:child_process";
import { createServer } from "node:net";

/** Below the ephemeral ports: otherwise an outgoing connection might take the port of a server that is
 * restarting. */
const FIRST_PORT = 12_000;
const LAST_PORT = 31_999;

let port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT + 1 - FIRST_PORT));

/**
 * Starts a program.
 * @param {string} program
 * @param {string[]} flags
 * @param {import("node:child_process").SpawnOptions} options
 */
export function spawned(program, flags, options) {
  return spawn("setpriv", ["--pdeathsig", "KILL", "--", program, ...flags], options);
}

/**
 * Sends a signal to a process, unless it has ended already, and waits for its end.
 * @param {import("node:child_process").ChildProcess | null} child
 * @param {NodeJS.Signals} signal
 */
export async function ended(child, signal) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await exited;
}

/**
 * A port that is free and was not returned before.
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (;;) {
    port = port < LAST_PORT ? port + 1 : FIRST_PORT;
    if (await isFree(port)) return port;
  }
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const listener = createServer();
    listener.once("error", () => resolve(false));
    listener.listen(port, "127.0.0.1", () => listener.close(() => resolve(true)));
  });
}
