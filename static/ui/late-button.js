// @ts-check
/**
 * A button whose act needs modules that are not loaded yet. They are requested when a pointer or the focus
 * reaches the button, so that most are there when it is pressed.
 *
 * It must never act again for a press during the wait, nor fail in silence.
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
  button.addEventListener("click", ({ detail }) => {
    if (waits) return;
    waits = true;
    // A click by a key has no count of presses.
    void load().then((loaded) => act(loaded, detail === 0), failed).finally(() => (waits = false));
  });
}
