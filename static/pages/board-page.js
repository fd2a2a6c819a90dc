// @ts-check
/**
 * The drawing page: creates the modules' objects and connects them. Only here do they meet. What a person needs
 * once the drawing is painted is loaded after that: see `board-interaction.js`.
 *
 * It must never make decisions of its own: those belong to the modules.
 */

import { Hidden } from "../canvas/hidden.js";
import { overlaysOfOthers } from "../canvas/others-overlay.js";
import { History } from "../model/history.js";
import { isSecret, randomSecret, writerOf } from "../model/ids.js";
import { ApiError, renameDrawing, socketAddress } from "../net/api.js";
import { Connection } from "../net/connection.js";
import { HistoryKeeper } from "../net/history-keeper.js";
import { loadStored, saveStored } from "../net/local-storage.js";
import { OutboxRecovery } from "../net/outbox-recovery.js";
import { OutboxStore } from "../net/outbox-store.js";
import { Outbox } from "../net/outbox.js";
import { ReplicaKeeper } from "../net/replica-keeper.js";
import { startServiceWorker } from "../net/service-worker.js";
import { holdTabLock } from "../net/tab-lock.js";
import { Presence } from "../presence/presence.js";
import { Signals } from "../presence/signals.js";
import { byId } from "../ui/dom.js";
import { refusalId } from "../ui/failure.js";
import { loadChosenLanguage } from "../ui/chosen-language.js";
import { localisePage } from "../ui/localise.js";
import { SaveStatus } from "../ui/save-status.js";
import { TitleField } from "../ui/title-field.js";
import { toast } from "../ui/toast.js";
import { boardFiles } from "./board-files.js";
import { boardLook } from "./board-look.js";
import { appearance, canvas, connectPage, pictures, reading, replica, scene, show, sync, viewport } from "./early-board.js";
import { access, drawing, firstRead } from "./early-read.js";
import { EditedByOthers } from "./edited-by-others.js";
import { fetchLaterModules, onceWhenPainted } from "./later-modules.js";
import { listenToLeaving } from "./leaving.js";
import { loadMe } from "./me.js";

await loadChosenLanguage();
localisePage();

/** Milliseconds between checks for an overdue op. */
const CHECK_OVERDUE_EVERY = 250;
/** Milliseconds of a first read after which the rest of the page is loaded without it. */
const SLOW_READ = 1_000;
access.listen({ changed: showRights, key: (renewal) => (renewal && connection.send(renewal)) || connection.reconnect(), parts: () => ({ drawing, replica, title: () => titleField.text, notify: toast }) });
const browserKey = loadStored("key", randomSecret, isSecret);
const writer = writerOf(browserKey, randomSecret());

// Not awaited: the page works before the database is open, and without it.
const store = new OutboxStore(drawing, globalThis.indexedDB, () => replicaKeeper.makeRoom());
await holdTabLock(writer, (owner) => store.heartbeat(owner));

const saveStatus = new SaveStatus(byId("save-status"), byId("save-news"));
const replicaKeeper = new ReplicaKeeper(drawing, replica, globalThis.indexedDB, {
  filled: (title) => (showTitle(title), shown()),
  saved: () => firstRead.stored(),
});

/** What the static layer leaves out. */
const hidden = new Hidden((id) => scene.stroke(id), (strokes) => canvas.hide(strokes));
const editedByOthers = new EditedByOthers(() => presence, hidden, () => canvas.refresh());

const presence = new Presence(
  writer.id,
  (id) => scene.stroke(id),
  (stroke) => replica.knows(stroke),
  (audience) => (signals.setAudience(audience), interaction?.people.setAudience(audience)),
  () => connection.send({ type: "people" }),
  (person) => interaction?.people.invited(person),
);

// Sending ops.

