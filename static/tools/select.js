// @ts-check
/**
 * The select tool: clicks and bands select; drags move, resize, rotate or copy what is selected.
 *
 * It must never change a locked stroke, nor select one with a click or a band.
 */

import { toScreen } from "../canvas/camera.js";
import { bindableAt, bindingTo } from "../kinds/binding.js";
import { kindOf } from "../kinds/kinds.js";
import { copies } from "../model/copies.js";
import { withFields } from "../model/edits.js";
import { boxAround, centreOf } from "../model/geometry.js";
import { bound } from "./arrows.js";
import { frameOf, gripAt, isInside } from "./handles.js";
import { paintBand, paintFrame, paintTarget } from "./marks.js";
import { Transform, moving, resizedBox, resizing, rotating } from "./transform.js";

/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {import("../model/edits.js").Edit} Edit */
/** @typedef {import("./tool.js").Press} Press */
/** @typedef {import("./tool.js").Tool} Tool */
/** @typedef {import("./handles.js").Grip} Grip */
/** @typedef {import("./handles.js").Frame} Frame */
/**
 * What a press does. `press`: nothing yet; `click`: if it is lifted without a drag; `offset`: from the pointer
 * to what it drags.
 * @typedef {{name: "idle"}
 *   | {name: "press", from: Press, click: () => void, drags: boolean}
 *   | {name: "band", from: PlanePoint, to: PlanePoint, kept: string[]}
 *   | {name: "move", from: PlanePoint, transform: Transform, step: {dx: number, dy: number}, copies: boolean}
 *   | {name: "turn", transform: Transform, about: PlanePoint, from: PlanePoint}
 *   | {name: "resize", transform: Transform, frame: Frame, grip: Grip, offset: PlanePoint}
 *   | {name: "handle", stroke: Stroke, grip: Grip, transform: Transform, offset: PlanePoint, target: Stroke | null}} State
 */

/** Pixels: how near a stroke a click selects it, and how far a drag begins. */
const REACH = 6;
const TOUCH_REACH = 12;
const DRAG_FROM = 4;
/** Pixels around a stroke in which an arrow's end is bound to it. */
const BIND_REACH = 10;
/** Angles that rotation with Shift stops at, in radians. */
const TURN = Math.PI / 12;
/** @type {State} */
const IDLE = { name: "idle" };

/**
 * @param {import("./tool.js").ToolContext} context
 * @returns {Tool}
 */
