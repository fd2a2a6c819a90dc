// @ts-check
/**
 * The drawing page: makes its parts and ties them together. Here alone they know of each other.
 *
 * It must never hold a rule: what happens when is said here, what is right is said in the parts.
 */

import { OutboxRecovery } from "./outbox-recovery.js";
import { ApiError, readStrokes, renameDrawing, restoreDrawing, socketAddress } from "./api.js";
import { isCamera } from "./camera.js";
import { Canvas } from "./canvas.js";
import { Connection } from "./connection.js";
import { Edits } from "./edits.js";
import { byId } from "./dom.js";
import { EndedDialog } from "./ended-dialog.js";
import { Sync } from "./sync.js";
import { History } from "./history.js";
import { isId, randomId, writerOf } from "./ids.js";
import { Input } from "./input.js";
import { Presence } from "./presence.js";
import { Outbox } from "./outbox.js";
import { holdTabLock } from "./tab-lock.js";
import { FONT, boxOf, touches } from "./renderer.js";
import { PeoplePanel, cleanName, randomIdentity } from "./people-panel.js";
import { loadStored, saveStored } from "./local-storage.js";
import { Replica } from "./replica.js";
import { setUpShareButton } from "./share.js";
import { OutboxStore } from "./outbox-store.js";
import { Signals } from "./signals.js";
import { SaveStatus } from "./save-status.js";
import { TitleField } from "./title-field.js";
import { toast } from "./toast.js";
import { Toolbar } from "./toolbar.js";
import { ERASER_RADIUS, Tools } from "./tools.js";
import { Viewport } from "./viewport.js";
import { TextEditor } from "./text-editor.js";

// All files are here and fit together: from now on the page does not load itself again.
document.documentElement.dataset.started = "";

/** @typedef {import("./types.js").PlanePoint} PlanePoint */

