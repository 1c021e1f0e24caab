// @ts-check
// Shows the current turn and the past ones. Decides nothing: what is shown is in the turn.

import { AnswerView } from "./answer-view.js";
import { byId, make, setText } from "./elements.js";
import { formatMs, latencyView } from "./latency-view.js";
import { spreadBySegment } from "./percentiles.js";
import { sourcesView } from "./sources-view.js";

/** @typedef {import("./conversation.js").Turn} Turn */

/** @param {string} heardSoFar @returns {string} what is shown until the question is understood */
function unfinished(heardSoFar) {
  return heardSoFar ? `${heardSoFar}\u2026` : "\u2026";
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
  /** @param {import("./follow.js").Follow} follow */
  constructor(follow) {
    this._follow = follow;
    this._question = byId("question");
    this._answer = new AnswerView(byId("answer"));
    this._note = byId("note");
    /** @type {Turn | null} */
    this._turn = null;
    this._revision = 0;
    this._sourceCount = 0;
    this._latencyState = "";
  }

  /** @param {Turn[]} turns oldest first @param {boolean} isThinking */
  show(turns, isThinking) {
    const turn = turns.at(-1);
    document.body.classList.toggle("fresh", turn === undefined);
    byId("welcome").hidden = turn !== undefined;
    byId("current").hidden = turn === undefined;
    if (turn === undefined) return;
    if (turn !== this._turn || turn.revision !== this._revision) this._start(turn);
    setText(this._question, turn.question || unfinished(turn.heardSoFar));
    this._question.classList.toggle("pending", turn.question === "");
    this._answer.show(turn);
    byId("reply").hidden = !turn.isAsked;
    byId("current").dataset.longestGapMs = String(turn.longestGapMs);
    byId("pondering").hidden = !isThinking;
    setText(this._note, noteOf(turn));
    this._showEvidence(turn, turns);
  }

  /** The words alone: while an answer sounds this comes 20 times a second. @param {Turn} turn */
  showWords(turn) {
    if (turn !== this._turn) return;
    this._answer.show(turn);
    this._follow.keep(this._answer.sounding);
  }

  /** @param {Turn} turn */
  _start(turn) {
    if (turn !== this._turn) this._follow.begin();
    this._turn = turn;
    this._revision = turn.revision;
    this._sourceCount = 0;
    this._latencyState = "";
    this._answer.clear();
    replace(byId("sources"), null);
    replace(byId("latency"), null);
  }

  /**
   * Each half is rebuilt only when it changed: an opened passage must not close while it is read.
   * @param {Turn} turn @param {Turn[]} turns
   */
  _showEvidence(turn, turns) {
    const { sources, segments, isHeard, longestGapMs } = turn;
    if (this._sourceCount !== sources.length) {
      this._sourceCount = sources.length;
      replace(byId("sources"), sourcesView(sources));
    }
    const state = [segments.length, isHeard, longestGapMs].join(" ");
    if (this._latencyState !== state) {
      this._latencyState = state;
      const alike = turns.filter(({ kind }) => kind === turn.kind);
      replace(byId("latency"), latencyView(turn, spreadBySegment(alike), alike.length));
    }
  }
}

/** @param {HTMLElement} place @param {HTMLElement | null} view */
function replace(place, view) {
  place.replaceChildren(...(view === null ? [] : [view]));
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
  const answer = turn.sentences.join(" ");
  const summary = make(
    "summary",
    {},
    make("span", { class: "past-question", text: turn.question || "No words were recognised" }),
    make("span", { class: "past-time", text: time }),
    make("span", { class: "past-excerpt", text: answer }),
  );
  const note = noteOf(turn);
  return make(
    "li",
    {},
    make(
      "details",
      { class: "past" },
      summary,
      make("p", { class: "past-answer", text: answer }),
      note ? make("p", { class: "note", text: note }) : null,
      sourcesView(turn.sources),
      latencyView(turn, new Map(), 0),
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
