// @ts-check
// The two audio worklets: microphone to frames, and answer to loudspeaker. No sockets here.

import { MicrophoneFramer, decibels } from "./framer.js";
import { Playout } from "./playout.js";

/**
 * What the audio thread provides; the type library of a page does not know it.
 * @typedef {{port: MessagePort}} WorkletBase
 * @type {{sampleRate: number, AudioWorkletProcessor: new () => WorkletBase,
 *   registerProcessor: (name: string, processor: Function) => void}}
 */
const scope = /** @type {any} */ (globalThis);

const REPORT_EVERY_MS = 50;

/**
 * Sends each 20 ms frame over a port of its own, straight to the socket's worker; the page is told
 * only the level. Messages in: `{frames: MessagePort}`, then `{isEnd: true}` to finish.
 */
class CaptureProcessor extends scope.AudioWorkletProcessor {
  constructor() {
    super();
    this._framer = new MicrophoneFramer(scope.sampleRate);
    /** @type {MessagePort | null} */
    this._frames = null;
    this._isRunning = true;
    this.port.onmessage = ({ data }) => this._handle(data);
  }

  /** @param {{frames?: MessagePort, isEnd?: boolean}} message */
  _handle(message) {
    if (message.frames) this._frames = message.frames;
    if (message.isEnd) this._end();
  }

  _end() {
    if (!this._isRunning) return;
    this._send(this._framer.end());
    this._frames?.postMessage({ type: "end" });
    this._isRunning = false;
  }

  /** @param {import("./framer.js").Frame[]} frames */
  _send(frames) {
    for (const { pcm, levelDbfs } of frames) {
      this._frames?.postMessage(pcm, [pcm]);
      this.port.postMessage(levelDbfs);
    }
  }

  /** @param {Float32Array[][]} inputs @returns {boolean} */
  process(inputs) {
    if (this._isRunning) this._send(this._framer.push(inputs[0]));
    return this._isRunning;
  }
}

/**
 * Plays what the socket's worker sends over its port, and reports to both worker and page.
 * The page's port carries the same reports, so that words appear when they are heard.
 */
class PlaybackProcessor extends scope.AudioWorkletProcessor {
  constructor() {
    super();
    this._playout = new Playout(scope.sampleRate);
    /** @type {MessagePort | null} */
    this._worker = null;
    this._reportEvery = (REPORT_EVERY_MS * scope.sampleRate) / 1000;
    this._sinceReport = 0;
    this._energy = 0;
    this.port.onmessage = ({ data }) => this._attach(data.worker);
  }

  /** @param {MessagePort} worker */
  _attach(worker) {
    this._worker = worker;
    worker.onmessage = ({ data }) => this._handle(data);
  }

  /** @param {any} message */
  _handle(message) {
    if (message.type === "audio") this._push(message.pcm, message.rateHz);
    else if (message.type === "item") this._playout.beginItem(message.itemId);
    else if (message.type === "sentence") this._playout.markSentence(message.sentence);
    else if (message.type === "end") this._playout.end();
    else if (message.type === "flush") this._flush(message.mayGoOn);
  }

  /** Told at once: how much was heard is known before the next block. @param {boolean} mayGoOn */
  _flush(mayGoOn) {
    this._playout.flush(mayGoOn);
    this._reportEvents();
  }

  /** @param {ArrayBuffer} pcm little-endian PCM16 @param {number} rateHz */
  _push(pcm, rateHz) {
    const view = new DataView(pcm);
    const samples = new Float32Array(view.byteLength >> 1);
    for (let i = 0; i < samples.length; i += 1) samples[i] = view.getInt16(2 * i, true) / 32768;
    this._playout.push(samples, rateHz);
  }

  /** @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs @returns {true} */
  process(_inputs, outputs) {
    const [first, ...others] = outputs[0];
    this._playout.render(first);
    for (const other of others) other.set(first);
    this._reportEvents();
    this._measure(first);
    return true;
  }

  _reportEvents() {
    for (const event of this._playout.takeEvents()) this._report(event);
  }

  /** @param {object} event */
  _report(event) {
    this.port.postMessage(event);
    this._worker?.postMessage(event);
  }

  /** @param {Float32Array} block */
  _measure(block) {
    for (const sample of block) this._energy += sample * sample;
    this._sinceReport += block.length;
    if (this._sinceReport < this._reportEvery) return;
    const levelDbfs = decibels(this._energy / this._sinceReport);
    this._sinceReport = 0;
    this._energy = 0;
    if (this._playout.state !== "playing") return;
    const { itemId, playedMs } = this._playout;
    this._report({ type: "played", itemId, playedMs, levelDbfs });
  }
}

scope.registerProcessor("parley-capture", CaptureProcessor);
scope.registerProcessor("parley-playback", PlaybackProcessor);
