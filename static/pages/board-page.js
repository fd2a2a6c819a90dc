// @ts-check
/**
 * The drawing page: creates the modules' objects and connects them. Only here do they meet.
 *
 * It must never make decisions of its own: those belong to the modules.
 */

import { isCamera } from "../canvas/camera.js";
import { Canvas } from "../canvas/canvas.js";
import { Hidden } from "../canvas/hidden.js";
import { overlaysOfOthers } from "../canvas/others-overlay.js";
import { boundsOf, hits } from "../kinds/kinds.js";
import { History } from "../model/history.js";
import { isId, randomId, writerOf } from "../model/ids.js";
import { Replica } from "../model/replica.js";
import { Scene } from "../model/scene.js";
import { ApiError, readStrokes, renameDrawing, restoreDrawing, socketAddress } from "../net/api.js";
import { Connection } from "../net/connection.js";
import { FirstRead } from "../net/first-read.js";
import { HistoryKeeper } from "../net/history-keeper.js";
import { loadStored, saveStored } from "../net/local-storage.js";
import { OutboxRecovery } from "../net/outbox-recovery.js";
import { OutboxStore } from "../net/outbox-store.js";
import { Outbox } from "../net/outbox.js";
import { ReplicaKeeper } from "../net/replica-keeper.js";
import { startServiceWorker } from "../net/service-worker.js";
import { Sync } from "../net/sync.js";
import { holdTabLock } from "../net/tab-lock.js";
import { Presence } from "../presence/presence.js";
import { Signals } from "../presence/signals.js";
import { t } from "../strings/strings.js";
import { byId } from "../ui/dom.js";
import { EndedDialog, isGone } from "../ui/ended-dialog.js";
import { failureText, refusalId } from "../ui/failure.js";
import { loadChosenLanguage } from "../ui/language.js";
import { localisePage } from "../ui/localise.js";
import { SaveStatus } from "../ui/save-status.js";
import { setUpShareButton } from "../ui/share-button.js";
import { TitleField } from "../ui/title-field.js";
import { toast } from "../ui/toast.js";
import { boardFiles } from "./board-files.js";
import { BoardInput } from "./board-input.js";
import { BoardPeople } from "./board-people.js";
import { boardLook } from "./board-look.js";
import { EditedByOthers } from "./edited-by-others.js";

// All files are loaded and compatible: disables the reload guard.
document.documentElement.dataset.started = "";
await loadChosenLanguage();
localisePage();

/** Milliseconds between checks for an overdue op. */
const CHECK_OVERDUE_EVERY = 250;

const drawing = location.pathname.split("/").pop() ?? "";
const firstRead = new FirstRead(drawing, () => readStrokes(drawing, 0, null));
const browserKey = loadStored("key", randomId, isId);
const writer = writerOf(browserKey, randomId());

// Not awaited: the page works before the database is open, and without it.
const store = new OutboxStore(drawing, globalThis.indexedDB, () => replicaKeeper.makeRoom());
await holdTabLock(writer, (owner) => store.heartbeat(owner));

const saveStatus = new SaveStatus(byId("save-status"), byId("save-news"));

const scene = new Scene({ boxOf: boundsOf, hits });

const replica = new Replica(
  (id, before, after) => {
    if (after) scene.set(after);
    else scene.delete(id);
    canvas.changed(before, after);
    if (replica.knows(id)) presence.strokeArrived(id);
    presence.strokeChanged(id);
    boardInput.strokeChanged(id);
    editedByOthers.changed();
  },
  (_, { stroke }) => reportRejected(stroke, "refused.lost"),
);
const replicaKeeper = new ReplicaKeeper(drawing, replica, globalThis.indexedDB, {
  filled: (title) => (titleField.set(title), shown()),
  saved: () => firstRead.stored(),
});

const canvas = new Canvas(byId("static"), byId("dynamic"), {
  inBox: (box) => scene.inBox(box),
  dynamic: (now) => {
    const { pointers, moving, ...others } = presence.shown(now);
    return {
      overlays: [...overlaysOfOthers(others), ...boardInput.overlays],
      pointers: pointers.map(({ person: { name, colour }, point }) => ({ name, colour, point })),
      moving,
    };
  },
});

/** What the static layer leaves out. */
const hidden = new Hidden((id) => scene.stroke(id), (strokes) => canvas.hide(strokes));
const editedByOthers = new EditedByOthers(() => presence, hidden, () => canvas.refresh());

