// @ts-check
// The microphone as the person uses it: hands-free, held by a key, muted, lost and found again.

import { LOST_MICROPHONE, explain } from "./microphone-problems.js";
import { MicrophoneError, openMicrophone } from "./microphone.js";

/**
 * @typedef {import("./microphone-problems.js").Problem} Problem
 * @typedef {{onChange: () => void, onOpening: () => void, onClosed: () => void}} TalkListeners
 */

export class Talk {
  /**
   * @param {Worker} worker the socket's @param {import("./audio.js").AudioGraph} audio
   * @param {TalkListeners} listeners
   */
  constructor(worker, audio, listeners) {
    this._worker = worker;
    this._audio = audio;
    this._listeners = listeners;
    this.isOpening = false;
    this.isMuted = false;
    /** The person holds the key: the question ends when it is let go of. */
    this.isHeld = false;
    this._wasOpen = false;
    /** "" for the system's own choice. */
    this.deviceId = "";
    /** @type {Problem | null} */
    this.problem = null;
  }

  get isOpen() {
    return this._audio.isCapturing;
  }

  toggle() {
    if (this.isOpening) return;
    if (this.isOpen) this.close();
    else this.open();
  }

  async open() {
    this.isOpening = true;
    this.problem = null;
    this._listeners.onOpening();
    try {
      // Begun here because only a gesture may start sound; capture() tells if it failed.
      this._audio.wake().catch(() => {});
      await this._audio.capture(await openMicrophone(this.deviceId));
      // Muted stays muted when another device takes over.
      this._audio.mute(this.isMuted);
    } catch (error) {
      this.isMuted = false;
      this.problem = error instanceof MicrophoneError ? error.problem : explain(error);
    }
    this.isOpening = false;
    this._listeners.onChange();
  }

  close() {
    this._audio.release();
    this.isMuted = false;
    this._listeners.onClosed();
  }

  /** Silence is sent instead: the server then ends what was being said. */
  toggleMute() {
    if (!this.isOpen) return;
    this.isMuted = !this.isMuted;
    this._audio.mute(this.isMuted);
    this._listeners.onChange();
  }

  /** The key goes down. */
  hold() {
    this.isHeld = true;
    this._wasOpen = this.isOpen;
    this._worker.postMessage({ type: "holdKey" });
    if (this.isMuted) this.toggleMute();
    if (!this.isOpen && !this.isOpening) this.open();
    else this._listeners.onChange();
  }

  /** The key goes up. @param {boolean} isTap it was a switch, not a key to talk */
  release(isTap) {
    this.isHeld = false;
    // Nobody can have talked while the browser still asked for the microphone.
    if (isTap || this.isOpening) this._endTap();
    else if (this._wasOpen) this._worker.postMessage({ type: "releaseKey" });
    else if (this.isOpen) this.close();
    else this._worker.postMessage({ type: "giveUpKey" });
    this._listeners.onChange();
  }

  /** @param {string} deviceId "" for the system's own choice */
  async choose(deviceId) {
    this.deviceId = deviceId;
    if (!this.isOpen) return;
    this._audio.release();
    await this.open();
  }

  /** The device went away: go on with the one that is left, or say that there is none. */
  async lose() {
    this.deviceId = "";
    const wasMuted = this.isMuted;
    this.close();
    this.isMuted = wasMuted;
    await this.open();
    if (this.problem !== null) this.problem = LOST_MICROPHONE;
    this._listeners.onChange();
  }

  _endTap() {
    this._worker.postMessage({ type: "giveUpKey" });
    if (this._wasOpen) this.close();
  }
}