/** @type {import("../net/outbox.js").OutboxEvents} */
const outboxEvents = {
  answered: ({ id }, n, position) => {
    replica.answered(id, n, position);
    sync.answered();
  },
  refused: ({ id }, op, { reason }) => {
    access.refused(replica.stroke(op.stroke), reason);
    replica.refused(id, op.n);
    reportRejected(op.stroke, refusalId(reason));
  },
  countChanged: () => {
    saveStatus.unsaved(outbox.count + recovery.count + files.waiting.bodies.length);
    outbox.hold(recovery.count > 0);
  },
  storeFailed: () => saveStatus.storeFailed(),
};
const address = () => socketAddress(drawing, replica);
const outbox = new Outbox(writer, store, outboxEvents);
const recovery = new OutboxRecovery(writer, store, {
  address,
  token: () => access.token,
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
  () => (historyKeeper.changed(), interaction?.input.historyChanged()),
);
const historyKeeper = new HistoryKeeper(drawing, history);

/** @type {(stroke: string, reason: import("../strings/strings.js").StringId) => void} */
function reportRejected(stroke, reason) {
  history.forget(stroke);
  saveStatus.refused(reason);
}

// Receiving from the server.

/** @param {number} code */
function end(code) {
  saveStatus.ended(code === 4410 ? "deleted" : "closed");
  if (access.end(code)) replicaKeeper.forget();
}

/** @param {unknown} error */
function readFailed(error) {
  const final = error instanceof ApiError && error.isFinal;
  if (final && access.denied(4000 + error.status)) return true;
  if (final) end(4000 + error.status);
  // What was stored has arrived late: the rest is the socket's.
  else if (replicaKeeper.useStored()) return false;
  // Only a welcome shows "connected" again, and an open socket receives no second one.
  if (!final && !connection.isOpen) saveStatus.connected(false);
  return !final;
}

setInterval(() => outbox.becameOverdue(performance.now()) && connection.pingForOverdueOp(), CHECK_OVERDUE_EVERY);

const connection = new Connection(address, {
  opened: () => {
    sync.opened();
    presence.opened();
    const { key, tab } = writer;
    const { name, colour } = interaction?.people.me ?? loadMe();
    connection.send({ type: "hello", key, tab, name, colour, next: outbox.first, ...access.token });
  },
  frame,
  closed: () => (outbox.closed(), saveStatus.connected(false)),
  ended: (code) => {
    outbox.closed();
    if (access.denied(code)) connection.start();
    // The page was loaded, so the drawing existed: not found means that it was deleted since.
    else end(code === 4404 ? 4410 : code);
  },
});

/** @param {import("../model/types.js").FromServer} frame */
function frame(frame) {
  if (access.receive(frame)) return connection.reconnect();
  sync.receive(frame);
  replicaKeeper.changed();
  outbox.receive(frame, (ops) => connection.send(ops));
  signals.receive(frame);
  if (frame.type === "welcome") saveStatus.connected(true);
  if (frame.type === "welcome" || frame.type === "drawing") showTitle(frame.title);
  if (frame.type === "people") presence.receivePeople(frame);
  if (frame.type === "signals") presence.receiveSignals(frame, performance.now());
  if (frame.type !== "people" && frame.type !== "signals") return;
  editedByOthers.changed();
  interaction?.people.refresh();
}

const signals = new Signals((frame) => connection.send(frame));
/** @type {import("./board-interaction.js").BoardInteraction | null} */
let interaction = null;
const titleField = new TitleField(byId("title"), (text) => renameDrawing(drawing, text), toast);
const look = boardLook(canvas, appearance);
const files = boardFiles({ factory: globalThis.indexedDB, drawing, keyed: access.mode !== "open", readOnly: () => access.limit !== null, scene, canvas, pictures, history, viewport, title: () => titleField.text, selected: () => interaction?.input.selected.selection.strokes ?? [], waits: outboxEvents.countChanged, notify: toast });

/** Loads what a person needs once the drawing is painted. */
const interactive = onceWhenPainted(canvas, async () => {
  fetchLaterModules();
  const { BoardInteraction } = await import("./board-interaction.js");
  interaction = new BoardInteraction({
    ...{ access, drawing, title: titleField, scene, canvas, history, signals, presence, viewport, look, files, hidden },
    author: () => access.author,
    nextOp: () => outbox.next,
    positionOf: (n) => replica.positionOf(writer.id, n),
    changedMe: () => connection.reconnect(),
  });
  // All files are loaded and compatible: disables the reload guard.
  document.documentElement.dataset.started = "";
});

showRights();

function showRights() {
  saveStatus.limited(access.limit);
  interaction?.showRights();
}

/** @param {string} text */
function showTitle(text) {
  titleField.set(text);
  replicaKeeper.title = text;
}

addEventListener("resize", () => interaction?.input.resized());
listenToLeaving({
  warns: () => saveStatus.warns,
  left: () => {
    saveStored(`camera-${drawing}`, viewport.camera, "sessionStorage");
    // In the back/forward cache an open socket would show its user as present.
    connection.stop();
    recovery.stop();
    outbox.closed();
  },
});

connectPage({
  changed: (id) => {
    if (replica.knows(id)) presence.strokeArrived(id);
    presence.strokeChanged(id);
    interaction?.input.strokeChanged(id);
    editedByOthers.changed();
  },
  lost: ({ stroke }) => reportRejected(stroke, "refused.lost"),
  dynamic: (now) => {
    const { pointers, moving, ...others } = presence.shown(now);
    return {
      overlays: [...overlaysOfOthers(others), files.waiting, ...(interaction?.input.overlays ?? [])],
      pointers: pointers.map(({ person: { name, colour }, point }) => ({ name, colour, point })),
      moving,
    };
  },
  cameraMoved: (camera) => interaction?.cameraMoved(camera),
  pictureAddress: files.pictureAddress,
  send: (frame) => connection.send(frame),
  title: showTitle,
  readFailed,
});
// For tests, which only read.
Object.assign(globalThis, { __whiteboard: { replica, scene, canvas, outbox, recovery, viewport, presence, get selection() { return interaction?.input.selected.selection; } } });

startServiceWorker();
// Nobody waits with drawing for a first read that takes long.
setTimeout(interactive, SLOW_READ);
const recovered = recovery.start();
if (!reading) await replicaKeeper.fill();
// With a stored replica only the changes since then are asked for, by the socket.
if (replicaKeeper.used || (await (reading ?? sync.load())) || replicaKeeper.used) {
  shown();
  replicaKeeper.loaded();
  await interactive();
  connection.start();
}
// Its steps may be based on ops of the page before a reload, which are recovered.
await recovered;
historyKeeper.restore();

/** Some state of the drawing is here. */
function shown() {
  saveStatus.loaded();
  show();
  void interactive();
}
