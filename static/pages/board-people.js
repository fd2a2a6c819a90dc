// @ts-check
/**
 * The other people on the drawing: connects their list, pointers and views with the button, the marks at the
 * edge, following, and invitations.
 *
 * It must never move the view unless its user asked for it.
 */

import { shownBox, showing } from "../canvas/camera.js";
import { edgeMark } from "../canvas/edge.js";
import { ViewGlide } from "../canvas/view-glide.js";
import { saveStored } from "../net/local-storage.js";
import { t } from "../strings/strings.js";
import { byId } from "../ui/dom.js";
import { freeBox } from "../ui/free-box.js";
import { icon } from "../ui/icons.js";
import { PeopleButton } from "../ui/people-button.js";
import { loadMe, recoloured } from "./me.js";

/** @typedef {import("../model/types.js").Person} Person */
/** @typedef {import("../canvas/camera.js").Camera} Camera */

/** Pixels between a mark and the edge of the free part of the canvas. */
const MARK_MARGIN = 30;

export class BoardPeople {
  /** One's own name and colour. */
  me = loadMe();
  /** @type {Person | null} */
  #followed = null;
  #frame = 0;
  /** What an owner can do with the others. @type {Promise<import("./board-moderation.js").BoardModeration | null> | null} */
  #moderation = null;
  #board;
  #glide;
  /** Loaded when somebody is out of sight. @type {Promise<import("../ui/edge-marks.js").EdgeMarks | null> | null} */
  #marks = null;
  #button;

