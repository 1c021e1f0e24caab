// @ts-check
// The words of an answer, and how many of them have been said. Pure.

/** @typedef {import("./conversation.js").Turn} Turn */

/** @param {string} sentence @returns {string[]} */
export function wordsOf(sentence) {
  return sentence.split(/\s+/).filter((word) => word !== "");
}

/**
 * How many words of one sentence have been said.
 * @param {Turn} turn @param {number} index of the sentence @param {number} count of its words
 * @returns {number} all of them where nothing is known of their times
 */
export function saidOf(turn, index, count) {
  const endsMs = turn.wordEndsMs[index];
  const isWhole = turn.isHeard && turn.cutAtMs === null;
  if (isWhole || turn.playedMs === null || endsMs?.length !== count) return count;
  const playedMs = turn.playedMs;
  return endsMs.filter((endMs) => endMs <= playedMs).length;
}
