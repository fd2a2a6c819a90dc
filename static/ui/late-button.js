// @ts-check
/**
 * A button whose act needs modules that are not loaded yet. They are requested when a pointer or the focus
 * reaches the button, so that most are there when it is pressed.
 *
 * It must never act again for a press during the wait, nor at all after one elsewhere or a key, nor fail in silence.
 */

/**
 * @template T
 * @param {HTMLElement} button
 * @param {() => Promise<T>} load is called again for each press, and answers with the same
 * @param {(loaded: T, byKey: boolean) => unknown} act
 * @param {() => void} failed the modules cannot be loaded
 */
export function lateButton(button, load, act, failed) {
  // A finger enters as it touches.
  for (const type of ["pointerenter", "focus"]) button.addEventListener(type, () => void load().catch(() => {}));
  let waits = false;
  let wanted = false;
  for (const type of ["pointerdown", "keydown"]) addEventListener(type, () => (wanted = false), true);
  button.addEventListener("click", ({ detail }) => {
    wanted = true;
    if (waits) return;
    waits = true;
    // A click by a key has no count of presses.
    void load().then((loaded) => wanted && act(loaded, detail === 0), failed).finally(() => (waits = false));
  });
}