const presence = new Presence(
  writer.id,
  (id) => scene.stroke(id),
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
    reportRejected(op.stroke, refusalId(reason));
  },
  countChanged: () => {
    saveStatus.unsaved(outbox.count + recovery.count);
    outbox.hold(recovery.count > 0);
  },
  storeFailed: () => saveStatus.storeFailed(),
};
const address = () => socketAddress(drawing, replica);
const outbox = new Outbox(writer, store, outboxEvents);
const recovery = new OutboxRecovery(writer, store, {
  address,
  recovered: ({ id }, op) => replica.applyOptimistic(id, op),
  outbox: outboxEvents,
});
void store.opened.then(() => saveStatus.storeOpened(store.durable));

const history = new History(
  writer.id,
  (drafts) => {
    const ops = outbox.add(drafts);
    for (const op of ops) replica.applyOptimistic(writer.id, op);
    return ops[0].n;
  },
  () => {
    historyKeeper.changed();
    boardInput.historyChanged();
  },
);
const historyKeeper = new HistoryKeeper(drawing, history);
/**
 * @param {string} stroke
 * @param {import("../strings/strings.js").StringId} reason
 */
function reportRejected(stroke, reason) {
  history.forget(stroke);
  saveStatus.refused(reason);
}

// Receiving from the server.

const endedDialog = new EndedDialog(() => {
  restoreDrawing(drawing).then(() => location.reload(), (error) => toast(t("list.notRestored", { reason: failureText(error) })));
});

/** @param {number} code */
function end(code) {
  if (isGone(code)) replicaKeeper.forget();
  saveStatus.ended(code === 4410 ? "deleted" : "closed");
  endedDialog.show(code);
}

const sync = new Sync(replica, {
  read: (since, epoch) => firstRead.take(since) ?? readStrokes(drawing, since, epoch),
  send: (frame) => connection.send(frame),
  title: showTitle,
  readFailed: (error) => {
    const final = error instanceof ApiError && error.isFinal;
    if (final) end(4000 + error.status);
    // What was stored has arrived late: the rest is the socket's.
    else if (replicaKeeper.useStored()) return false;
    // Only a welcome shows "connected" again, and an open socket receives no second one.
    if (!final && !connection.isOpen) saveStatus.connected(false);
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
  replicaKeeper.changed();
  outbox.receive(frame, (ops) => connection.send(ops));
  signals.receive(frame);
  if (frame.type === "welcome") saveStatus.connected(true, frame.access === "view");
  if (frame.type === "welcome" || frame.type === "drawing") showTitle(frame.title);
  if (frame.type === "people") presence.receivePeople(frame);
  if (frame.type === "signals") presence.receiveSignals(frame, performance.now());
  if (frame.type !== "people" && frame.type !== "signals") return;
  editedByOthers.changed();
  people.refresh();
}

// Input.

const signals = new Signals((frame) => connection.send(frame));

const boardInput = new BoardInput({
  scene,
  canvas,
  history,
  signals,
  look: boardLook(canvas),
  nextOp: () => outbox.next,
  people: () => people,
  positionOf: (n) => replica.positionOf(writer.id, n),
  hidden,
  files: boardFiles({ drawing, scene, canvas, history, viewport: () => viewport, title: () => titleField.text, selected: () => boardInput.selected.selection.strokes, notify: toast }),
  notify: toast,
});
const { viewport } = boardInput;
const people = new BoardPeople({
  author: writer.author,
  presence,
  signals,
  viewport,
  canvas,
  changedMe: () => connection.reconnect(),
  notify: toast,
});
const titleField = new TitleField(byId("title"), (text) => renameDrawing(drawing, text), toast);
setUpShareButton(toast);

/** @param {string} title */
function showTitle(title) {
  titleField.set(title);
  replicaKeeper.title = title;
}

addEventListener("resize", () => boardInput.resized());
addEventListener("beforeunload", (event) => saveStatus.warns && event.preventDefault());
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
savedCamera ? viewport.setCamera(savedCamera, true) : viewport.fit();
const initialCamera = viewport.camera;
// For tests, which only read.
Object.assign(globalThis, { __whiteboard: { replica, scene, canvas, outbox, recovery, viewport, presence, selection: boardInput.selected.selection } });

startServiceWorker();
const recovered = recovery.start();
if (!firstRead.isAsked) await replicaKeeper.fill();
// With a stored replica only the changes since then are asked for, by the socket.
if (replicaKeeper.used || (await sync.load()) || replicaKeeper.used) {
  shown();
  replicaKeeper.loaded();
  connection.start();
}
// Its steps may be based on ops of the page before a reload, which are recovered.
await recovered;
historyKeeper.restore();

/** Some state of the drawing is here. On a first visit it is shown whole, unless the user has moved the view. */
function shown() {
  saveStatus.loaded();
  if (!savedCamera && viewport.camera === initialCamera) viewport.fit();
}
