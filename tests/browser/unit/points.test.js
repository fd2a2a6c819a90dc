import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MAX_POINTS, MAX_STEPS, PointsError, decodeSteps, encodeSteps, fromBase64, packPoints, toBase64, unpackPoints, unpackSteps,
} from "../../../static/model/points.js";

test("the encoding is the same as the server's", () => {
  assert.deepEqual([...encodeSteps([0, 0, 1, -1, 65, -1], null)], [0, 3, 0, 0, 2, 1, 0x80, 1, 0]);
  assert.equal(toBase64(encodeSteps([-2, 3], [200])), "AQEDBsg=");
});

/** @param {ReturnType<typeof decodeSteps>} decoded */
function arrays({ steps, pressures }) {
  return { steps: Array.from(steps), pressures: pressures && Array.from(pressures) };
}

test("decoded strokes are not changed by the next ones", () => {
  const [a, b] = [{ x: 0, y: 0, points: toBase64(encodeSteps([0, 0, 8, 8], [1, 2])) }, { x: 0, y: 0, points: toBase64(encodeSteps([0, 0, 16, 16], [3, 4])) }];
  const first = unpackSteps(a.points);
  unpackSteps(b.points);
  assert.deepEqual(arrays(first), { steps: [0, 0, 8, 8], pressures: [1, 2] });
});

test("encoding and decoding round-trips, up to the limits", () => {
  const steps = [0, 0, MAX_STEPS, -MAX_STEPS, -MAX_STEPS, MAX_STEPS, 7, -7];
  assert.deepEqual(arrays(decodeSteps(encodeSteps(steps, null))), { steps, pressures: null });
  const pressed = { steps: [3, 4, 5, 6], pressures: [0, 255] };
  assert.deepEqual(arrays(decodeSteps(encodeSteps(pressed.steps, pressed.pressures))), pressed);
});

test("packed points are rounded to an eighth of a unit", () => {
  const packed = packPoints([{ x: 10.06, y: -3.3 }, { x: 11, y: -3 }]);
  assert.deepEqual([packed.x, packed.y], [10, -3.25]);
  assert.deepEqual(unpackPoints(packed), [{ x: 10, y: -3.25 }, { x: 11, y: -3 }]);
});

test("malformed bytes are rejected", () => {
  const cases = [
    [], [2, 0], [0], [0, 1, 0], [0, 0, 0], [0, 1, 0x80, 0, 0], [0, 0xff, 0xff, 0xff, 0xff, 0x1f],
    [0, 0xff, 0xff, 0xff, 0xff, 0x0f], [0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0], [1, 1, 0, 0], [1, 1, 0x80, 1, 0],
  ];
  for (const bytes of cases) assert.throws(() => decodeSteps(Uint8Array.from(bytes)), PointsError, String(bytes));
  assert.throws(() => fromBase64("no base64!"), PointsError);
  assert.throws(() => encodeSteps(new Array((MAX_POINTS + 1) * 2).fill(0), null), PointsError);
  assert.throws(() => encodeSteps([MAX_STEPS + 1, 0], null), PointsError);
});

test("the decoder throws nothing but PointsError", () => {
  let state = 1;
  const random = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 1) & 0xff;
  let good = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const bytes = Uint8Array.from({ length: random() % 12 }, (_, i) => (i === 0 ? random() & 1 : random() & (random() & 1 ? 0xff : 3)));
    try {
      decodeSteps(bytes);
      good += 1;
    } catch (error) {
      assert.ok(error instanceof PointsError, `${[...bytes]}: ${error}`);
    }
  }
  assert.ok(good > 100, `only ${good} were points`);
});
