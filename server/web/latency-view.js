// @ts-check
// Draws where the milliseconds of one turn went, and beside them what such turns take as a rule.

import { make, makeSvg } from "./elements.js";
import { WHOLE } from "./percentiles.js";

/**
 * @typedef {import("./conversation.js").Segment} Segment
 * @typedef {import("./conversation.js").Turn} Turn
 * @typedef {import("./percentiles.js").Spread} Spread
 */

/** In the order of a turn: each segment in words, and the stage whose cache may have saved it. */
const SEGMENTS = new Map([
  ["endpoint_wait", { label: "End of the question", stage: "" }],
  ["queue_stt", { label: "Queue for recognition", stage: "" }],
  ["stt_final", { label: "Recognition", stage: "stt" }],
  ["queue_search", { label: "Queue for search", stage: "" }],
  ["embed", { label: "Embedding", stage: "search" }],
  ["search", { label: "Search", stage: "search" }],
  ["queue_answer", { label: "Queue for the answer", stage: "" }],
  ["answer_first", { label: "First sentence", stage: "answer" }],
  ["queue_tts", { label: "Queue for the voice", stage: "" }],
  ["tts_first", { label: "Voice", stage: "tts" }],
  ["send", { label: "Sending", stage: "" }],
]);

/** @param {number} ms @returns {string} */
export function formatMs(ms) {
  if (ms >= 100) return `${Math.round(ms).toLocaleString("en")} ms`;
  return ms >= 0.05 ? `${ms.toFixed(1)} ms` : "0 ms";
}

/** @param {number} ms @returns {string} for a column whose head says milliseconds */
function numeral(ms) {
  if (ms >= 10) return Math.round(ms).toLocaleString("en");
  return ms >= 0.05 ? ms.toFixed(1) : "0";
}

/** @param {string} name @returns {string} waiting looks unlike work */
function kindOf(name) {
  if (name === "endpoint_wait") return "waiting";
  return name.startsWith("queue_") ? "queueing" : "working";
}

/**
 * Where in the turn this segment lies.
 * @param {Segment} segment @param {number} fromMs @param {number} wholeMs
 */
function bar({ name, ms }, fromMs, wholeMs) {
  const drawn = makeSvg("svg", {
    class: "bar",
    "aria-hidden": "true",
    preserveAspectRatio: "none",
    viewBox: "0 0 1000 4",
  });
  const width = Math.max(6, (1000 * ms) / wholeMs);
  const x = Math.min((1000 * fromMs) / wholeMs, 1000 - width);
  drawn.append(
    makeSvg("rect", { class: kindOf(name), x: String(x), width: String(width), height: "4" }),
  );
  return drawn;
}

const ORDER = [...SEGMENTS.keys()];

/** @param {string} name @returns {number} */
function placeOf(name) {
  return ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length;
}

/** @param {Segment[]} segments @returns {Segment[]} in the order of a turn, unknown ones last */
function inOrder(segments) {
  const measured = segments.filter(({ ms }) => Number.isFinite(ms) && ms >= 0);
  return measured.sort((a, b) => placeOf(a.name) - placeOf(b.name));
}

/** @param {string} name @returns {string} */
function labelOf(name) {
  return SEGMENTS.get(name)?.label ?? name.replaceAll("_", " ");
}

/**
 * @param {Spread | undefined} spread @param {boolean} isWanted
 * @returns {HTMLElement[]} its two cells
 */
function spreadCells(spread, isWanted) {
  if (!isWanted) return [];
  const text = (/** @type {number | undefined} */ ms) => (ms === undefined ? "" : numeral(ms));
  return [make("td", { text: text(spread?.p50) }), make("td", { text: text(spread?.p95) })];
}

/** @param {Turn} turn @param {Segment[]} segments @param {Map<string, Spread>} spreads */
function rowsOf(turn, segments, spreads) {
  const wholeMs = segments.reduce((sum, { ms }) => sum + ms, 0);
  let fromMs = 0;
  return segments.map((segment) => {
    const { name, ms } = segment;
    const label = make("th", { scope: "row" }, make("span", { text: labelOf(name) }));
    const isCached = turn.cacheHits.includes(SEGMENTS.get(name)?.stage || "-");
    if (isCached) label.append(make("span", { class: "cached", text: "cached" }));
    label.append(bar(segment, fromMs, wholeMs));
    fromMs += ms;
    const cells = spreadCells(spreads.get(name), spreads.size > 0);
    return make("tr", {}, label, make("td", { text: numeral(ms) }), ...cells);
  });
}

/** @param {string[]} names @returns {HTMLElement} */
function headOf(names) {
  const cells = names.map((text) => make("th", { scope: "col", text }));
  return make("thead", {}, make("tr", {}, ...cells));
}

/** @param {Turn} turn @param {number} count @returns {string} */
function footnote(turn, count) {
  const over = count > 1 ? `p50 and p95 over ${count} ${turn.kind} questions on this page. ` : "";
  if (!turn.isHeard) return over;
  const gap = turn.longestGapMs > 0 ? `Longest gap ${turn.longestGapMs} ms.` : "No gap.";
  return `${over}Sound: ${gap.toLowerCase()}`;
}

/**
 * @param {Turn} turn
 * @param {Map<string, Spread>} spreads of the turns like it; empty for a turn of the past
 * @param {number} count of those turns
 * @returns {HTMLElement | null} null before it is known
 */
export function latencyView(turn, spreads, count) {
  const segments = inOrder(turn.segments);
  const sumMs = segments.reduce((sum, { ms }) => sum + ms, 0);
  if (segments.length === 0 || sumMs <= 0) return null;
  const wholeMs = turn.voiceToVoiceMs ?? sumMs;
  const meaning =
    turn.kind === "spoken"
      ? "from your last word to the first sound"
      : "from your question to the first sound";
  const headline = make(
    "p",
    { class: "headline" },
    make("strong", { text: formatMs(wholeMs) }),
    make("span", { text: meaning }),
  );
  const isCompared = spreads.size > 0;
  const names = isCompared ? ["Milliseconds", "last", "p50", "p95"] : ["Milliseconds", "this one"];
  const whole = make(
    "tr",
    {},
    make("th", { scope: "row", text: "Together" }),
    make("td", { text: numeral(wholeMs) }),
    ...spreadCells(spreads.get(WHOLE), isCompared),
  );
  const caption = make("caption", { class: "hidden", text: "Latency by segment" });
  const table = make(
    "table",
    {},
    caption,
    headOf(names),
    make("tbody", { class: "whole" }, whole),
    make("tbody", {}, ...rowsOf(turn, segments, spreads)),
  );
  const title = make("h3", { text: "Time" });
  const note = make("p", { class: "fine", text: footnote(turn, count) });
  return make("section", { class: "latency" }, title, headline, table, note);
}
