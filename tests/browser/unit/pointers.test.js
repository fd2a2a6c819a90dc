import assert from "node:assert/strict";
import { test } from "node:test";
import { Pointers } from "../../../static/canvas/pointers.js";

const modifiers = { shift: false, mod: false, alt: false };

/** A state machine, and what it reported. */
function fresh(more = {}) {
  const log = [];
  const told = (name) => (...call) => void log.push([name, ...call.filter((one) => typeof one === "number")].join(" "));
  const pointers = new Pointers({
    dismiss: () => false, pans: () => false, editable: () => false, edit: told("edit"), begin: told("begin"), move: told("move"),
    end: told("end"), cancel: told("cancel"), hover() {}, pan: told("pan"), pinch: told("pinch"), grabbing() {}, ...more,
  });
  const pointer = (type, id, x, now = 0) => ({ type, id, pixel: { x, y: 0 }, modifiers, now });
  return {
    log,
    pointers,
    press: (type, id, x, now, more = {}) => pointers.press({ ...pointer(type, id, x, now), middle: false, eraserEnd: false, ...more }),
    move: (type, id, x, now) => pointers.move(pointer(type, id, x, now), [{ x, y: 0 }], false),
    lift: (type, id, x, cancelled = false) => pointers.release(pointer(type, id, x), cancelled),
  };
}

test("one pointer draws, and what the browser cancels is no stroke", () => {
  const { log, press, move, lift } = fresh();
  press("mouse", 1, 0);
  move("mouse", 1, 10);
  lift("mouse", 1, 10);
  press("mouse", 1, 50, 1_000);
  lift("mouse", 1, 50, true);
  assert.deepEqual(log, ["begin", "move", "end", "begin", "cancel"]);
});

test("a second finger soon after the first turns a stroke into a pinch, and later it does not", () => {
  const soon = fresh();
  soon.press("touch", 1, 0, 0);
  soon.press("touch", 2, 100, 200);
  soon.move("touch", 2, 120, 210);
  soon.lift("touch", 1, 0);
  soon.move("touch", 2, 130, 220);
  soon.lift("touch", 2, 130);
  assert.deepEqual(soon.log, ["begin", "cancel", "pinch", "pan 10 0"]);
  const late = fresh();
  late.press("touch", 1, 0, 0);
  late.press("touch", 2, 100, 500);
  late.move("touch", 2, 120, 510);
  late.lift("touch", 1, 0);
  assert.deepEqual(late.log, ["begin", "end"]);
});

test("the pen outranks touches before it, beside it and after it", () => {
  const { log, press, move, lift } = fresh();
  press("touch", 7, 0, 0);
  press("pen", 1, 50, 10);
  press("touch", 8, 90, 20);
  move("touch", 7, 30, 25);
  move("touch", 8, 60, 25);
  move("pen", 1, 60, 30);
  lift("pen", 1, 60);
  lift("touch", 7, 30);
  lift("touch", 8, 60);
  press("touch", 9, 0, 2_000);
  move("touch", 9, 40, 2_010);
  assert.deepEqual(log, ["begin", "cancel", "begin", "move", "end", "pan 40 0"], "after a pen was used, a finger pans");
});

test("a second press on something editable edits it when it is lifted, unless it moves away", () => {
  const still = fresh({ editable: () => true });
  const moved = fresh({ editable: () => true });
  for (const { press, lift } of [still, moved]) {
    press("mouse", 1, 0, 0);
    lift("mouse", 1, 0);
    press("mouse", 1, 2, 100);
  }
  still.lift("mouse", 1, 2);
  moved.move("mouse", 1, 40, 150);
  moved.lift("mouse", 1, 40);
  assert.deepEqual([still.log, moved.log], [["begin", "end", "edit"], ["begin", "end", "begin", "move", "end"]]);
});

test("two taps of a pen are a double click too, and a hand is less steady than a mouse", () => {
  const presses = (/** @type {string} */ type, /** @type {number} */ apart) => {
    const { log, press, lift } = fresh({ editable: () => true });
    press(type, 1, 0, 0);
    lift(type, 1, 0);
    press(type, 1, apart, 450);
    lift(type, 1, apart);
    return log.at(-1);
  };
  assert.deepEqual(["mouse", "pen", "touch"].map((type) => presses(type, 5)), ["edit", "edit", "edit"]);
  assert.deepEqual(["mouse", "pen", "touch"].map((type) => presses(type, 20)), ["end", "end", "edit"]);
});

test("a press after something was cancelled is the first one", () => {
  const { log, pointers, press, lift } = fresh({ editable: () => true });
  press("mouse", 1, 0, 0);
  lift("mouse", 1, 0);
  pointers.cancel();
  press("mouse", 1, 2, 100);
  lift("mouse", 1, 2);
  assert.deepEqual(log, ["begin", "end", "begin", "end"]);
});

test("a press that closes something does nothing else", () => {
  const { log, press, move, lift } = fresh({ dismiss: () => true });
  press("mouse", 1, 0, 0);
  move("mouse", 1, 30, 10);
  lift("mouse", 1, 30);
  assert.deepEqual(log, []);
});

test("a cancelled gesture stays cancelled until the pointer is lifted", () => {
  const { log, pointers, press, move, lift } = fresh();
  press("mouse", 1, 0, 0);
  assert.equal(pointers.cancel(), true);
  assert.equal(pointers.cancel(), false);
  move("mouse", 1, 30, 10);
  lift("mouse", 1, 30);
  assert.deepEqual(log, ["begin", "cancel"]);
});
