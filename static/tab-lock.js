// @ts-check
/**
 * Tells whether the page of a writer lives: it holds a Web Lock for as long as it does.
 * Where there are no Web Locks (plain http in a local network) it says so every second or two.
 *
 * It must never take a living page for a dead one while Web Locks work.
 */

/** @typedef {import("./types.js").Writer} Writer */
/** @typedef {import("./outbox-store.js").Owner} Owner */

/** Milliseconds between two beats, and after how many without one a page counts as dead. */
const HEARTBEAT_EVERY = 2_000;
const DEAD_AFTER = 10_000;

/** @param {string} tab */
function lockName(tab) {
  return `writer-${tab}`;
}

/**
 * Holds the ownership of this page's writer until the page ends.
 * @param {Writer} writer
 * @param {(writer: Writer) => Promise<void>} heartbeat says on the shelf that the page lives
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
 * Takes over the ownership of a page that is dead.
 * @param {Owner} owner
 * @returns {Promise<(() => void) | null>} gives it back; null while the page lives
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
