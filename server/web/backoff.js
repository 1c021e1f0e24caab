// @ts-check
// When to try a lost connection again; opens nothing.

const FIRST_MS = 500;
const MOST_MS = 15000;

/**
 * Doubling delays with the upper half random, so that clients cut off together do not return
 * together. Never sooner than the server asked for.
 * @param {number} attempt 0 for the first try
 * @param {number} retryAfterMs what the server asked for, 0 when it did not
 * @param {() => number} random uniform in [0, 1)
 * @returns {number} milliseconds
 */
export function reconnectDelayMs(attempt, retryAfterMs, random) {
  const ceiling = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  const jittered = ceiling * (0.5 + 0.5 * random());
  return Math.round(Math.max(jittered, retryAfterMs * (1 + 0.25 * random())));
}
