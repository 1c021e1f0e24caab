// @ts-check
// What the keys do: hold Space to talk, tap it for hands-free, Esc stops, M mutes. Moves no audio.

/** Held for less than this, Space is a switch; held longer, it is the key to talk. */
const TAP_MS = 300;
const TYPING = "input, textarea, select, [contenteditable]";
const ACTING = "button, summary, a";

/**
 * @typedef {{
 *   onHold: () => void, onRelease: (isTap: boolean) => void, onStop: () => void,
 *   onMute: () => void,
 * }} KeyListeners
 */

export class Keys {
  /** @param {HTMLElement} microphone the button for which Space means the same @param {KeyListeners} listeners */
  constructor(microphone, listeners) {
    this._microphone = microphone;
    this._listeners = listeners;
    /** @type {number | null} */
    this._heldSince = null;
    document.addEventListener("keydown", (press) => this._onDown(press));
    document.addEventListener("keyup", (press) => this._onUp(press));
    // A key let go of elsewhere is never told here: the microphone must not stay open for it.
    globalThis.addEventListener("blur", () => this._release(false));
  }

  /** @param {KeyboardEvent} press */
  _onDown(press) {
    if (press.ctrlKey || press.altKey || press.metaKey) return;
    if (press.key === "Escape") return this._listeners.onStop();
    const target = /** @type {Element} */ (press.target);
    if (target.closest(TYPING)) return;
    if (press.code === "KeyM" && !press.repeat) return this._listeners.onMute();
    if (press.code !== "Space" || this._actsByItself(target)) return;
    press.preventDefault();
    if (press.repeat || this._heldSince !== null) return;
    this._heldSince = performance.now();
    this._listeners.onHold();
  }

  /** @param {KeyboardEvent} press */
  _onUp(press) {
    if (press.code !== "Space" || this._heldSince === null) return;
    press.preventDefault();
    this._release(performance.now() - this._heldSince < TAP_MS);
  }

  /** @param {boolean} isTap */
  _release(isTap) {
    if (this._heldSince === null) return;
    this._heldSince = null;
    this._listeners.onRelease(isTap);
  }

  /** @param {Element} target */
  _actsByItself(target) {
    return target.closest(ACTING) !== null && target.closest("button") !== this._microphone;
  }
}
