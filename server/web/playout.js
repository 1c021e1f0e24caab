// @ts-check
// The jitter buffer of the spoken answer: chunks in, blocks for the speakers out. Knows no device.

import { JitterTarget } from "./jitter.js";
import { Resampler } from "./resampler.js";

export const FADE_MS = 5;
/** More than this waiting means that nobody paces the sender; the newest audio is dropped. */
const MOST_QUEUED_S = 120;
/** Source samples resampled at once, so that one block costs about the same as any other. */
const SLICE_SAMPLES = 128;
const SILENCE = new Float32Array(0);

/**
 * What happened while a block was rendered.
 * @typedef {{type: "started", gapMs: number}
 *   | {type: "drained", itemId: string, playedMs: number}
 *   | {type: "underrun"}
 *   | {type: "flushed", itemId: string, playedMs: number}
 *   | {type: "sentence", itemId: string, responseId: string, text: string}} PlayoutEvent
 * @typedef {{kind: "audio", samples: Float32Array}
 *   | {kind: "item", itemId: string}
 *   | {kind: "sentence", itemId: string, responseId: string, text: string}
 *   | {kind: "end"}} Entry
 * @typedef {"idle" | "holding" | "playing"} PlayoutState
 */

/** Holds, plays, and on demand cuts the answer off within 5 ms. */
export class Playout {
  /** @type {Entry[]} */
  _queue = [];
  _queuedSamples = 0;
  _isEnded = false;
  /** @type {Float32Array} */
  _ready = SILENCE;
  _readyFrom = 0;

  /** @param {number} outputHz the rate of the audio context */
  constructor(outputHz) {
    this._outputHz = outputHz;
    this._sourceHz = outputHz;
    this._resampler = new Resampler(outputHz, outputHz);
    /** @type {PlayoutState} */
    this.state = "idle";
    /** @type {PlayoutEvent[]} */
    this._events = [];
    this._itemId = "";
    this._itemSamples = 0;
    this._jitter = new JitterTarget();
    /** Samples of silence since the sound ran out in the middle of an answer; null when it did not.
     * @type {number | null} */
    this._gapSamples = null;
    /** @type {Float32Array} */
    this._tail = SILENCE;
  }

  /** Source milliseconds of the current item that have been played. */
  get playedMs() {
    return Math.round((1000 * this._itemSamples) / this._sourceHz);
  }

  get itemId() {
    return this._itemId;
  }

  /** @param {Float32Array} samples @param {number} rateHz the voice's rate */
  push(samples, rateHz) {
    if (rateHz !== this._sourceHz) {
      this._sourceHz = rateHz;
      this._resampler = new Resampler(rateHz, this._outputHz);
    }
    if (this._queuedSamples > MOST_QUEUED_S * rateHz) return;
    this._queue.push({ kind: "audio", samples });
    this._queuedSamples += samples.length;
    if (this.state === "idle") this.state = "holding";
  }

  /** What follows belongs to this conversation item. @param {string} itemId */
  beginItem(itemId) {
    if (this.state === "idle") this._queue = [];
    this._queue.push({ kind: "item", itemId });
    this._isEnded = false;
  }

  /**
   * The words of the audio that follows.
   * @param {{itemId: string, responseId: string, text: string}} sentence
   */
  markSentence(sentence) {
    this._queue.push({ kind: "sentence", ...sentence });
    this._isEnded = false;
    if (this.state === "idle") this.state = "holding";
  }

  /** No more audio of this item will come: play what there is without waiting for more. */
  end() {
    if (this.state === "idle") return;
    this._queue.push({ kind: "end" });
    this._isEnded = true;
  }

  /**
   * Stops within FADE_MS. A "flushed" event says how much of which item was heard.
   * @param {boolean} mayGoOn the answer is only held: the words that were to come may come yet
   */
  flush(mayGoOn = false) {
    const wasHeard = this.state === "playing";
    this._tail = wasHeard ? this._fadedTail() : SILENCE;
    const isAnythingCut = this.state !== "idle";
    if (!wasHeard) this._enterFirstQueued();
    const playedMs = this.playedMs;
    const marks = mayGoOn ? this._queue.filter(({ kind }) => kind === "sentence") : [];
    this._forget();
    this._queue = marks;
    this.state = "idle";
    if (isAnythingCut) this._events.push({ type: "flushed", itemId: this._itemId, playedMs });
  }

