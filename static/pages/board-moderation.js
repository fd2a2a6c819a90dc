// @ts-check
/**
 * What an owner can do with the people on the drawing: let only owners draw, mute somebody, and erase what
 * somebody drew.
 *
 * It must never change the drawing except through the history, so that it can be undone.
 */

import { erasing } from "../model/edits.js";
import { listKeys, setLocked, setMuted } from "../net/access-api.js";
import { readStrokes } from "../net/api.js";
import { t } from "../strings/later.js";
import { failureText } from "../ui/failure.js";
import { ModerationParts } from "../ui/moderation-parts.js";
import { asked } from "../ui/question.js";

/** @typedef {import("../model/types.js").Person} Person */

/** Maximum of people who have left that are remembered. */
const MOST_GONE = 20;

export class BoardModeration {
  /** @type {Map<string, string>} the names of keys by their public ids */
  #names = new Map();
  /** @type {Map<string, Person>} everybody seen, by author, the last one seen last */
  #seen = new Map();
  #readingKeys = false;
  #board;
  #access;
  #parts;

  /**
   * @param {object} board
   * @param {string} board.drawing
   * @param {import("../model/scene.js").Scene} board.scene
   * @param {import("../model/history.js").History} board.history
   * @param {import("../presence/presence.js").Presence} board.presence
   * @param {import("../ui/people-panel.js").PeoplePanel} board.panel
   * @param {(message: string) => void} board.notify
   * @param {import("./board-access.js").BoardAccess} access
   */
  constructor(board, access) {
    this.#board = board;
    this.#access = access;
    this.#parts = new ModerationParts({
      lock: (locked) => this.#tried(setLocked(board.drawing, locked)),
      mute: (person, muted) => this.#tried(setMuted(board.drawing, person.author, muted)),
      erase: (person) => this.#erase(person),
    });
    board.panel.extend((rows) => this.#show(rows));
  }

  /** Rights have changed. */
  refresh() {
    this.#board.panel.extend(this.#access.isOwner ? (rows) => this.#show(rows) : null);
    if (!this.#access.isOwner) this.#parts.remove();
  }

  /** @param {readonly import("../ui/people-panel.js").Row[]} rows */
  #show(rows) {
    const here = rows.map(({ person }) => person);
    for (const person of here) {
      this.#seen.delete(person.author);
      this.#seen.set(person.author, person);
    }
    const muted = new Set(this.#access.mutedPeople);
    const isHere = new Set(here.map(({ author }) => author));
    const gone = [...this.#seen.values()].filter(({ author }) => !isHere.has(author)).slice(-MOST_GONE);
    const unknown = [...muted].filter((author) => !this.#seen.has(author)).map((author) => ({ author, writer: "", name: t("moderation.somebody"), colour: "" }));
    if (here.some(({ key }) => key && !this.#names.has(key))) void this.#readKeys();
    this.#parts.show({ rows, gone: [...gone, ...unknown], muted, locked: this.#access.isLocked, keyName: ({ key }) => (key && this.#names.get(key)) || null });
  }

  /** Reads the names of keys, to show who came with which. */
  async #readKeys() {
    if (this.#readingKeys) return;
    this.#readingKeys = true;
    try {
      for (const { id, name, access } of await listKeys(this.#board.drawing)) this.#names.set(id, name || t(`level.${access}`));
      this.#board.panel.extend((rows) => this.#show(rows));
    } catch {
      // Without names the list is still right; somebody else who comes is another occasion.
    }
    // A key that is not in the list is not asked for again and again.
    for (const { key } of this.#seen.values()) if (key && !this.#names.has(key)) this.#names.set(key, "");
    this.#readingKeys = false;
  }

  /** Erases what somebody drew, or was the last to change, after a question.
   * @param {Person} person */
  async #erase({ author, name }) {
    const { scene, history, notify } = this.#board;
    const writers = await this.#tried(this.#writersOf(author));
    if (!writers) return;
    const found = () => scene.ordered().filter(({ last }) => writers.has(last.writer));
    const count = found().length;
    if (count === 0) return notify(t("moderation.nothing", { name }));
    const words = { title: t("moderation.eraseTitle", { name }), text: t("moderation.eraseText", { count, name }), yes: t("moderation.erase"), no: t("moderation.keep") };
    if (!(await asked(words))) return;
    history.commit(found().map(erasing));
    notify(t("moderation.erased", { name }));
  }

  /** Every tab that somebody drew from, which strokes are stored with.
   * @param {string} author */
  async #writersOf(author) {
    const writers = new Set(this.#board.presence.writersOf(author));
    for (let since = 0, epoch = null, more = true; more; ) {
      const chunk = await readStrokes(this.#board.drawing, since, epoch);
      for (const change of chunk.changes) if (change.author === author) writers.add(change.writer);
      ({ head: since, epoch, more } = chunk);
    }
    return writers;
  }

  /**
   * @template T
   * @param {Promise<T>} request
   * @returns {Promise<T | undefined>}
   */
  async #tried(request) {
    try {
      return await request;
    } catch (error) {
      this.#board.notify(t("moderation.failed", { reason: failureText(error) }));
      return undefined;
    }
  }
}
