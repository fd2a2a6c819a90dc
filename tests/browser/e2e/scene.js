// @ts-check
/** What most files of tests share: one server and one browser, and users who are gone after each test. */

import assert from "node:assert/strict";
import { after, afterEach, before } from "node:test";
import { Server, TestUser, launched } from "./harness.js";

/**
 * Starts a server and a browser before the tests of the calling file. A test fails if a page of its
 * users reported an error.
 */
export function sharedScene() {
  /** @type {TestUser[]} */
  let users = [];
  /** @type {import("playwright-core").Browser | undefined} */
  let browser;
  const scene = {
    /** @type {Server} */
    server: /** @type {any} */ (undefined),

    /** @param {import("playwright-core").BrowserContextOptions} [options] */
    async newUser(options) {
      assert.ok(browser, "before the tests");
      const one = await TestUser.create(browser, scene.server, options);
      users.push(one);
      return one;
    },

    /** An empty drawing of a new user.
     * @param {import("playwright-core").BrowserContextOptions} [options] */
    async newPage(options) {
      return (await scene.newUser(options)).open(await scene.server.drawing());
    },
  };
  before(async () => {
    scene.server = await Server.start();
    browser = await launched();
  });
  after(async () => {
    await browser?.close();
    await scene.server?.remove();
  });
  afterEach(async () => {
    const errors = users.flatMap(({ errors }) => errors);
    await Promise.all(users.map(({ context }) => context.close()));
    users = [];
    assert.deepEqual(errors, []);
  });
  return scene;
}
