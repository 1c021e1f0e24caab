// @ts-check
// Draws where the milliseconds of one turn went: a stacked bar and a table.

import { make, makeSvg } from "./elements.js";

/** @typedef {import("./conversation.js").Segment} Segment */

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

/** @param {string} name @returns {string} a class of style.css; unknown names share one colour */
function colourClass(name) {
  return SEGMENTS.has(name) ? `segment-${name.replaceAll("_", "-")}` : "segment-other";
}

/** @param {Segment[]} segments @param {number} totalMs @returns {Element} */
function stackedBar(segments, totalMs) {
  const words = segments.map(({ name, ms }) => `${labelOf(name)} ${formatMs(ms)}`).join(", ");
  const bar = makeSvg("svg", {
    class: "bar",
    role: "img",
    "aria-label": words,
    preserveAspectRatio: "none",
    viewBox: "0 0 1000 10",
  });
  let from = 0;
  for (const { name, ms } of segments) {
    const width = (1000 * ms) / totalMs;
    bar.append(
      makeSvg("rect", {
        class: colourClass(name),
        x: String(from),
        y: "0",
        width: String(width),
        height: "10",
      }),
    );
    from += width;
  }
  return bar;
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

/** @param {Segment} segment @param {string[]} cacheHits @returns {HTMLElement} */
function row({ name, ms }, cacheHits) {
  const isCached = cacheHits.includes(SEGMENTS.get(name)?.stage || "-");
  const swatch = makeSvg("svg", { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" });
  swatch.append(makeSvg("rect", { class: colourClass(name), width: "10", height: "10", rx: "3" }));
  const label = make("th", { scope: "row" }, swatch, document.createTextNode(labelOf(name)));
  if (isCached) label.append(make("span", { class: "cached", text: "cached" }));
  return make("tr", {}, label, make("td", { text: formatMs(ms) }));
}

/**
 * @param {import("./conversation.js").Turn} turn
 * @returns {HTMLElement | null} null before it is known
 */
export function latencyView(turn) {
  const segments = inOrder(turn.segments);
  const sumMs = segments.reduce((sum, { ms }) => sum + ms, 0);
  if (segments.length === 0 || sumMs <= 0) return null;
  const meaning =
    turn.kind === "spoken"
      ? "from your last word to the first sound"
      : "from your question to the first sound";
  const headline = make(
    "p",
    { class: "headline" },
    make("strong", { text: formatMs(turn.voiceToVoiceMs ?? sumMs) }),
    make("span", { text: meaning }),
  );
  const caption = make("caption", { class: "hidden", text: "Latency by segment" });
  const rows = make("tbody", {}, ...segments.map((segment) => row(segment, turn.cacheHits)));
  return make(
    "div",
    { class: "latency" },
    headline,
    stackedBar(segments, sumMs),
    make("table", {}, caption, rows),
  );
}
