// @ts-check
/**
 * The drawing page: makes its parts and ties them together. Here alone they know of each other.
 *
 * It must never hold a rule: what happens when is said here, what is right is said in the parts.
 */

import { Adoption } from "./outbox-recovery.js";
import { ApiError, readStrokes, renameDrawing, restoreDrawing, socketAddress } from "./api.js";
import { isCamera } from "./camera.js";
import { Canvas } from "./canvas.js";
import { Connection } from "./connection.js";
import { Deeds } from "./edits.js";
import { byId } from "./dom.js";
import { Ending } from "./ended-dialog.js";
import { Following } from "./sync.js";
import { History } from "./history.js";
import { isId, randomId, writerOf } from "./ids.js";
import { Input } from "./input.js";
import { Others } from "./presence.js";
import { Outbox } from "./outbox.js";
import { live } from "./tab-lock.js";
import { FONT, boxOf, touches } from "./renderer.js";
import { People, nameIn, somebody } from "./people-panel.js";
import { kept, remember } from "./local-storage.js";
import { Replica } from "./replica.js";
import { offerLink } from "./share.js";
import { Shelf } from "./outbox-store.js";
import { Signals } from "./signals.js";
import { State } from "./save-status.js";
import { Title } from "./title-field.js";
import { toast } from "./toast.js";
import { Toolbar } from "./toolbar.js";
import { ERASER_RADIUS, Tools } from "./tools.js";
import { View } from "./viewport.js";
import { Writing } from "./text-editor.js";

// All files are here and fit together: from now on the page does not load itself again.
document.documentElement.dataset.started = "";

/** @typedef {import("./types.js").Place} Place */

