// @ts-check
// Shows the passages that an answer rests on, with the sentences of it marked. Decides nothing.

import { make, makeSvg } from "./elements.js";

/** @typedef {import("./conversation.js").Source} Source */

/**
 * The passage with what was said of it marked, where it stands there word for word.
 * @param {string} passage @param {string} said one or more sentences
 * @returns {(Node)[]}
 */
function markedPassage(passage, said) {
  const from = said ? passage.indexOf(said) : -1;
  if (from < 0) return [document.createTextNode(passage)];
  return [
    document.createTextNode(passage.slice(0, from)),
    make("mark", { text: said }),
    document.createTextNode(passage.slice(from + said.length)),
  ];
}

/** @param {number} score 0 to 1 @returns {HTMLElement} */
function scoreView(score) {
  const bar = makeSvg("svg", { class: "gauge", viewBox: "0 0 100 10", "aria-hidden": "true" });
  const width = String(Math.max(0, Math.min(100, 100 * score)));
  bar.append(
    makeSvg("rect", { class: "gauge-ground", width: "100", height: "10", rx: "5" }),
    makeSvg("rect", { class: "gauge-level", width, height: "10", rx: "5" }),
  );
  return make(
    "span",
    { class: "score" },
    bar,
    make("span", { class: "hidden", text: "score " }),
    make("span", { text: score.toFixed(2) }),
  );
}

/** @param {Source} source @returns {HTMLElement} */
function sourceView(source) {
  const place = source.heading && source.heading !== source.title ? source.heading : "";
  const summary = make(
    "summary",
    {},
    make(
      "span",
      { class: "source-name" },
      make("span", { class: "source-title", text: source.title || source.document }),
      place ? make("span", { class: "source-heading", text: place }) : null,
    ),
    scoreView(Number(source.score) || 0),
  );
  const passage = make("blockquote", {}, ...markedPassage(source.passage, source.sentence));
  const file = make("p", { class: "document", text: source.document });
  return make("li", {}, make("details", { class: "source" }, summary, passage, file));
}

/** @param {Source[]} sources @returns {HTMLElement | null} */
export function sourcesView(sources) {
  if (sources.length === 0) return null;
  return make(
    "section",
    { class: "sources" },
    make("h3", { text: sources.length === 1 ? "Source" : "Sources" }),
    make("ol", {}, ...sources.map(sourceView)),
  );
}
