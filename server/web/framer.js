// @ts-check
// Turns microphone blocks of any rate and channel count into 20 ms frames of PCM16; sends nothing.

import { Resampler } from "./resampler.js";

export const FRAME_RATE_HZ = 16000;
export const FRAME_SAMPLES = 320;

/** @typedef {{pcm: ArrayBuffer, levelDbfs: number}} Frame 640 bytes of little-endian PCM16 mono */

/** The level shown for digital silence. */
export const SILENCE_DBFS = -100;

/** @param {number} meanSquare @returns {number} */
export function decibels(meanSquare) {
  return meanSquare > 1e-10 ? 10 * Math.log10(meanSquare) : SILENCE_DBFS;
}

/** Collects samples until a frame is full. Stereo is averaged, so that neither side is lost. */
export class MicrophoneFramer {
  _pcm = new ArrayBuffer(2 * FRAME_SAMPLES);
  _view = new DataView(this._pcm);
  _filled = 0;
  _energy = 0;

  /** @param {number} sourceHz the rate of the audio context */
  constructor(sourceHz) {
    this._resampler = new Resampler(sourceHz, FRAME_RATE_HZ);
    this._mono = new Float32Array(128);
  }

  /** @param {Float32Array[]} channels equally long @returns {Frame[]} the frames now complete */
  push(channels) {
    if (channels.length === 0) return [];
    return this._collect(this._resampler.push(this._downmix(channels)));
  }

  /** The last samples, padded with silence to a whole frame. @returns {Frame[]} */
  end() {
    const frames = this._collect(this._resampler.flush());
    if (this._filled === 0) return frames;
    return [...frames, ...this._collect(new Float32Array(FRAME_SAMPLES - this._filled))];
  }

  /** @param {Float32Array[]} channels @returns {Float32Array} */
  _downmix(channels) {
    if (channels.length === 1) return channels[0];
    const length = channels[0].length;
    if (this._mono.length !== length) this._mono = new Float32Array(length);
    for (let i = 0; i < length; i += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      this._mono[i] = sum / channels.length;
    }
    return this._mono;
  }

  /** @param {Float32Array} samples @returns {Frame[]} */
  _collect(samples) {
    const frames = [];
    for (const sample of samples) {
      const bounded = Math.max(-1, Math.min(1, sample));
      this._view.setInt16(2 * this._filled, Math.round(bounded * 32767), true);
      this._energy += bounded * bounded;
      this._filled += 1;
      if (this._filled === FRAME_SAMPLES) frames.push(this._finishFrame());
    }
    return frames;
  }

  /** @returns {Frame} */
  _finishFrame() {
    const frame = { pcm: this._pcm, levelDbfs: decibels(this._energy / FRAME_SAMPLES) };
    this._startFrame();
    return frame;
  }

  _startFrame() {
    this._pcm = new ArrayBuffer(2 * FRAME_SAMPLES);
    this._view = new DataView(this._pcm);
    this._filled = 0;
    this._energy = 0;
  }
}
