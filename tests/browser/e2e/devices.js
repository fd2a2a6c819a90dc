// @ts-check
/** Real events of a mouse, a pen and a finger. */

import { test } from "node:test";
import { until, waitForStatus } from "./harness.js";

/** @typedef {[number, number]} At */
/** @typedef {(points: At[], how?: {lift?: boolean}) => Promise<void>} Drag through some points; through one it is a press */
/** @typedef {{drag: Drag, move: (to: At) => Promise<void>, lift: () => Promise<void>, tap: (what: string | import("playwright-core").Locator) => Promise<void>}} Hand what a person does with a device */
/** @typedef {(typeof DEVICES)[number]} Device */

export const DEVICES = /** @type {const} */ (["mouse", "pen", "touch"]);

/** What a context of such a device is made with. @param {Device} device */
export const contextOf = (device) => ({ hasTouch: device !== "mouse" });

/**
 * @param {import("playwright-core").Page} page
 * @param {Device} device
 * @returns {Promise<Hand>}
 */
export async function handOf(page, device) {
  const session = await page.context().newCDPSession(page);
  const { down, move, up } = device === "touch" ? finger(session) : pointer(session, device);
  /** @type {At} */
  let last = [0, 0];
  /** @type {Drag} */
  const drag = async ([first, ...rest], { lift = true } = {}) => {
    await down((last = first));
    for (const point of rest) await moved(point);
    if (lift) await up(last);
  };
  const moved = async (/** @type {At} */ to) => {
    await move((last = to));
  };
  return {
    drag,
    move: moved,
    lift: async () => {
      await up(last);
    },
    async tap(what) {
      const one = typeof what === "string" ? page.locator(what).first() : what;
      // It is at rest, and nothing covers it.
      await one.click({ trial: true });
      const { x, y, width, height } = await until("it has a place", () => one.boundingBox());
      await drag([[x + width / 2, y + height / 2]]);
    },
  };
}

/** @param {import("playwright-core").CDPSession} session */
function finger(session) {
  const send = (/** @type {any} */ type, /** @type {At[]} */ ...points) => session.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y]) => ({ x, y })) });
  return { down: (/** @type {At} */ at) => send("touchStart", at), move: (/** @type {At} */ at) => send("touchMove", at), up: () => send("touchEnd") };
}

/**
 * @param {import("playwright-core").CDPSession} session
 * @param {"mouse" | "pen"} pointerType
 */
function pointer(session, pointerType) {
  let buttons = 0;
  const send = (/** @type {any} */ type, /** @type {At} */ [x, y], /** @type {"left" | "none"} */ button) =>
    session.send("Input.dispatchMouseEvent", { type, x, y, pointerType, force: 0.5, button, buttons, clickCount: 1 });
  return {
    async down(/** @type {At} */ at) {
      buttons = 1;
      await send("mousePressed", at, "left");
    },
    move: (/** @type {At} */ at) => send("mouseMoved", at, buttons === 1 ? "left" : "none"),
    async up(/** @type {At} */ at) {
      buttons = 0;
      await send("mouseReleased", at, "left");
    },
  };
}

/**
 * Tests of each device, on an empty drawing of a new user.
 * @param {ReturnType<typeof import("./scene.js").sharedScene>} scene
 */
export function eachDevice(scene) {
  /**
   * @param {string} name
   * @param {(one: Hand & {page: import("playwright-core").Page, drawing: string}) => Promise<void>} run
   */
  return (name, run) => {
    for (const device of DEVICES) {
      test(`${name} (${device})`, async () => {
        const drawing = await scene.server.drawing();
        const page = await (await scene.newUser(contextOf(device))).open(drawing);
        await started(page);
        await run({ page, drawing, ...(await handOf(page, device)) });
      });
    }
  };
}

/** The tools come once the drawing is painted. @param {import("playwright-core").Page} page */
export async function started(page) {
  await page.waitForSelector("html[data-started]", { state: "attached" });
  await waitForStatus(page, "Saved");
}

/** Points on the way from one to another. @returns {At[]} */
export function along(/** @type {At} */ [x, y], /** @type {At} */ [toX, toY]) {
  return Array.from({ length: 11 }, (_, i) => [x + ((toX - x) * i) / 10, y + ((toY - y) * i) / 10]);
}