  /**
   * @param {object} board
   * @param {string} board.drawing
   * @param {import("../model/scene.js").Scene} board.scene
   * @param {import("../model/history.js").History} board.history
   * @param {() => string} board.author one's own public id
   * @param {import("../presence/presence.js").Presence} board.presence
   * @param {import("../presence/signals.js").Signals} board.signals
   * @param {import("../canvas/viewport.js").Viewport} board.viewport
   * @param {import("../canvas/canvas.js").Canvas} board.canvas
   * @param {() => void} board.changedMe one's own name or colour has changed, which only a new socket's `hello` carries
   * @param {typeof import("../ui/toast.js").toast} board.notify
   */
  constructor(board) {
    this.#board = board;
    const { viewport, canvas } = board;
    this.#glide = new ViewGlide({
      camera: () => viewport.camera,
      setCamera: (camera) => viewport.setCamera(camera),
      size: () => canvas.size,
      still: () => matchMedia("(prefers-reduced-motion: reduce)").matches,
      ended: () => this.#showFollowed(null),
    });
    const alone = { me: this.me, others: [], count: 1, followed: null, canCall: true };
    this.#button = new PeopleButton(alone, {
      renamed: (name) => this.#setMe({ ...this.me, name }),
      recoloured: (colour) => this.#setMe({ ...this.me, colour }),
      jump: (person) => this.#jump(person),
      follow: (person) => this.#follow(person),
      call: () => this.call(),
    }, () => board.notify(t("failure.unreachable")));
    byId("stop-following").append(icon("close"));
    byId("stop-following").addEventListener("click", () => this.#glide.stop());
    // A press on the drawing is meant for what is there now.
    byId("dynamic").addEventListener("pointerdown", () => this.#glide.stop());
    addEventListener("resize", () => {
      this.#sendView();
      this.refresh();
    });
    addEventListener("keydown", ({ key }) => key === "Escape" && this.#glide.stop());
  }

  /** What the person may do has changed.
   * @param {import("./board-access.js").BoardAccess} access */
  showRights(access) {
    this.#button.set({ canCall: access.limit === null });
    // Not before the drawing is shown, nor for what an earlier visit knew.
    if (!this.#moderation && !(access.isOwner && access.isKnown)) return;
    this.#moderation ??= Promise.all([import("./board-moderation.js"), this.#button.panel()]).then(
      ([{ BoardModeration }, panel]) => new BoardModeration({ ...this.#board, panel }, access),
      () => (this.#moderation = null),
    );
    void this.#moderation.then((moderation) => moderation?.refresh());
  }

  /** Closes the panel, and returns whether it was open. */
  closePanel() {
    return this.#button.close();
  }

  /** Invites the others to come here. */
  call() {
    const { signals, notify } = this.#board;
    notify(t(signals.call() ? "people.called" : "people.calledAlready"));
  }

  /**
   * The list of people has changed.
   * @param {import("../presence/presence.js").Audience} audience
   */
  setAudience({ listed, count }) {
    const author = this.#board.author();
    const others = [...new Map(listed.filter((person) => person.author !== author).map((person) => [person.author, person])).values()];
    this.#button.set({ others, count: Math.max(count, others.length + 1) });
    const me = { ...this.me };
    if (recoloured(me, author, listed)) this.#setMe(me);
    this.refresh();
  }

  /** This page shows another part of the drawing.
   * @param {Camera} camera */
  cameraMoved(camera) {
    this.#glide.cameraMoved(camera);
    this.#sendView();
    this.refresh();
  }

  /** Others may have moved. */
  refresh() {
    this.#glide.refresh();
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#showMarks();
    });
  }

  /**
   * Somebody invites to look where they do.
   * @param {Person} person
   */
  invited(person) {
    this.#board.notify(t("people.invited", { name: person.name }), { label: t("people.accept"), act: () => this.#jump(person) });
  }

  /** @param {{name: string, colour: string}} me */
  #setMe(me) {
    this.me = me;
    saveStored("me", me);
    this.#button.set({ me });
    this.#board.changedMe();
  }

  /** Tells others what is in sight; of someone who follows, what they follow: two who follow each other
   * would otherwise zoom each other out. */
  #sendView() {
    const { viewport, canvas, signals, presence } = this.#board;
    const followed = this.#followed && presence.viewOf(this.#followed.writer);
    signals.view(followed ?? shownBox(viewport.camera, canvas.size));
  }

  /** @param {string} writer
   * @returns {Camera | null} */
  #cameraOf(writer) {
    const view = this.#board.presence.viewOf(writer);
    return view && showing(view, this.#board.canvas.size);
  }

  /** @param {Person} person */
  #jump(person) {
    const { notify } = this.#board;
    const camera = this.#cameraOf(person.writer);
    if (camera) this.#glide.jump(camera);
    else notify(t("people.nowhere", { name: person.name }));
  }

  /** @param {Person} person */
  #follow(person) {
    const isFollowed = this.#followed?.writer === person.writer;
    this.#glide.stop();
    if (isFollowed) return;
    if (!this.#cameraOf(person.writer)) {
      this.#jump(person);
      return;
    }
    this.#glide.follow(() => this.#cameraOf(person.writer));
    this.#showFollowed(person);
  }

  /** @param {Person | null} person */
  #showFollowed(person) {
    this.#followed = person;
    this.#button.set({ followed: person?.writer ?? null });
    const frame = byId("following");
    frame.hidden = person === null;
    if (!person) return;
    frame.style.setProperty("--face", person.colour);
    byId("followed-name").textContent = t("people.following", { name: person.name });
  }

  #showMarks() {
    const { viewport, canvas, presence } = this.#board;
    const { width, height } = canvas.size;
    const shown = { left: 0, top: 0, right: width, bottom: height };
    const { left, top, right, bottom } = freeBox(canvas.size);
    const inner = { left: left + MARK_MARGIN, top: top + MARK_MARGIN, right: right - MARK_MARGIN, bottom: bottom - MARK_MARGIN };
    const places = presence.places().filter(({ person }) => person.writer !== this.#followed?.writer);
    const marks = places.flatMap(({ person, point }) => {
      const mark = edgeMark(viewport.toScreen(point), shown, inner);
      return mark ? [{ person, ...mark }] : [];
    });
    if (!this.#marks && marks.length === 0) return;
    this.#marks ??= import("../ui/edge-marks.js").then(({ EdgeMarks }) => new EdgeMarks((person) => this.#jump(person)), () => (this.#marks = null));
    void this.#marks.then((shown) => shown?.show(marks));
  }
}
