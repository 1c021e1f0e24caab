// @ts-check
// What the answers of this page took, segment by segment: the middle and the slow end. Pure.

/**
 * @typedef {import("./conversation.js").Turn} Turn
 * @typedef {{p50: number, p95: number}} Spread
 */

/** The name under which the whole of a turn is counted. */
export const WHOLE = "voice_to_voice";

/**
 * The smallest value that at least that share of the values do not exceed (nearest rank).
 * @param {number[]} sorted ascending, not empty @param {number} share above 0, up to 1
 */
function quantile(sorted, share) {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/**
 * A segment that a turn has not is no zero: it is left out of its spread.
 * @param {Turn[]} turns of one kind: a typed question has no end to wait for
 * @returns {Map<string, Spread>}
 */
export function spreadBySegment(turns) {
  /** @type {Map<string, number[]>} */
  const values = new Map();
  const note = (/** @type {string} */ name, /** @type {number} */ ms) => {
    if (Number.isFinite(ms)) values.set(name, [...(values.get(name) ?? []), ms]);
  };
  for (const turn of turns) {
    for (const { name, ms } of turn.segments) note(name, ms);
    if (turn.voiceToVoiceMs !== null) note(WHOLE, turn.voiceToVoiceMs);
  }
  return new Map([...values].map(([name, all]) => [name, spreadOf(all)]));
}

/** @param {number[]} values @returns {Spread} */
function spreadOf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
}
