// @ts-check
/**
 * The drawing page: creates the modules' objects and connects them. Only here do they meet.
 *
 * It must never make decisions of its own: those belong to the modules.
 */

import { isCamera, shownBox } from "../canvas/camera.js";
import { Canvas } from "../canvas/canvas.js";
import { bodyOfInk } from "../kinds/body-points.js";
import { boundsOf, hits } from "../kinds/kinds.js";
import { History } from "../model/history.js";
import { isId, randomId, writerOf } from "../model/ids.js";
import { Replica } from "../model/replica.js";
import { Scene } from "../model/scene.js";
import { ApiError, readStrokes, renameDrawing, restoreDrawing, socketAddress } from "../net/api.js";
import { Connection } from "../net/connection.js";
import { loadStored, saveStored } from "../net/local-storage.js";
import { OutboxRecovery } from "../net/outbox-recovery.js";
import { OutboxStore } from "../net/outbox-store.js";
import { Outbox } from "../net/outbox.js";
import { Sync } from "../net/sync.js";
import { holdTabLock } from "../net/tab-lock.js";
import { Presence } from "../presence/presence.js";
import { Signals } from "../presence/signals.js";
import { t } from "../strings/strings.js";
import { byId } from "../ui/dom.js";
import { EndedDialog } from "../ui/ended-dialog.js";
import { failureText } from "../ui/failure.js";
import { loadChosenLanguage } from "../ui/language.js";
import { localisePage } from "../ui/localise.js";
import { SaveStatus } from "../ui/save-status.js";
import { setUpShareButton } from "../ui/share-sheet.js";
import { StrokeList } from "../ui/stroke-list.js";
import { TitleField } from "../ui/title-field.js";
import { toast } from "../ui/toast.js";
import { BoardInput } from "./board-input.js";
import { BoardPeople } from "./board-people.js";

// All files are loaded and compatible: disables the reload guard.
document.documentElement.dataset.started = "";
await loadChosenLanguage();
localisePage();

/** Why an op was refused, by the server's code.
 * @type {Record<string, import("../strings/strings.js").StringId>} */
const REFUSALS = {
  absent: "refused.absent",
  changed: "refused.changed",
  erased: "refused.erased",
  forbidden: "refused.forbidden",
  full: "refused.full",
};
/** Milliseconds between checks for an overdue op. */
const CHECK_OVERDUE_EVERY = 250;

const drawing = location.pathname.split("/").pop() ?? "";
const browserKey = loadStored("key", randomId, isId);
const writer = writerOf(browserKey, randomId());

// Not awaited: the page works before the database is open, and without it.
const store = new OutboxStore(drawing, globalThis.indexedDB);
await holdTabLock(writer, (owner) => store.heartbeat(owner));

const saveStatus = new SaveStatus(byId("save-status"));

const scene = new Scene({ boxOf: boundsOf, hits });

const replica = new Replica(
  (id, before, after) => {
    if (after) scene.set(after);
    else scene.delete(id);
    if (before) canvas.damage(boundsOf(before.body));
    if (after) canvas.damage(boundsOf(after.body));
    if (replica.knows(id)) presence.strokeArrived(id);
    boardInput.checkAstray();
    strokeList.changed();
  },
  (_, { stroke }) => reportRejected(stroke, "refused.lost"),
);

const canvas = new Canvas(byId("static"), byId("dynamic"), {
  inBox: (box) => scene.inBox(box),
  dynamic: (now) => {
    const { inks, pointers, moving } = presence.shown(now);
    return {
      overlays: [{ bodies: inks.map(({ kind, colour, width, points }) => bodyOfInk({ kind, colour, width }, points)) }, ...boardInput.overlays],
      pointers: pointers.map(({ person: { name, colour }, point }) => ({ name, colour, point })),
      moving,
    };
  },
});

const presence = new Presence(
  writer.id,
  (stroke) => replica.knows(stroke),
  (audience) => {
    signals.setAudience(audience);
    people.setAudience(audience);
  },
  () => connection.send({ type: "people" }),
  (person) => people.invited(person),
);

// Sending ops.

/** @type {import("../net/outbox.js").OutboxEvents} */
const outboxEvents = {
  answered: ({ id }, n, position) => {
    replica.answered(id, n, position);
    sync.answered();
  },
  refused: ({ id }, op, { reason }) => {
    replica.refused(id, op.n);
    reportRejected(op.stroke, REFUSALS[reason] ?? "refused.other");
  },
  countChanged: () => saveStatus.unsaved(outbox.count + recovery.count),
  storeFailed: () => {
    saveStatus.fragile = true;
  },
};
const address = () => socketAddress(drawing, replica);
const outbox = new Outbox(writer, store, outboxEvents);
const recovery = new OutboxRecovery(writer, store, {
  address,
  recovered: ({ id }, op) => replica.applyOptimistic(id, op),
  outbox: outboxEvents,
});
saveStatus.fragile = true;
void store.opened.then(() => (saveStatus.fragile = !store.durable));

