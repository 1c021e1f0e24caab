// @ts-check
// Keeps the screen awake while somebody talks with the page. Knows nothing of the talk.

export class WakeLock {
  constructor() {
    this._isWanted = false;
    /** @type {Promise<WakeLockSentinel | null> | null} */
    this._held = null;
    document.addEventListener("visibilitychange", () => {
      // The browser lets go by itself when the page is hidden.
      this._held = null;
      this._settle();
    });
  }

  /** @param {boolean} isWanted */
  want(isWanted) {
    if (isWanted === this._isWanted) return;
    this._isWanted = isWanted;
    this._settle();
  }

  _settle() {
    if (this._isWanted && this._held === null && document.visibilityState === "visible") {
      // Refused on an empty battery, and unknown to old browsers: the screen then goes dark as usual.
      this._held = navigator.wakeLock?.request("screen").catch(() => null) ?? null;
    } else if (!this._isWanted && this._held !== null) {
      this._held.then((sentinel) => sentinel?.release());
      this._held = null;
    }
  }
}