  /**
   * What is cut before its first sound belongs to the item that was waiting, not to the last one.
   */
  _enterFirstQueued() {
    for (const entry of this._queue) {
      if (entry.kind === "item" || entry.kind === "sentence") return this._enterItem(entry.itemId);
    }
  }

  /** Fills one block; what nothing is played into is silence. @param {Float32Array} block */
  render(block) {
    block.fill(0);
    if (this.state === "holding" && this._isEnoughHeld()) this._start();
    if (this.state === "playing") this._play(block);
    else if (this._gapSamples !== null) this._gapSamples += block.length;
    this._mixTail(block);
  }

  /** @returns {PlayoutEvent[]} what happened since the last call */
  takeEvents() {
    if (this._events.length === 0) return this._events;
    const events = this._events;
    this._events = [];
    return events;
  }

  _forget() {
    this._queue = [];
    this._queuedSamples = 0;
    this._isEnded = false;
    this._ready = SILENCE;
    this._readyFrom = 0;
    this._gapSamples = null;
    this._resampler.reset();
  }

  _isEnoughHeld() {
    return this._isEnded || this._queuedSamples * 1000 >= this._jitter.holdMs * this._sourceHz;
  }

  _start() {
    this.state = "playing";
    const gapMs = Math.round((1000 * (this._gapSamples ?? 0)) / this._outputHz);
    this._gapSamples = null;
    this._events.push({ type: "started", gapMs });
  }

  /** @param {Float32Array} block */
  _play(block) {
    let filled = 0;
    while (filled < block.length) {
      const count = Math.min(block.length - filled, this._ready.length - this._readyFrom);
      block.set(this._ready.subarray(this._readyFrom, this._readyFrom + count), filled);
      this._readyFrom += count;
      filled += count;
      if (filled < block.length && !this._advance()) {
        if (this._gapSamples !== null) this._gapSamples += block.length - filled;
        return;
      }
    }
  }

  /** Makes more output ready. @returns {boolean} false when there is none for now */
  _advance() {
    const entry = this._queue[0];
    if (entry === undefined) return this._runDry();
    if (entry.kind === "audio") {
      this._takeSlice(entry);
      return true;
    }
    this._queue.shift();
    if (entry.kind === "end") return this._finishItem();
    this._enterItem(entry.itemId);
    if (entry.kind === "sentence") {
      const { itemId, responseId, text } = entry;
      this._events.push({ type: "sentence", itemId, responseId, text });
    }
    return true;
  }

  /** @param {{samples: Float32Array}} entry */
  _takeSlice(entry) {
    const slice = entry.samples.subarray(0, SLICE_SAMPLES);
    this._setReady(this._resampler.push(slice));
    this._itemSamples += slice.length;
    this._queuedSamples -= slice.length;
    if (slice.length === entry.samples.length) this._queue.shift();
    else entry.samples = entry.samples.subarray(SLICE_SAMPLES);
  }

  /** @param {Float32Array} samples */
  _setReady(samples) {
    this._ready = samples;
    this._readyFrom = 0;
  }

  /** @param {string} itemId */
  _enterItem(itemId) {
    if (itemId === this._itemId) return;
    this._itemId = itemId;
    this._itemSamples = 0;
  }

  /** @returns {boolean} */
  _finishItem() {
    if (this._queue.length > 0) return true;
    const rest = this._resampler.flush();
    if (rest.length > 0) {
      this._setReady(rest);
      this._queue.push({ kind: "end" });
      return true;
    }
    this.state = "idle";
    this._jitter.finished();
    this._events.push({ type: "drained", itemId: this._itemId, playedMs: this.playedMs });
    return false;
  }

  /** The sender is late: gather again, and more than before, rather than stutter. @returns {false} */
  _runDry() {
    this.state = "holding";
    this._gapSamples = 0;
    this._jitter.ranDry();
    this._events.push({ type: "underrun" });
    return false;
  }

  /** The next FADE_MS of sound, faded to nothing, so that the cut does not click. */
  _fadedTail() {
    const tail = new Float32Array(Math.round((FADE_MS * this._outputHz) / 1000));
    const events = this._events;
    this._events = [];
    this._play(tail);
    this._events = events;
    for (let i = 0; i < tail.length; i += 1) tail[i] *= 1 - (i + 1) / tail.length;
    return tail;
  }

  /** @param {Float32Array} block */
  _mixTail(block) {
    const count = Math.min(block.length, this._tail.length);
    for (let i = 0; i < count; i += 1) block[i] += this._tail[i];
    this._tail = this._tail.subarray(count);
  }
}
