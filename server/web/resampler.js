// @ts-check
// Converts a stream of samples from one rate to another; knows nothing of audio devices or frames.

/** Zero crossings of the sinc on each side, counted at the lower of the two rates. */
const ZERO_CROSSINGS = 32;
/** Kaiser beta for about 80 dB of stop band (Kaiser and Schafer, 1980). */
const KAISER_BETA = 7.9;
/** Cut-off as a share of the lower Nyquist rate: the stop band then begins at Nyquist itself. */
const ROLLOFF = 0.92;

/** @param {number} a @param {number} b @returns {number} */
function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Modified Bessel function of the first kind, order zero. @param {number} x @returns {number} */
function besselI0(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/**
 * @param {number} x in samples of the source
 * @param {number} cutoff in cycles per sample
 * @param {number} halfWidth
 */
function windowedSinc(x, cutoff, halfWidth) {
  const edge = x / halfWidth;
  if (Math.abs(edge) >= 1) return 0;
  const angle = 2 * Math.PI * cutoff * x;
  const sinc = Math.abs(x) < 1e-9 ? 1 : Math.sin(angle) / angle;
  return (sinc * besselI0(KAISER_BETA * Math.sqrt(1 - edge * edge))) / besselI0(KAISER_BETA);
}

/**
 * One row of taps for each phase, every row summing to one so that no phase is louder than another.
 * @param {number} phases @param {number} halfWidth @param {number} cutoff @returns {Float32Array}
 */
function polyphaseTaps(phases, halfWidth, cutoff) {
  const width = 2 * halfWidth;
  const taps = new Float32Array(phases * width);
  for (let phase = 0; phase < phases; phase += 1) {
    const row = taps.subarray(phase * width, (phase + 1) * width);
    let sum = 0;
    for (let k = 0; k < width; k += 1) {
      row[k] = windowedSinc(phase / phases - (k - halfWidth + 1), cutoff, halfWidth);
      sum += row[k];
    }
    for (let k = 0; k < width; k += 1) row[k] /= sum;
  }
  return taps;
}

/**
 * A stateful windowed-sinc polyphase resampler. Output sample n lies exactly at source time
 * n * source / target, whatever the sizes of the blocks pushed: no drift, no jump between blocks.
 */
export class Resampler {
  _filled = 0;
  _index = 0;
  _phase = 0;
  _owed = 0;

  /** @param {number} sourceHz @param {number} targetHz whole numbers of samples a second */
  constructor(sourceHz, targetHz) {
    const divisor = greatestCommonDivisor(sourceHz, targetHz);
    this._isIdentity = sourceHz === targetHz;
    this._phases = targetHz / divisor;
    this._step = sourceHz / divisor;
    const stretch = Math.max(1, sourceHz / targetHz);
    this._halfWidth = Math.ceil(ZERO_CROSSINGS * stretch);
    this._taps = this._isIdentity
      ? new Float32Array(0)
      : polyphaseTaps(this._phases, this._halfWidth, (0.5 * ROLLOFF) / stretch);
    this._source = new Float32Array(4 * this._halfWidth + 1024);
    this._output = new Float32Array(1024);
    this.reset();
  }

  /** Forgets the past: the next sample pushed is at time zero. */
  reset() {
    this._source.fill(0, 0, this._halfWidth);
    this._filled = this._halfWidth - 1;
    this._index = this._halfWidth - 1;
    this._phase = 0;
    this._owed = 0;
  }

  /**
   * @param {Float32Array} input
   * @returns {Float32Array} what can be computed by now; valid until the next call
   */
  push(input) {
    if (this._isIdentity) return input;
    this._append(input);
    this._owed += (input.length * this._phases) / this._step;
    return this._drain(Infinity);
  }

  /** Ends the stream: the rest of the output, then reset. @returns {Float32Array} */
  flush() {
    if (this._isIdentity) return this._output.subarray(0, 0);
    this._append(new Float32Array(this._halfWidth + 1));
    const rest = this._drain(Math.max(0, Math.ceil(this._owed - 1e-6)));
    this.reset();
    return rest;
  }

  /** @param {Float32Array} input */
  _append(input) {
    const needed = this._filled + input.length;
    if (needed > this._source.length) {
      const larger = new Float32Array(2 * needed);
      larger.set(this._source.subarray(0, this._filled));
      this._source = larger;
    }
    this._source.set(input, this._filled);
    this._filled = needed;
  }

  /** @param {number} limit most samples to emit @returns {Float32Array} */
  _drain(limit) {
    const bound = Math.ceil(((this._filled - this._index) * this._phases) / this._step) + 1;
    if (bound > this._output.length) this._output = new Float32Array(2 * bound);
    let count = 0;
    while (count < limit && this._index + this._halfWidth < this._filled) {
      this._output[count] = this._sampleHere();
      count += 1;
      this._phase += this._step;
      this._index += Math.floor(this._phase / this._phases);
      this._phase %= this._phases;
    }
    this._owed -= count;
    this._forgetPast();
    return this._output.subarray(0, count);
  }

  _sampleHere() {
    const width = 2 * this._halfWidth;
    const first = this._index - this._halfWidth + 1;
    const row = this._phase * width;
    let sum = 0;
    for (let k = 0; k < width; k += 1) sum += this._source[first + k] * this._taps[row + k];
    return sum;
  }

  _forgetPast() {
    const first = Math.min(this._index - this._halfWidth + 1, this._filled);
    if (first <= 0) return;
    this._source.copyWithin(0, first, this._filled);
    this._filled -= first;
    this._index -= first;
  }
}
