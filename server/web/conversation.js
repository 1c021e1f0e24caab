// @ts-check
// What has been asked and answered, folded from the server's events. Pure: no page, no socket.

import { saidOf, wordsOf } from "./words.js";

/**
 * @typedef {{type: string, [field: string]: any}} WireEvent
 * @typedef {{document: string, title: string, heading: string, passage: string, score: number,
 *   sentence: string}} Source
 * @typedef {{name: string, ms: number}} Segment
 * @typedef {{
 *   itemId: string, responseId: string, answerItemId: string, kind: "spoken" | "typed",
 *   question: string, heardSoFar: string, isAsked: boolean, sentences: string[],
 *   wordEndsMs: number[][], playedMs: number | null, longestGapMs: number, sources: Source[],
 *   segments: Segment[], voiceToVoiceMs: number | null, cacheHits: string[],
 *   outcome: string, isAnswered: boolean, isHeard: boolean, cutAtMs: number | null,
 *   problem: string, isInterrupted: boolean, revision: number,
 * }} Turn `revision` grows when words that were shown are taken back
 */

/** Turns kept on the page; older ones are forgotten. */
const MOST_TURNS = 50;

/** @param {"spoken" | "typed"} kind @param {string} question @returns {Turn} */
function newTurn(kind, question) {
  return {
    itemId: "",
    responseId: "",
    answerItemId: "",
    kind,
    question,
    heardSoFar: "",
    isAsked: true,
    sentences: [],
    wordEndsMs: [],
    playedMs: null,
    longestGapMs: 0,
    sources: [],
    segments: [],
    voiceToVoiceMs: null,
    cacheHits: [],
    outcome: "",
    isAnswered: false,
    isHeard: false,
    cutAtMs: null,
    problem: "",
    isInterrupted: false,
    revision: 0,
  };
}

/** @param {unknown} value @returns {string} */
function words(value) {
  return typeof value === "string" ? value.trim() : "";
}

/** The turns, oldest first; the last one is the current one. */
export class Conversation {
  constructor() {
    /** @type {Turn[]} */
    this.turns = [];
    this.isHearing = false;
    /** Whose answer was heard last. @type {Turn | null} */
    this._heard = null;
  }

  /** @returns {Turn | null} */
  get current() {
    return this.turns.at(-1) ?? null;
  }

  /** A question was asked and nothing of its answer has been heard yet. */
  get isThinking() {
    const turn = this.current;
    return turn !== null && turn.isAsked && !turn.isAnswered && turn.sentences.length === 0;
  }

  /** @param {string} question */
  askTyped(question) {
    this._add(newTurn("typed", question));
  }

  /** @param {WireEvent} event */
  apply(event) {
    const handler = HANDLERS[event.type];
    if (handler) handler(this, event);
  }

  /** Its audio begins now. @param {{responseId: string, itemId: string, text: string}} sentence */
  hear({ responseId, itemId, text }) {
    const turn = this._byResponse(responseId) ?? this.current;
    if (turn === null) return;
    if (itemId) turn.answerItemId = itemId;
    this._heard = turn;
    if (words(text)) turn.sentences.push(words(text));
  }

  /**
   * So much of the answer's sound has been played; a held answer that goes on is not cut any more.
   * @param {string} itemId @param {number} playedMs
   */
  play(itemId, playedMs) {
    const turn = this._heard;
    if (turn === null || turn.answerItemId !== itemId) return;
    if (turn.cutAtMs !== null && playedMs > turn.cutAtMs && !turn.isAnswered) {
      turn.cutAtMs = null;
      turn.isHeard = false;
    }
    turn.playedMs = playedMs;
  }

  /** The sound of the answer stood still for so long. @param {number} gapMs */
  noteGap(gapMs) {
    if (this._heard) this._heard.longestGapMs = Math.max(this._heard.longestGapMs, gapMs);
  }

  /**
   * The sound ended.
   * @param {number} playedMs @param {boolean} isCut before the answer's end
   */
  finishHearing(playedMs, isCut) {
    const turn = this._heard;
    if (turn === null || turn.isHeard) return;
    turn.isHeard = true;
    turn.cutAtMs = isCut || turn.isInterrupted ? playedMs : null;
    if (turn.cutAtMs !== null) turn.playedMs = playedMs;
  }

  /** The connection was lost: nothing more will come for the current turn. */
  interrupt() {
    this.isHearing = false;
    this._dropUnasked();
    const turn = this.current;
    if (turn === null || turn.isAnswered) return;
    turn.isAnswered = true;
    turn.isInterrupted = true;
    turn.problem = "The connection was lost before the answer was complete. Please ask again.";
  }

