// @ts-check
/**
 * The drawing page: makes its parts and ties them together. Here alone they know of each other.
 *
 * It must never hold a rule: what happens when is said here, what is right is said in the parts.
 */

import { Adoption } from "./adoption.js";
import { ApiError, readStrokes, renameDrawing, restoreDrawing } from "./api.js";
import { centred, fitted, panned, pinched, shownBox, toWindow, zoomedTo } from "./camera.js";
import { Canvas } from "./canvas.js";
import { Connection } from "./connection.js";
import { byId } from "./dom.js";
import { Following } from "./following.js";
import { boxOfBoth, overlap } from "./geometry.js";
import { History } from "./history.js";
import { icon } from "./icons.js";
import { isId, randomId, writerOf } from "./ids.js";
import { Input } from "./input.js";
import { Outbox } from "./outbox.js";
import { live } from "./ownership.js";
import { FONT, boxOf, touches } from "./painting.js";
import { People, somebody } from "./people.js";
import { kept, remember } from "./remembered.js";
import { RemoteInk } from "./remote-ink.js";
import { RemotePointers } from "./remote-pointers.js";
import { Replica } from "./replica.js";
import { Shelf } from "./shelf.js";
import { Signals } from "./signals.js";
import { State } from "./state.js";
import { Title } from "./title.js";
import { toast } from "./toast.js";
import { Toolbar } from "./toolbar.js";
import { ERASER_RADIUS, Tools } from "./tools.js";
import { Writing } from "./writing.js";

/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").FromServer} FromServer */
/** @typedef {import("./history.js").Deed} Deed */
/** @typedef {import("./camera.js").Camera} Camera */

/** Milliseconds after which an answered op whose change did not come is asked about. */
const SETTLE_AFTER = 1_000;
const ZOOM_STEP = 1.25;