const drawing = location.pathname.split("/").pop() ?? "";
const browserKey = kept("key", randomId, isId);
const me = kept("me", somebody, ({ name, colour }) => name !== "" && name === nameIn(name) && /^#[0-9a-f]{6}$/.test(colour));
const writer = writerOf(browserKey, randomId());

const shelf = await Shelf.open(drawing, globalThis.indexedDB);
await live(writer, (owner) => shelf.beat(owner));

const state = new State(byId("state"));
/** @type {Place | null} where the own pointer is */
let hovered = null;

const replica = new Replica(
  (id, before, after) => {
    if (before) canvas.damage(boxOf(before.body));
    if (after) canvas.damage(boxOf(after.body));
    if (replica.knows(id)) others.arrived(id);
  },
  (_, { stroke }) => notDone(stroke, "a stroke is not here that was sent before: it was refused, or someone erased it"),
);

const canvas = new Canvas(byId("settled"), byId("live"), {
  strokes: () => replica.ordered(),
  live: (now) => {
    const { inks, pointers, moving } = others.shown(now);
    const erasing = tools.choice === "eraser" && !input.panning;
    return {
      inks: tools.growing ? [...inks, tools.growing] : inks,
      pointers: pointers.map(({ person: { name, colour }, place }) => ({ name, colour, place })),
      ring: erasing && hovered ? { place: hovered, radius: ERASER_RADIUS } : null,
      moving,
    };
  },
});

const others = new Others(
  writer.id,
  (stroke) => replica.knows(stroke),
  (audience) => {
    signals.audience(audience);
    people.set(audience.everyone, audience.count, writer.author);
  },
  () => connection.send({ type: "people" }),
);

// What this browser wants.

/** @type {import("./outbox.js").OutboxNews} */
const outboxOn = {
  answered: ({ id }, n, at) => {
    replica.answered(id, n, at);
    following.answered();
  },
  refused: ({ id }, op, { message }) => {
    replica.refused(id, op.n);
    notDone(op.stroke, message);
  },
  count: () => state.unsaved(outbox.count + adoption.count),
  shelfFailed: () => {
    state.fragile = true;
  },
};
const address = () => socketAddress(drawing, replica);
const outbox = new Outbox(writer, shelf, outboxOn);
const adoption = new Adoption(writer, shelf, {
  address,
  adopted: ({ id }, op) => replica.wish(id, op),
  outbox: outboxOn,
});
state.fragile = !shelf.durable;

const history = new History(
  writer.id,
  (wish) => {
    const op = outbox.add(wish);
    replica.wish(writer.id, op);
    return op.n;
  },
  () => toolbar.showHistory(history.canUndo, history.canRedo),
);

/**
 * @param {string} stroke
 * @param {string} reason
 */
function notDone(stroke, reason) {
  history.forget(stroke);
  toast(`Not done: ${reason}`);
}

// What the server tells.

const ending = new Ending(() => {
  restoreDrawing(drawing).then(() => location.reload(), ({ message }) => toast(message));
});

const following = new Following(replica, {
  read: (since, epoch, target) => readStrokes(drawing, since, epoch, target),
  ask: (frame) => connection.send(frame),
  title: (text) => title.set(text),
  readFailed: (error) => {
    const final = error instanceof ApiError && error.isFinal;
    if (final) ending.show(4000 + error.status);
    // An open socket needs no welcome again, which alone would take this back.
    else if (!connection.isOpen) state.connected(false);
    return !final;
  },
});

const connection = new Connection(address, {
  opened: () => {
    following.opened();
    others.opened();
    const { key, tab } = writer;
    connection.send({ type: "hello", key, tab, name: me.name, colour: me.colour, next: outbox.first });
  },
  frame,
  closed: () => {
    outbox.closed();
    state.connected(false);
  },
  ended: (code) => {
    outbox.closed();
    state.connected(false);
    // A socket that was open and finds no drawing any more was there when it was deleted.
    ending.show(code === 4404 ? 4410 : code);
  },
});

/** @param {import("./types.js").FromServer} frame */
function frame(frame) {
  following.frame(frame);
  outbox.frame(frame, (ops) => connection.send(ops));
  signals.frame(frame);
  if (frame.type === "welcome") state.connected(true);
  if (frame.type === "welcome" || frame.type === "drawing") title.set(frame.title);
  if (frame.type === "people") others.takePeople(frame);
  if (frame.type === "signals") others.take(frame, performance.now());
  if (frame.type === "people" || frame.type === "signals") canvas.refresh();
}

// What hands do.

const signals = new Signals((frame) => connection.send(frame));

const deeds = new Deeds({
  act: (deed) => history.act(deed),
  finish: (deeds) => history.finish(deeds),
  touched: (from, to, radius) => replica.ordered().filter(({ body }) => touches(body, from, to, radius)),
  write: (look, written) => writing.begin(look, written),
});

const tools = new Tools(() => view.camera, {
  ink: ({ points, ...look }, moved) => {
    signals.ink({ ...look, n: outbox.next }, points, moved);
    canvas.refresh();
  },
  drawn: (stroke, body) => {
    signals.inkDone();
    deeds.drawn(stroke, body);
  },
  cancelled: () => {
    signals.inkCancelled();
    canvas.refresh();
  },
  erase: (from, to, radius) => deeds.erase(from, to, radius),
  erased: () => deeds.erased(),
  text: (place) => {
    // The press that ends one text does not begin another.
    if (!writing.justFinished) deeds.write(place, tools);
  },
});

const view = new View(byId("paper"), {
  size: () => canvas.size,
  boxes: () => replica.ordered().map(({ body }) => boxOf(body)),
  looked: (camera) => {
    canvas.look(camera);
    writing.place();
    toolbar.showZoom(camera.zoom);
  },
});

const writing = new Writing(byId("writing"), FONT, (place) => ({ ...view.toWindow(place), zoom: view.camera.zoom }));

const input = new Input(byId("live"), {
  begin: (point, erasing) => tools.begin(point, erasing),
  move: (points, straight) => tools.move(points, straight),
  end: () => tools.end(),
  cancel: () => tools.cancel(),
  hover: (pixel) => {
    hovered = pixel && view.toPlane(pixel);
    signals.pointer(hovered);
    if (tools.choice === "eraser") canvas.refresh();
  },
  pan: (dx, dy) => view.pan(dx, dy),
  pinch: (before, after) => view.pinch(before, after),
  zoom: (factor, pixel) => view.zoom(factor, pixel),
});

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
    else view.command(command);
  },
  space: (held) => {
    input.panning = held || tools.choice === "hand";
    byId("live").dataset.tool = input.panning ? "hand" : tools.choice;
  },
});

const people = new People(me, (name) => {
  me.name = name;
  remember("me", me);
  // A page says who it is once for each socket.
  connection.renew();
});
const title = new Title(byId("title"), (text) => renameDrawing(drawing, text), toast);
offerLink(toast);

addEventListener("resize", () => canvas.resize());
addEventListener("beforeunload", (event) => {
  if (state.warns) event.preventDefault();
});
// A page that comes back from the browser's memory lost its lock and its socket.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

addEventListener("pagehide", () => remember(`view-${drawing}`, view.camera, "sessionStorage"));

toolbar.tell();
toolbar.showHistory(false, false);
canvas.resize();
const before = kept(`view-${drawing}`, () => null, isCamera, "sessionStorage");
if (before) view.show(before);
else view.fit();
const began = view.camera;

// For tests, which look but do not touch.
Object.assign(globalThis, { __whiteboard: { replica, outbox, adoption, view, others } });

adoption.start();
if (await following.load()) {
  // Who comes for the first time sees everything, unless they looked around already.
  if (!before && view.camera === began) view.fit();
  connection.start();
}
