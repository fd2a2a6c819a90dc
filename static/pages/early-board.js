// @ts-check
/**
 * What shows a drawing: its strokes, read for the first time, and the canvas that paints them while the other modules of
 * the page are still on their way.
 *
 * It must never import what the first picture does not need.
 */

import { isCamera } from "../canvas/camera.js";
import { Canvas } from "../canvas/canvas.js";
import { PictureCache } from "../canvas/picture-cache.js";
import { Grid } from "../canvas/grid.js";
import { Viewport } from "../canvas/viewport.js";
import { boundsOf, hits } from "../kinds/kinds.js";
import { loadFont } from "../kinds/measure.js";
import { setPictures } from "../kinds/pictures.js";
import { Replica } from "../model/replica.js";
import { Scene } from "../model/scene.js";
import { readStrokes } from "../net/api.js";
import { loadStored } from "../net/local-storage.js";
import { Sync } from "../net/sync.js";
import { Appearance } from "../ui/appearance.js";
import { byId } from "../ui/dom.js";
import { drawing, firstRead } from "./early-read.js";

/**
 * The rest of the page.
 * @typedef {object} Page
 * @property {(stroke: string) => void} changed a stroke looks different
 * @property {(op: import("../model/types.js").Op) => void} lost a draw op had no effect
 * @property {(now: number) => import("../canvas/canvas.js").DynamicContent} dynamic
 * @property {(camera: import("../canvas/camera.js").Camera) => void} cameraMoved
 * @property {(hash: string) => string | Promise<string>} pictureAddress
 * @property {(frame: object) => void} send
 * @property {(title: string) => void} title
 * @property {(error: unknown) => boolean} readFailed returns whether to try again
 */

/** @type {Page | null} null until its modules are here */
let page = null;
/** @type {(page: Page) => void} */
let arrived;
/** @type {Promise<Page>} */
const whole = new Promise((resolve) => (arrived = resolve));

/** Connects the rest of the page, once its modules are here. @param {Page} rest */
export function connectPage(rest) {
  page = rest;
  arrived(rest);
}

export const scene = new Scene({ boxOf: boundsOf, hits });
export const replica = new Replica(
  (id, before, after) => {
    if (after) scene.set(after);
    else scene.delete(id);
    canvas.changed(before, after);
    page?.changed(id);
  },
  (_, op) => page?.lost(op),
);
export const canvas = new Canvas(byId("static"), byId("dynamic"), {
  inBox: (box) => scene.inBox(box),
  dynamic: (now) => page?.dynamic(now) ?? { overlays: [], pointers: [], moving: false },
});
export const viewport = new Viewport(new Grid(byId("grid")), {
  size: () => canvas.size,
  bounds: () => scene.bounds(),
  shows: (box) => scene.shows(box),
  onCamera: (camera, jumps) => {
    canvas.setCamera(camera, jumps);
    page?.cameraMoved(camera);
  },
});
export const appearance = new Appearance((theme) => canvas.setTheme(theme));
export const pictures = new PictureCache(async (hash) => (await whole).pictureAddress(hash), (hash) => {
  for (const stroke of scene.ordered()) if (stroke.body.asset === hash) canvas.changed(stroke, stroke);
});
setPictures((hash) => pictures.find(hash));
// Texts that came before their font were measured in another one: a new body is measured again.
void loadFont().then(() => {
  for (const stroke of scene.ordered()) if (stroke.body.text !== undefined) scene.set({ ...stroke, body: { ...stroke.body } });
  canvas.repaint();
});

canvas.resize();
addEventListener("resize", () => canvas.resize());
const savedCamera = loadStored(`camera-${drawing}`, () => null, isCamera, "sessionStorage");
savedCamera ? viewport.setCamera(savedCamera, true) : viewport.fit();
const initialCamera = viewport.camera;

/** Some state of the drawing is here. On a first visit it is shown whole, unless the user has moved the view. */
export function show() {
  canvas.start();
  if (!savedCamera && viewport.camera === initialCamera) viewport.fit();
}

export const sync = new Sync(replica, {
  read: (since, epoch) => firstRead.take(since) ?? readStrokes(drawing, since, epoch),
  send: (frame) => page?.send(frame),
  title: (title) => void whole.then((page) => page.title(title)),
  readFailed: async (error) => (await whole).readFailed(error),
});
/** Whether the first read has succeeded; null if the drawing is stored here. */
export const reading = firstRead.isAsked ? sync.load() : null;
void reading?.then((done) => done && show());
// For tests, which only read: the rest of the page adds itself.
Object.assign(globalThis, { __whiteboard: { replica, scene, canvas, viewport } });