const drawing = location.pathname.split("/").pop() ?? "";
const browserKey = kept("key", randomId, isId);
const me = kept("me", somebody, (me) => typeof me.name === "string" && /^#[0-9a-f]{6}$/.test(me.colour));
const writer = writerOf(browserKey, randomId());

const shelf = await Shelf.open(drawing, globalThis.indexedDB);
await live(writer, (owner) => shelf.beat(owner));

const state = new State(byId("state"));
const pointers = new RemotePointers();
const remoteInk = new RemoteInk();
/** @type {Place | null} in pixels */
let hovered = null;

const replica = new Replica((id, before, after) => {
  if (before) canvas.damage(boxOf(before.body));
  if (after) canvas.damage(boxOf(after.body));
  if (replica.knows(id)) remoteInk.drop(id);
});

const canvas = new Canvas(byId("settled"), byId("live"), {
  strokes: () => replica.ordered(),
  live: (now) => {
    const inks = remoteInk.shown(now).filter(({ stroke }) => !replica.knows(stroke));
    const { pointers: shown, moving } = pointers.shown(now);
    const erasing = tools.choice === "eraser" && hovered && !input.panning;
    return {
      inks: tools.growing ? [...inks, tools.growing] : inks,
      pointers: shown.map(({ person, place }) => ({ name: person.name, colour: person.colour, place })),
      ring: erasing && hovered ? { place: hovered, radius: ERASER_RADIUS } : null,
      moving: moving || !remoteInk.isEmpty,
    };
  },
});

// What this browser wants.

const outboxOn = {
  answered: (/** @type {import("./types.js").Writer} */ { id }, /** @type {number} */ n) => {
    replica.answered(id, n);
    if (replica.pendingCount() > 0) setTimeout(() => replica.pendingCount() > 0 && connection.ping(), SETTLE_AFTER);
  },
  refused: (
    /** @type {import("./types.js").Writer} */ { id },
    /** @type {import("./types.js").Op} */ op,
    /** @type {import("./types.js").RefusedFrame} */ { message },
  ) => {
    replica.refused(id, op.n);
    history.forget(op.stroke);
    showHistory();
    toast(`Not done: ${message}`);
  },
  count: () => state.unsaved(outbox.count + adoption.count),
  shelfFailed: (/** @type {unknown} */ error) => {
    if (state.fragile) return;
    state.fragile = true;
    console.warn("ops are kept in memory only", error);
  },
};
const outbox = new Outbox(writer, shelf, outboxOn);
const adoption = new Adoption(writer, shelf, {
  address: socketAddress,
  adopted: ({ id }, op) => replica.wish(id, op),
  outbox: outboxOn,
});
state.fragile = !shelf.durable;

const history = new History(writer.id, (wish) => {
  const op = outbox.add(wish);
  replica.wish(writer.id, op);
  return op.n;
});

/** @param {Deed[]} deeds */
function finish(deeds) {
  history.finish(deeds);
  showHistory();
}

// What the server tells.

const following = new Following(replica, {
  read: (since, life) => readStrokes(drawing, since, life),
  ask: (frame) => connection.send(frame),
  title: (text) => title.set(text),
  readFailed: (error) => {
    const gone = error instanceof ApiError && error.status === 404;
    if (gone) ended(4404);
    return !gone;
  },
});

function socketAddress() {
  const { protocol, host } = location;
  const life = replica.life ? `&life=${replica.life}` : "";
  return `${protocol === "https:" ? "wss" : "ws"}://${host}/ws/${drawing}?since=${replica.head}${life}`;
}

function hello() {
  const { key, tab } = writer;
  connection.send({ type: "hello", key, tab, name: me.name, colour: me.colour, next: outbox.first });
}

const connection = new Connection(socketAddress, {
  opened: () => {
    following.opened();
    hello();
  },
  frame,
  closed: () => {
    outbox.closed();
    state.connected(false);
  },
  ended: (code) => {
    outbox.closed();
    state.connected(false);
    ended(code);
  },
});

/** @param {FromServer} frame */
function frame(frame) {
  switch (frame.type) {
    case "welcome":
      title.set(frame.title);
      outbox.opened(frame.done, (ops) => connection.send(ops));
      state.connected(true);
      break;
    case "done":
      outbox.done(frame.n);
      break;
    case "refused":
      outbox.refused(frame);
      break;
    case "resend":
      outbox.resend(frame.n);
      break;
    case "drawing":
      title.set(frame.title);
      break;
    case "signals":
      seen(frame);
      break;
    default:
      following.frame(frame);
  }
}

/** @param {import("./types.js").SignalsFrame} news */
function seen({ ink = [], pointers: moved = [], people: everyone }) {
  const now = performance.now();
  if (everyone) {
    const others = everyone.filter((person) => person.writer !== writer.id);
    signals.alone = others.length === 0;
    pointers.setPeople(others);
    people.set(everyone, writer.by);
  }
  for (const part of ink) {
    if (part.writer !== writer.id && !replica.knows(part.stroke)) remoteInk.take(part, now);
  }
  for (const pointer of moved) {
    if (pointer.writer !== writer.id) pointers.take(pointer, now);
  }
  canvas.refresh();
}

/** Nothing more will come of this drawing.
 * @param {number} code */
function ended(code) {
  const gone = code === 4404;
  byId("ended-title").textContent = gone ? "This drawing is not here any more" : "The server does not take this page";
  byId("ended-text").textContent = gone
    ? "Somebody deleted it. For ten minutes after that it can be taken back, with everything on it."
    : "Reload the page to try again. What is not saved yet stays in this browser.";
  byId("take-back").hidden = !gone;
  byId("ended").hidden = false;
}

byId("take-back").addEventListener("click", () => {
  restoreDrawing(drawing).then(
    () => location.reload(),
    (error) => toast(error.message),
  );
});

// What hands do.

const signals = new Signals((frame) => connection.send(frame));
/** @type {Deed[]} strokes under the eraser since it was put down */
let erased = [];

const tools = new Tools(() => canvas.camera, {
  ink: ({ points, ...look }, moved) => {
    signals.ink({ ...look, n: outbox.next }, points, moved);
    canvas.refresh();
  },
  drawn: (stroke, body) => {
    signals.inkDone();
    /** @type {Deed} */
    const deed = { kind: "draw", stroke, body };
    history.act(deed);
    finish([deed]);
  },
  cancelled: () => {
    signals.inkCancelled();
    canvas.refresh();
  },
  erase: (from, to, radius) => {
    const touched = replica.ordered().filter(({ body }) => touches(body, from, to, radius));
    for (const { id, body } of touched) {
      /** @type {Deed} */
      const deed = { kind: "erase", stroke: id, body };
      history.act(deed);
      erased.push(deed);
    }
    canvas.refresh();
  },
  erased: () => {
    finish(erased);
    erased = [];
  },
  text: (place) => {
    // The press that ends one text does not begin another.
    if (!writing.justFinished) write(place);
  },
});

const writing = new Writing(byId("writing"), FONT, (place) => ({
  ...toWindow(canvas.camera, place),
  zoom: canvas.camera.zoom,
}));

/** Writes anew, or goes on with the text that is there.
 * @param {Place} place */
function write(place) {
  const there = replica.ordered().findLast(({ body }) => body.tool === "text" && touches(body, place, place, 0));
  if (there) {
    const { id, body } = there;
    writing.begin({ place: body, colour: body.colour, width: body.width, text: body.text ?? "" }, (text) => {
      if (text === body.text) return;
      /** @type {Deed} */
      const deed = text
        ? { kind: "edit", stroke: id, before: { text: body.text }, after: { text } }
        : { kind: "erase", stroke: id, body };
      history.act(deed);
      finish([deed]);
    });
    return;
  }
  const { colour, width } = tools;
  const corner = { x: place.x, y: place.y - width / 2 };
  writing.begin({ place: corner, colour, width, text: "" }, (text) => {
    if (!text) return;
    /** @type {Deed} */
    const deed = { kind: "draw", stroke: randomId(), body: { tool: "text", ...corner, text, colour, width } };
    history.act(deed);
    finish([deed]);
  });
}

const input = new Input(byId("live"), {
  begin: (point, erasing) => tools.begin(point, erasing),
  move: (points, straight) => tools.move(points, straight),
  end: () => tools.end(),
  cancel: () => tools.cancel(),
  hover: (place) => {
    hovered = place;
    signals.pointer(place && toPlaneOf(place));
    if (tools.choice === "eraser") canvas.refresh();
  },
  pan: (dx, dy) => look(panned(canvas.camera, dx, dy)),
  pinch: (before, after) => look(pinched(canvas.camera, before, after)),
  zoom: (factor, place) => look(zoomedTo(canvas.camera, canvas.camera.zoom * factor, place)),
});

/** @param {Place} pixel */
function toPlaneOf({ x, y }) {
  const { camera } = canvas;
  return { x: camera.x + x / camera.zoom, y: camera.y + y / camera.zoom };
}

/** @param {Camera} camera */
function look(camera) {
  canvas.look(camera);
  writing.place();
  toolbar.showZoom(camera.zoom);
  const grid = 32 * camera.zoom * 2 ** Math.round(-Math.log2(camera.zoom));
  const { style } = byId("paper");
  style.setProperty("--grid", `${grid}px`);
  style.setProperty("--grid-x", `${-camera.x * camera.zoom}px`);
  style.setProperty("--grid-y", `${-camera.y * camera.zoom}px`);
}

function fit() {
  const box = replica.ordered().reduce(
    (/** @type {import("./types.js").Box | null} */ box, { body }) => boxOfBoth(box, boxOf(body)),
    null,
  );
  look(box ? fitted(box, canvas.size) : centred({ x: 0, y: 0 }, 1, canvas.size));
}

/** @param {number} zoom */
function zoomTo(zoom) {
  look(zoomedTo(canvas.camera, zoom, { x: canvas.size.width / 2, y: canvas.size.height / 2 }));
}

const toolbar = new Toolbar({
  chosen: (choice, colour, width) => {
    input.cancel();
    writing.finish();
    Object.assign(tools, { choice, colour, width });
    input.panning = choice === "hand";
    byId("live").dataset.tool = choice;
    canvas.refresh();
  },
  command: (command) => {
    input.cancel();
    if (command === "undo") history.undo();
    else if (command === "redo") history.redo();
    else if (command === "zoom-in") zoomTo(canvas.camera.zoom * ZOOM_STEP);
    else if (command === "zoom-out") zoomTo(canvas.camera.zoom / ZOOM_STEP);
    else if (command === "zoom-one") zoomTo(1);
    else fit();
    showHistory();
  },
  space: (held) => {
    input.panning = held || tools.choice === "hand";
    byId("live").dataset.tool = input.panning ? "hand" : tools.choice;
  },
});

function showHistory() {
  toolbar.showHistory(history.canUndo, history.canRedo);
}

const people = new People(me, (name) => {
  me.name = name;
  remember("me", me);
  connection.renew();
});
const title = new Title(byId("title"), (text) => renameDrawing(drawing, text), toast);

byId("share-icon").append(icon("share"));
byId("share").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    toast("The link is copied: whoever has it can draw here.");
  } catch {
    // Over plain http there is no clipboard: the link is shown to be copied by hand.
    prompt("The link to this drawing:", location.href);
  }
});

addEventListener("resize", () => canvas.resize());
addEventListener("beforeunload", (event) => {
  if (state.warns) event.preventDefault();
});
// A page that comes back from the browser's memory lost its lock and its socket.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

toolbar.tell();
showHistory();
canvas.resize();
fit();

// For tests, which look but do not touch.
Object.assign(globalThis, { __whiteboard: { replica, outbox, adoption, canvas, connection, people, remoteInk, pointers, state } });

void adoption.start();
if (await following.load()) {
  const shown = shownBox(canvas.camera, canvas.size);
  if (!replica.ordered().every(({ body }) => overlap(boxOf(body), shown))) fit();
  connection.start();
}
