// @ts-check
/**
 * Detects whether a tab is alive: each holds a Web Lock until it ends. Without Web Locks (plain http in
 * a local network) it stores a heartbeat instead.
 *
 * It must never report a live tab as dead where Web Locks work.
 */

/** @typedef {import("../model/types.js").Writer} Writer */
/** @typedef {import("./outbox-store.js").Owner} Owner */

/** Milliseconds between heartbeats, and without one until a tab counts as dead. */
const HEARTBEAT_EVERY = 2_000;
const DEAD_AFTER = 10_000;

/** @param {string} tab */
function lockName(tab) {
  return `writer-${tab}`;
}

/**
 * Holds the lock of this tab until it ends.
 * @param {Writer} writer
 * @param {(writer: Writer) => Promise<void>} heartbeat stores that the tab is alive
 * @returns {Promise<void>} once it is held
 */
export async function holdTabLock(writer, heartbeat) {
  if (navigator.locks) {
    await new Promise((held) => {
      navigator.locks.request(lockName(writer.tab), () => {
        held(undefined);
        return new Promise(() => {});
      });
    });
    return;
  }
  const beat = () => void heartbeat(writer).catch(() => {});
  beat();
  setInterval(beat, HEARTBEAT_EVERY);
}

/**
 * Takes the lock of a dead tab.
 * @param {Owner} owner
 * @returns {Promise<(() => void) | null>} releases the lock; null while the tab is alive
 */
export function claimTabLock({ tab, heartbeat }) {
  if (!navigator.locks) {
    return Promise.resolve(Date.now() - heartbeat > DEAD_AFTER ? () => {} : null);
  }
  return new Promise((resolve) => {
    navigator.locks.request(lockName(tab), { ifAvailable: true }, (lock) => {
      if (!lock) {
        resolve(null);
        return undefined;
      }
      return new Promise((release) => resolve(() => release(undefined)));
    });
  });
}