  /**
   * The server says the rest on the next connection, from the first word that was not heard.
   * @param {Turn} turn @param {string} responseId
   */
  _goOn(turn, responseId) {
    const heard = turn.sentences.map((sentence, i) => {
      const all = wordsOf(sentence);
      return all.slice(0, saidOf(turn, i, all.length)).join(" ");
    });
    turn.sentences = heard.filter((sentence) => sentence !== "");
    turn.wordEndsMs = turn.sentences.map(() => []);
    turn.playedMs = null;
    turn.cutAtMs = null;
    turn.isHeard = false;
    turn.isAnswered = false;
    turn.isInterrupted = false;
    turn.problem = "";
    turn.responseId = responseId;
    turn.revision += 1;
  }

  /** @param {Turn} turn */
  _add(turn) {
    this.turns.push(turn);
    if (this.turns.length > MOST_TURNS) this.turns.shift();
  }

  /** @param {string} responseId @returns {Turn | null} */
  _byResponse(responseId) {
    return this.turns.findLast((turn) => responseId && turn.responseId === responseId) ?? null;
  }

  /** @param {WireEvent} event @returns {Turn | null} */
  _of(event) {
    const byItem = this.turns.findLast((turn) => event.item_id && turn.itemId === event.item_id);
    return this._byResponse(event.response_id) ?? byItem ?? null;
  }

  /** Speech that went on before its answer began is asked again, whole, with what follows. */
  _dropTakenBack() {
    const turn = this.current;
    const isUnanswered = turn?.outcome === "cancelled" && turn.sentences.length === 0;
    if (turn?.kind === "spoken" && isUnanswered) this._drop(turn);
  }

  /** Words that were heard and never asked go when the server forgets the speech. */
  _dropUnasked() {
    this.turns = this.turns.filter(({ isAsked }) => isAsked);
  }

  /** @param {Turn} turn */
  _drop(turn) {
    this.turns = this.turns.filter((other) => other !== turn);
  }
}

/** @type {Record<string, (conversation: Conversation, event: WireEvent) => void>} */
const HANDLERS = {
  "session.created": (conversation) => {
    conversation.isHearing = false;
  },
  "input_audio_buffer.speech_started": (conversation) => {
    conversation._dropTakenBack();
    conversation._dropUnasked();
    conversation.isHearing = true;
  },
  "input_audio_buffer.speech_stopped": (conversation) => {
    conversation.isHearing = false;
  },
  "input_audio_buffer.cleared": (conversation) => {
    conversation.isHearing = false;
    conversation._dropUnasked();
  },
  "input_audio_buffer.committed": (conversation, event) => {
    conversation.isHearing = false;
    const turn = conversation._of(event);
    if (turn) turn.isAsked = true;
    else conversation._add({ ...newTurn("spoken", ""), itemId: event.item_id ?? "" });
  },
  "conversation.item.input_audio_transcription.delta": (conversation, event) => {
    if (!conversation._of(event)) {
      const itemId = event.item_id ?? "";
      conversation._add({ ...newTurn("spoken", ""), itemId, isAsked: false });
    }
    const turn = conversation._of(event);
    if (turn) turn.heardSoFar += event.delta ?? "";
  },
  "conversation.item.added": (conversation, event) => {
    if (event.item?.content?.[0]?.type !== "input_text") return;
    const turn = conversation.turns.find(({ kind, itemId }) => kind === "typed" && !itemId);
    if (turn) turn.itemId = event.item.id;
  },
  "conversation.item.input_audio_transcription.completed": (conversation, event) => {
    const turn = conversation._of(event);
    if (turn) turn.question = words(event.transcript);
  },
  "response.created": (conversation, event) => {
    const turn = conversation.current;
    const responseId = event.response?.id ?? "";
    if (turn?.isInterrupted) conversation._goOn(turn, responseId);
    else if (turn && !turn.responseId) turn.responseId = responseId;
  },
  "parley.sources": (conversation, event) => {
    const turn = conversation._of(event);
    if (turn) turn.sources = event.sources ?? [];
  },
  "parley.words": (conversation, event) => {
    const turn = conversation._of(event);
    if (turn && Array.isArray(event.ends_ms)) turn.wordEndsMs.push(event.ends_ms.map(Number));
  },
  "response.done": (conversation, event) => {
    const turn = conversation._byResponse(event.response?.id);
    if (turn) turn.isAnswered = true;
  },
  "parley.turn": finishTurn,
};

/** @param {Conversation} conversation @param {WireEvent} event */
function finishTurn(conversation, event) {
  const turn = conversation._of(event);
  if (turn === null) return;
  if (event.outcome === "empty") return conversation._drop(turn);
  turn.question ||= words(event.transcript);
  turn.outcome = event.outcome ?? "";
  turn.isAnswered = true;
  turn.segments = Object.entries(event.segments ?? {}).map(([name, ms]) => ({
    name,
    ms: Number(ms),
  }));
  turn.voiceToVoiceMs =
    typeof event.voice_to_voice_ms === "number" ? event.voice_to_voice_ms : null;
  turn.cacheHits = Object.keys(event.cache ?? {}).filter((stage) => event.cache[stage] === "hit");
}