export function selectTool(context) {
  const { scene, selection } = context;
  /** @type {State} */
  let state = IDLE;
  let cursor = "default";

  const zoom = () => context.camera().zoom;
  const pixelOf = (/** @type {PlanePoint} */ point) => toScreen(context.camera(), point);
  /** @type {{of: readonly Stroke[], at: number, frame: Frame | null}} so that it is not made for each frame of thousands of strokes */
  let framed = { of: [], at: 0, frame: null };
  const frame = () => {
    const [of, at] = [selection.strokes, zoom()];
    if (of !== framed.of || at !== framed.at) framed = { of, at, frame: frameOf(of, at) };
    return framed.frame;
  };
  /** @param {Press} press */
  const strokeAt = ({ point, touch }) =>
    scene.at(point, (touch ? TOUCH_REACH : REACH) / zoom()).findLast(({ body }) => !body.locked);

  /** @param {State} next */
  const enter = (next) => {
    state = next;
    context.hide("transform" in state && !isCopying(state) ? state.transform.strokes : []);
    context.refresh();
  };

  /** @param {Press} press */
  const pressedStroke = (press) => {
    const stroke = strokeAt(press);
    const ids = stroke && (press.mod ? [stroke.id] : selection.withGroup(stroke));
    const inFrame = () => {
      const held = frame();
      return selection.free.length > 0 && held !== null && isInside(held, press.point);
    };
    if (!stroke || !ids) {
      const drags = !press.shift && inFrame();
      if (!drags && !press.shift) selection.clear();
      enter({ name: "press", from: press, drags, click: () => selection.clear() });
    } else if (press.shift) {
      enter({ name: "press", from: press, drags: true, click: () => selection.toggle(ids) });
    } else if (selection.has(stroke.id) && !press.mod) {
      enter({ name: "press", from: press, drags: true, click: () => selection.set(ids) });
    } else {
      selection.set(ids);
      enter({ name: "press", from: press, drags: true, click() {} });
    }
  };

  /**
   * @param {Press} press
   * @param {Frame} held
   * @param {Grip} grip
   */
  const pressedGrip = (press, held, grip) => {
    const strokes = selection.free;
    const transform = new Transform(scene, strokes);
    if (grip.id === "rotate") enter({ name: "turn", transform, about: centreOf(held.box), from: press.point });
    else if (strokes.length === 1) {
      const [stroke] = strokes;
      const kind = kindOf(stroke.body);
      const handle = [...kind.handles(stroke.body), ...(kind.sides?.(stroke.body) ?? [])].find(({ id }) => id === grip.id);
      enter({ name: "handle", stroke, grip, transform, offset: between(press.point, handle?.at ?? press.point), target: null });
    } else {
      const corner = { x: grip.id.includes("w") ? held.box.left : held.box.right, y: grip.id.includes("n") ? held.box.top : held.box.bottom };
      enter({ name: "resize", transform, frame: held, grip, offset: between(press.point, corner) });
    }
  };

  /**
   * A press has become a drag.
   * @param {Press} from
   * @param {boolean} drags
   * @param {Press} now
   */
  const begin = (from, drags, now) => {
    if (!drags) {
      enter({ name: "band", from: from.point, to: now.point, kept: from.shift ? [...selection.ids] : [] });
      return;
    }
    if (from.shift) {
      const stroke = strokeAt(from);
      if (stroke && !selection.has(stroke.id)) selection.toggle(selection.withGroup(stroke));
    }
    if (selection.free.length === 0) return;
    enter({ name: "move", from: from.point, transform: new Transform(scene, selection.free), step: { dx: 0, dy: 0 }, copies: from.alt });
  };

  /** @param {Press} press */
  const dragged = (press) => {
    if (state.name === "press") {
      const { from, drags } = state;
      if (Math.hypot(press.pixel.x - from.pixel.x, press.pixel.y - from.pixel.y) < DRAG_FROM) return;
      begin(from, drags, press);
    }
    if (state.name === "band") {
      state.to = press.point;
      const box = boxAround([state.from, press.point], 0);
      selection.set([...state.kept, ...selection.withGroups(inBand(scene, box))]);
    } else if (state.name === "move") {
      let [dx, dy] = [press.point.x - state.from.x, press.point.y - state.from.y];
      if (press.shift) [dx, dy] = Math.abs(dx) > Math.abs(dy) ? [dx, 0] : [0, dy];
      state.step = { dx, dy };
      state.transform.show(moving(dx, dy));
    } else if (state.name === "turn") {
      const { about, from } = state;
      const angle = Math.atan2(press.point.y - about.y, press.point.x - about.x) - Math.atan2(from.y - about.y, from.x - about.x);
      state.transform.show(rotating(press.shift ? Math.round(angle / TURN) * TURN : angle, about));
    } else if (state.name === "resize") {
      const { frame: { box }, grip, transform, offset } = state;
      transform.show(resizing(box, resizedBox(box, grip.id, shifted(press, offset)), selection.free.length));
    } else if (state.name === "handle") {
      handleDragged(state, shifted(press, state.offset));
    }
    if ("transform" in state && !isCopying(state)) {
      const edit = state.transform.preview();
      if (edit) context.previews.show(edit);
    }
    context.refresh();
  };

  /**
   * @param {State & {name: "handle"}} held
   * @param {Press} press
   */
  const handleDragged = (held, press) => {
    const { stroke: { id, body }, grip, transform } = held;
    const kind = kindOf(body);
    held.target = null;
    if (kind.sides?.(body).some((side) => side.id === grip.id)) {
      transform.show({ fieldsOf: (body) => kind.sideMoved?.(body, grip.id, press.point) ?? {} });
      return;
    }
    const fields = kind.handleMoved(body, grip.id, press.point, press.shift);
    if (!kind.binds) {
      transform.show({ fieldsOf: () => fields });
      return;
    }
    // Ctrl leaves the end free.
    const target = press.mod ? null : bindableAt(scene, press.point, BIND_REACH / zoom());
    held.target = target && target.id !== id ? target : null;
    const binding = held.target && bindingTo(held.target, press.point);
    const ends = grip.id === "start" ? { start: binding } : { end: binding };
    const moved = { ...fields, ...bound(withFields(body, fields), ends, (other) => scene.stroke(other)?.body ?? null) };
    transform.show({ fieldsOf: () => moved, keepsBindings: true });
  };

  /** @param {Edit[]} edits */
  const commit = (edits) => {
    if (edits.length === 0) return context.previews.cancelled();
    context.previews.done();
    context.commit(edits);
  };

  const finish = () => {
    const ended = state;
    if (ended.name === "press") ended.click();
    else if (isCopying(ended)) {
      const { edits, ids } = copies(selection.free, (body) => kindOf(body).moved(body, ended.step.dx, ended.step.dy));
      context.commit(edits);
      selection.set(ids);
    } else if ("transform" in ended) {
      commit(ended.transform.edits());
    }
    enter(IDLE);
  };

  return {
    id: "select",
    get cursor() {
      return cursor;
    },
    down(press) {
      const held = frame();
      const grip = held && gripAt(held, press.pixel, pixelOf, press.touch === true);
      if (held && grip) pressedGrip(press, held, grip);
      else pressedStroke(press);
    },
    move: (presses) => dragged(presses[presses.length - 1]),
    up: finish,
    cancel() {
      if (state.name === "idle") return;
      context.previews.cancelled();
      enter(IDLE);
    },
    hover(press) {
      if (!press || state.name !== "idle") return;
      const held = frame();
      const grip = held && gripAt(held, press.pixel, pixelOf, false);
      const onStroke = () => strokeAt(press) !== undefined || (held !== null && selection.free.length > 0 && isInside(held, press.point));
      cursor = grip ? grip.cursor : onStroke() ? "move" : "default";
    },
    overlay() {
      const held = state;
      if (held.name === "band") return { paint: (canvas) => paintBand(canvas, pixelOf(held.from), pixelOf(held.to)) };
      if (held.name === "handle") {
        const { target } = held;
        return { ...held.transform.overlay(), paint: (canvas) => target && paintTarget(canvas, kindOf(target.body).edge(target.body).map(pixelOf)) };
      }
      if ("transform" in held) return held.transform.overlay();
      const shown = frame();
      return shown && { paint: (canvas, { toScreen }) => paintFrame(canvas, shown, toScreen) };
    },
  };
}

/**
 * Whether copies are dragged, and the strokes themselves stay.
 * @param {State} state
 * @returns {state is State & {name: "move"}}
 */
function isCopying(state) {
  return state.name === "move" && state.copies;
}

/**
 * The strokes that a band selects: those that are wholly inside it.
 * @param {import("../model/scene.js").Scene} scene
 * @param {Box} box
 */
function inBand(scene, box) {
  return scene.inBox(box).filter(({ body }) => {
    const { left, top, right, bottom } = kindOf(body).frame(body);
    const corners = kindOf(body).edge(body);
    const inside = corners.length > 0 ? corners : [{ x: left, y: top }, { x: right, y: bottom }];
    return !body.locked && left <= right && inside.every(({ x, y }) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom);
  });
}

/**
 * @param {PlanePoint} from
 * @param {PlanePoint} to
 * @returns {PlanePoint}
 */
function between(from, to) {
  return { x: to.x - from.x, y: to.y - from.y };
}

/**
 * @param {Press} press
 * @param {PlanePoint} offset
 * @returns {Press}
 */
function shifted(press, offset) {
  return { ...press, point: { x: press.point.x + offset.x, y: press.point.y + offset.y } };
}
