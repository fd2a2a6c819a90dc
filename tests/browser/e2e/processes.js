// @ts-check
/**
 * The processes that tests use, on ports that stay theirs.
 *
 * None may be left behind: each ends with this process at the latest, even if that is killed.
 */

import { spawn } from "node:child_process";
import { createServer } from "node:net";

/** Below the ports that systems give to outgoing connections, one of which might otherwise take
 * the port of a server that is just starting again. */
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
 * Sends a signal to a process that may have ended already, and waits until it has.
 * @param {import("node:child_process").ChildProcess | null} child
 * @param {NodeJS.Signals} signal
 */
export async function ended(child, signal) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}

/**
 * A port that nothing listens on, and that is given to nobody else in this process.
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
