// @ts-check
// Shows the current turn and the past ones. Decides nothing: what is shown is in the turn.

import { byId, make, setText } from "./elements.js";
import { formatMs, latencyView } from "./latency-view.js";

/**
 * @typedef {import("./conversation.js").Turn} Turn
 * @typedef {import("./conversation.js").Source} Source
 */

/** @param {string} heardSoFar @returns {string} what is shown until the question is understood */
function unfinished(heardSoFar) {
  return heardSoFar ? `${heardSoFar}\u2026` : "\u2026";
}

/** @param {Source} source @returns {HTMLElement} */
function sourceView(source) {
  const place = source.heading && source.heading !== source.title ? source.heading : "";
  const summary = make(
    "summary",
    {},
    make("span", { class: "source-title", text: source.title || source.document }),
    place ? make("span", { class: "source-heading", text: place }) : null,
    make("span", { class: "score", text: `score ${Number(source.score).toFixed(2)}` }),
  );
  const supports = source.sentence
    ? make("p", { class: "supports", text: `Supports: \u201c${source.sentence}\u201d` })
    : null;
  const passage = make("blockquote", { text: source.passage });
  const file = make("p", { class: "document", text: source.document });
  return make("li", {}, make("details", { class: "source" }, summary, passage, supports, file));
}

/** @param {Source[]} sources @returns {HTMLElement | null} */
function sourcesView(sources) {
  if (sources.length === 0) return null;
  return make(
    "div",
    { class: "sources" },
    make("h3", { text: sources.length === 1 ? "Source" : "Sources" }),
    make("ol", {}, ...sources.map(sourceView)),
  );
}

/** @param {Turn} turn @returns {string} what else a person should know about this answer */
function noteOf(turn) {
  if (turn.problem) return turn.problem;
  if (turn.cutAtMs) return `Stopped after ${(turn.cutAtMs / 1000).toFixed(1)} s.`;
  if (turn.cutAtMs === 0 || turn.outcome === "cancelled") return "Stopped.";
  if (turn.outcome === "failed") return "The answer failed. Please ask again.";
  return "";
}

/**
 * The turn in progress, in elements that stay, so that additions are announced and nothing else.
 */
export class CurrentTurnView {
  constructor() {
    this._question = byId("question");
    this._answer = byId("answer");
    this._note = byId("note");
    this._evidence = byId("evidence");
    /** @type {Turn | null} */
    this._turn = null;
    this._shown = "";
  }

  /** @param {Turn | null} turn @param {boolean} isThinking */
  show(turn, isThinking) {
    byId("welcome").hidden = turn !== null;
    byId("current").hidden = turn === null;
    if (turn === null) return;
    if (turn !== this._turn) this._start(turn);
    setText(this._question, turn.question || unfinished(turn.heardSoFar));
    this._question.classList.toggle("pending", turn.question === "");
    for (const sentence of turn.sentences.slice(this._answer.childElementCount)) {
      this._answer.append(make("span", { text: `${sentence} ` }));
    }
    byId("pondering").hidden = !isThinking;
    setText(this._note, noteOf(turn));
    this._showEvidence(turn);
  }

  /** @param {Turn} turn */
  _start(turn) {
    this._turn = turn;
    this._shown = "";
    this._answer.replaceChildren();
    this._evidence.replaceChildren();
  }

  /**
   * Rebuilt only when it changed: an opened passage must not close while it is read.
   * @param {Turn} turn
   */
  _showEvidence(turn) {
    const state = `${turn.sources.length} ${turn.segments.length}`;
    if (state === this._shown) return;
    this._shown = state;
    const views = [sourcesView(turn.sources), latencyView(turn)];
    this._evidence.replaceChildren(...views.filter((view) => view !== null));
  }
}

/** @param {Turn} turn @returns {string} differs when the turn has to be shown anew */
function stateOf(turn) {
  const { question, sentences, sources, segments, outcome, cutAtMs, problem } = turn;
  return [
    question,
    sentences.length,
    sources.length,
    segments.length,
    outcome,
    cutAtMs,
    problem,
  ].join("|");
}

/** @param {Turn} turn @returns {HTMLElement} */
function pastTurnView(turn) {
  const time = turn.voiceToVoiceMs === null ? "" : formatMs(turn.voiceToVoiceMs);
  const summary = make(
    "summary",
    {},
    make("span", { class: "past-question", text: turn.question || "No words were recognised" }),
    make("span", { class: "past-time", text: time }),
  );
  const note = noteOf(turn);
  return make(
    "li",
    {},
    make(
      "details",
      { class: "past" },
      summary,
      make("p", { class: "past-answer", text: turn.sentences.join(" ") }),
      note ? make("p", { class: "note", text: note }) : null,
      sourcesView(turn.sources),
      latencyView(turn),
    ),
  );
}

/** Past turns, newest first. */
export class HistoryView {
  constructor() {
    this._list = byId("history-list");
    /** @type {Map<Turn, {view: HTMLElement, state: string}>} */
    this._views = new Map();
  }

  /** @param {Turn[]} turns oldest first, without the current one */
  show(turns) {
    byId("history").hidden = turns.length === 0;
    for (const [turn, { view }] of this._views) {
      if (!turns.includes(turn)) this._remove(turn, view);
    }
    for (const turn of turns) this._showTurn(turn);
  }

  /**
   * Built anew when it changed: the last events of a turn may come after the next question.
   * @param {Turn} turn
   */
  _showTurn(turn) {
    const state = stateOf(turn);
    const known = this._views.get(turn);
    if (known?.state === state) return;
    const view = pastTurnView(turn);
    if (known) known.view.replaceWith(view);
    else this._list.prepend(view);
    this._views.set(turn, { view, state });
  }

  /** @param {Turn} turn @param {HTMLElement} view */
  _remove(turn, view) {
    view.remove();
    this._views.delete(turn);
  }
}
