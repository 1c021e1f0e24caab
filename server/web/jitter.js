// @ts-check
// How much of an answer is gathered before it sounds: more on a link that has stuttered. Pure.

/** What a loopback needs: chunks of 40 ms, and a page that is late now and then. */
const LEAST_MS = 100;
/** Under the server's lead of 400 ms, so that it is always reached. */
const MOST_MS = 320;
const GROWTH = 1.6;
const SHRINK = 0.8;

/** Grows at once when the sound runs out, and shrinks again answer by answer. */
export class JitterTarget {
  constructor() {
    this.holdMs = LEAST_MS;
    this._wasDry = false;
  }

  /** The sound ran out before the answer ended. */
  ranDry() {
    this._wasDry = true;
    this.holdMs = Math.min(MOST_MS, Math.round(this.holdMs * GROWTH));
  }

  /** An answer was played to its end. */
  finished() {
    if (!this._wasDry) this.holdMs = Math.max(LEAST_MS, Math.round(this.holdMs * SHRINK));
    this._wasDry = false;
  }
}