const history = new History(
  writer.id,
  (drafts) => {
    const ops = outbox.add(drafts);
    for (const op of ops) replica.applyOptimistic(writer.id, op);
    return ops[0].n;
  },
  () => boardInput.historyChanged(),
);

/**
 * @param {string} stroke
 * @param {import("../strings/strings.js").StringId} reason
 */
function reportRejected(stroke, reason) {
  history.forget(stroke);
  toast(t("refused", { reason: t(reason) }));
}

// Receiving from the server.

const endedDialog = new EndedDialog(() => {
  restoreDrawing(drawing).then(() => location.reload(), (error) => toast(t("list.notRestored", { reason: failureText(error) })));
});

/** @param {number} code */
function end(code) {
  saveStatus.ended();
  endedDialog.show(code);
}

const sync = new Sync(replica, {
  read: (since, epoch, target) => readStrokes(drawing, since, epoch, target),
  send: (frame) => connection.send(frame),
  title: (text) => titleField.set(text),
  readFailed: (error) => {
    const final = error instanceof ApiError && error.isFinal;
    if (final) end(4000 + error.status);
    // Only a welcome shows "connected" again, and an open socket receives no second one.
    else if (!connection.isOpen) saveStatus.connected(false);
    return !final;
  },
});

setInterval(() => outbox.becameOverdue(performance.now()) && connection.pingForOverdueOp(), CHECK_OVERDUE_EVERY);

const connection = new Connection(address, {
  opened: () => {
    sync.opened();
    presence.opened();
    const { key, tab } = writer;
    const { me } = people;
    connection.send({ type: "hello", key, tab, name: me.name, colour: me.colour, next: outbox.first });
  },
  frame,
  closed: () => {
    outbox.closed();
    saveStatus.connected(false);
  },
  ended: (code) => {
    outbox.closed();
    // The page was loaded, so the drawing existed: not found means that it was deleted since.
    end(code === 4404 ? 4410 : code);
  },
});

/** @param {import("../model/types.js").FromServer} frame */
function frame(frame) {
  sync.receive(frame);
  outbox.receive(frame, (ops) => connection.send(ops));
  signals.receive(frame);
  if (frame.type === "welcome") saveStatus.connected(true);
  if (frame.type === "welcome" || frame.type === "drawing") titleField.set(frame.title);
  if (frame.type === "people") presence.receivePeople(frame);
  if (frame.type === "signals") presence.receiveSignals(frame, performance.now());
  if (frame.type !== "people" && frame.type !== "signals") return;
  canvas.refresh();
  people.refresh();
}

// Input.

const signals = new Signals((frame) => connection.send(frame));

const boardInput = new BoardInput({
  scene,
  canvas,
  history,
  signals,
  nextOp: () => outbox.next,
  cameraMoved: (camera) => {
    people.cameraMoved(camera);
    strokeList.changed();
  },
  call: () => people.call(),
  closePanel: () => people.closePanel(),
  notify: toast,
});
const { viewport } = boardInput;

const people = new BoardPeople({
  author: writer.author,
  presence,
  signals,
  viewport,
  size: () => canvas.size,
  free: () => boardInput.free,
  // Only a new socket's `hello` carries the new name and colour.
  changedMe: () => connection.reconnect(),
  notify: toast,
});

const strokeList = new StrokeList(byId("strokes"), {
  inSight: () => scene.inBox(shownBox(viewport.camera, canvas.size)),
  count: () => scene.size,
});

const titleField = new TitleField(byId("title"), (text) => renameDrawing(drawing, text), toast);
setUpShareButton(toast);

addEventListener("resize", () => {
  boardInput.resized();
  people.resized();
});
addEventListener("beforeunload", (event) => {
  if (saveStatus.warns) event.preventDefault();
});
addEventListener("pagehide", () => {
  saveStored(`camera-${drawing}`, viewport.camera, "sessionStorage");
  // In the back/forward cache an open socket would show its user as present.
  connection.stop();
  recovery.stop();
  outbox.closed();
});
// A page restored from there has lost its lock and its sockets.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

canvas.resize();
const savedCamera = loadStored(`camera-${drawing}`, () => null, isCamera, "sessionStorage");
if (savedCamera) viewport.setCamera(savedCamera);
else viewport.fit();
const initialCamera = viewport.camera;

// For tests, which only read.
Object.assign(globalThis, { __whiteboard: { replica, scene, outbox, recovery, viewport, presence } });

recovery.start();
if (await sync.load()) {
  // On a first visit show the whole drawing, unless the user has moved the view already.
  if (!savedCamera && viewport.camera === initialCamera) viewport.fit();
  connection.start();
}