const drawing = location.pathname.split("/").pop() ?? "";
const browserKey = loadStored("key", randomId, isId);
const me = loadStored("me", randomIdentity, ({ name, colour }) => name !== "" && name === cleanName(name) && /^#[0-9a-f]{6}$/.test(colour));
const writer = writerOf(browserKey, randomId());

const store = await OutboxStore.open(drawing, globalThis.indexedDB);
await holdTabLock(writer, (owner) => store.heartbeat(owner));

const saveStatus = new SaveStatus(byId("save-status"));
/** @type {PlanePoint | null} where the own pointer is */
let hovered = null;

const replica = new Replica(
  (id, before, after) => {
    if (before) canvas.damage(boxOf(before.body));
    if (after) canvas.damage(boxOf(after.body));
    if (replica.knows(id)) presence.strokeArrived(id);
  },
  (_, { stroke }) => reportRejected(stroke, "a stroke is not here that was sent before: it was refused, or someone erased it"),
);

const canvas = new Canvas(byId("static"), byId("dynamic"), {
  strokes: () => replica.ordered(),
  dynamic: (now) => {
    const { inks, pointers, moving } = presence.shown(now);
    const erasing = tools.choice === "eraser" && !input.panning;
    return {
      inks: tools.active ? [...inks, tools.active] : inks,
      pointers: pointers.map(({ person: { name, colour }, point }) => ({ name, colour, point })),
      ring: erasing && hovered ? { centre: hovered, radius: ERASER_RADIUS } : null,
      moving,
    };
  },
});

const presence = new Presence(
  writer.id,
  (stroke) => replica.knows(stroke),
  (audience) => {
    signals.setAudience(audience);
    peoplePanel.set(audience.listed, audience.count, writer.author);
  },
  () => connection.send({ type: "people" }),
);

// What this browser wants.

/** @type {import("./outbox.js").OutboxEvents} */
const outboxOn = {
  answered: ({ id }, n, position) => {
    replica.answered(id, n, position);
    sync.answered();
  },
  refused: ({ id }, op, { message }) => {
    replica.refused(id, op.n);
    reportRejected(op.stroke, message);
  },
  count: () => saveStatus.unsaved(outbox.count + recovery.count),
  storeFailed: () => {
    saveStatus.fragile = true;
  },
};
const address = () => socketAddress(drawing, replica);
const outbox = new Outbox(writer, store, outboxOn);
const recovery = new OutboxRecovery(writer, store, {
  address,
  recovered: ({ id }, op) => replica.applyOptimistic(id, op),
  outbox: outboxOn,
});
saveStatus.fragile = !store.durable;

const history = new History(
  writer.id,
  (draft) => {
    const op = outbox.add(draft);
    replica.applyOptimistic(writer.id, op);
    return op.n;
  },
  () => toolbar.showHistory(history.canUndo, history.canRedo),
);

/**
 * @param {string} stroke
 * @param {string} reason
 */
function reportRejected(stroke, reason) {
  history.forget(stroke);
  toast(`Not done: ${reason}`);
}

// What the server tells.

const endedDialog = new EndedDialog(() => {
  restoreDrawing(drawing).then(() => location.reload(), ({ message }) => toast(message));
});

const sync = new Sync(replica, {
  read: (since, epoch, target) => readStrokes(drawing, since, epoch, target),
  send: (frame) => connection.send(frame),
  title: (text) => titleField.set(text),
  readFailed: (error) => {
    const final = error instanceof ApiError && error.isFinal;
    if (final) endedDialog.show(4000 + error.status);
    // An open socket needs no welcome again, which alone would take this back.
    else if (!connection.isOpen) saveStatus.connected(false);
    return !final;
  },
});

const connection = new Connection(address, {
  opened: () => {
    sync.opened();
    presence.opened();
    const { key, tab } = writer;
    connection.send({ type: "hello", key, tab, name: me.name, colour: me.colour, next: outbox.first });
  },
  frame,
  closed: () => {
    outbox.closed();
    saveStatus.connected(false);
  },
  ended: (code) => {
    outbox.closed();
    saveStatus.connected(false);
    // A socket that was open and finds no drawing any more was there when it was deleted.
    endedDialog.show(code === 4404 ? 4410 : code);
  },
});

/** @param {import("./types.js").FromServer} frame */
function frame(frame) {
  sync.receive(frame);
  outbox.receive(frame, (ops) => connection.send(ops));
  signals.receive(frame);
  if (frame.type === "welcome") saveStatus.connected(true);
  if (frame.type === "welcome" || frame.type === "drawing") titleField.set(frame.title);
  if (frame.type === "people") presence.receivePeople(frame);
  if (frame.type === "signals") presence.receiveSignals(frame, performance.now());
  if (frame.type === "people" || frame.type === "signals") canvas.refresh();
}

// What hands do.

const signals = new Signals((frame) => connection.send(frame));

const edits = new Edits({
  act: (edit) => history.act(edit),
  finish: (edits) => history.finish(edits),
  strokesTouched: (from, to, radius) => replica.ordered().filter(({ body }) => touches(body, from, to, radius)),
  write: (style, onDone) => textEditor.open(style, onDone),
});

const tools = new Tools(() => viewport.camera, {
  ink: ({ points, ...style }, moved) => {
    signals.ink({ ...style, n: outbox.next }, points, moved);
    canvas.refresh();
  },
  drawn: (stroke, body) => {
    signals.inkDone();
    edits.drawn(stroke, body);
  },
  cancelled: () => {
    signals.inkCancelled();
    canvas.refresh();
  },
  erase: (from, to, radius) => edits.erase(from, to, radius),
  erased: () => edits.erased(),
  text: (point) => {
    // The press that ends one text does not begin another.
    if (!textEditor.justFinished) edits.write(point, tools);
  },
});

const viewport = new Viewport(byId("paper"), {
  size: () => canvas.size,
  boxes: () => replica.ordered().map(({ body }) => boxOf(body)),
  onCamera: (camera) => {
    canvas.setCamera(camera);
    textEditor.reposition();
    toolbar.showZoom(camera.zoom);
  },
});

const textEditor = new TextEditor(byId("text-editor"), FONT, (point) => ({ ...viewport.toScreen(point), zoom: viewport.camera.zoom }));

const input = new Input(byId("dynamic"), {
  begin: (point, erasing) => tools.begin(point, erasing),
  move: (points, straight) => tools.move(points, straight),
  end: () => tools.end(),
  cancel: () => tools.cancel(),
  hover: (pixel) => {
    hovered = pixel && viewport.toPlane(pixel);
    signals.pointer(hovered);
    if (tools.choice === "eraser") canvas.refresh();
  },
  pan: (dx, dy) => viewport.pan(dx, dy),
  pinch: (before, after) => viewport.pinch(before, after),
  zoom: (factor, pixel) => viewport.zoom(factor, pixel),
});

const toolbar = new Toolbar({
  chosen: (choice, colour, width) => {
    input.cancel();
    textEditor.finish();
    Object.assign(tools, { choice, colour, width });
    input.panning = choice === "hand";
    byId("dynamic").dataset.tool = choice;
    canvas.refresh();
  },
  command: (command) => {
    input.cancel();
    if (command === "undo") history.undo();
    else if (command === "redo") history.redo();
    else viewport.command(command);
  },
  space: (held) => {
    input.panning = held || tools.choice === "hand";
    byId("dynamic").dataset.tool = input.panning ? "hand" : tools.choice;
  },
});

const peoplePanel = new PeoplePanel(me, (name) => {
  me.name = name;
  saveStored("me", me);
  // A page says who it is once for each socket.
  connection.reconnect();
});
const titleField = new TitleField(byId("title"), (text) => renameDrawing(drawing, text), toast);
setUpShareButton(toast);

addEventListener("resize", () => canvas.resize());
addEventListener("beforeunload", (event) => {
  if (saveStatus.warns) event.preventDefault();
});
// A page that comes back from the browser's memory lost its lock and its socket.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

addEventListener("pagehide", () => saveStored(`view-${drawing}`, viewport.camera, "sessionStorage"));

toolbar.notify();
toolbar.showHistory(false, false);
canvas.resize();
const before = loadStored(`view-${drawing}`, () => null, isCamera, "sessionStorage");
if (before) viewport.setCamera(before);
else viewport.fit();
const began = viewport.camera;

// For tests, which style but do not touch.
Object.assign(globalThis, { __whiteboard: { replica, outbox, recovery, viewport, presence } });

recovery.start();
if (await sync.load()) {
  // Who comes for the first time sees everything, unless they looked around already.
  if (!before && viewport.camera === began) viewport.fit();
  connection.start();
}
