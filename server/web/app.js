// @ts-check
// The door of the page: builds its parts and joins them. Audio does not pass through here.

import { AudioGraph } from "./audio.js";
import { Conversation } from "./conversation.js";
import { byId, setText } from "./elements.js";
import { LOST_MICROPHONE, MicrophoneError, explain, openMicrophone } from "./microphone.js";
import { describeSituation } from "./situation.js";
import { EnginesView, LevelView, SituationView } from "./status-view.js";
import { CurrentTurnView, HistoryView } from "./turn-view.js";

/**
 * @typedef {import("./conversation.js").WireEvent} WireEvent
 * @typedef {import("./socket-worker.js").LinkReport} LinkReport
 * @typedef {import("./audio.js").PlaybackReport} PlaybackReport
 */

/** Errors that say only that a thing to stop had stopped already. */
const HARMLESS_CODES = new Set(["response_cancel_not_active", "input_audio_buffer_commit_empty"]);

const NO_WORDS = "I heard a sound but no words. Come closer to the microphone and ask again.";
/** Quiet for this long, with the microphone closed, the sound device is let go of. */
const REST_AFTER_MS = 2000;

class App {
  constructor() {
    this._worker = new Worker("/socket-worker.js", { type: "module" });
    this._conversation = new Conversation();
    this._audio = new AudioGraph(this._worker, {
      onInputLevel: (levelDbfs) => this._hearLevel(levelDbfs),
      onPlayback: (report) => this._onPlayback(report),
      onMicrophoneLost: () => this._fail(LOST_MICROPHONE),
    });
    this._current = new CurrentTurnView();
    this._history = new HistoryView();
    this._situation = new SituationView();
    this._level = new LevelView();
    this._engines = new EnginesView();
    /** @type {import("./situation.js").Facts} */
    this._facts = {
      link: null,
      isMicrophoneOpen: false,
      isMicrophoneOpening: false,
      isHearing: false,
      isThinking: false,
      isPlaying: false,
      problem: null,
    };
    this._pendingQuestion = "";
    this._restTimer = 0;
    this._worker.onmessage = ({ data }) => this._onWorker(data);
  }

  start() {
    this._worker.postMessage({ type: "connect" });
    byId("microphone").addEventListener("click", () => this.toggleMicrophone());
    byId("ask").addEventListener("submit", (submission) => this._onSubmit(submission));
    document.addEventListener("keydown", (press) => this._onKey(press));
    this._render();
  }

  toggleMicrophone() {
    if (this._facts.isMicrophoneOpening) return;
    if (this._audio.isCapturing) this._closeMicrophone();
    else this._openMicrophone();
  }

  /** Silences the answer at once, and tells the server to stop. */
  stopAnswer() {
    if (!this._facts.isPlaying && !this._conversation.isThinking) return;
    this._worker.postMessage({ type: "cancel", isThinking: this._conversation.isThinking });
  }

  async _openMicrophone() {
    this._facts.isMicrophoneOpening = true;
    this._facts.problem = null;
    this._worker.postMessage({ type: "connect" });
    this._render();
    try {
      // Begun here because only a gesture may start sound; capture() tells if it failed.
      this._audio.wake().catch(() => {});
      await this._audio.capture(await openMicrophone());
    } catch (error) {
      this._facts.problem = error instanceof MicrophoneError ? error.problem : explain(error);
    }
    this._facts.isMicrophoneOpening = false;
    this._facts.isMicrophoneOpen = this._audio.isCapturing;
    this._render();
  }

  _closeMicrophone() {
    this._audio.release();
    this._facts.isMicrophoneOpen = false;
    this._level.rest();
    this._restIfQuiet();
    this._render();
  }

  /** @param {import("./microphone.js").Problem} problem */
  _fail(problem) {
    this._closeMicrophone();
    this._facts.problem = problem;
    this._render();
  }

  /** @param {Event} submission */
  _onSubmit(submission) {
    submission.preventDefault();
    const field = /** @type {HTMLInputElement} */ (byId("typed"));
    const text = field.value.trim();
    if (!text) return;
    field.value = "";
    this._facts.problem = null;
    // Typed questions are answered aloud as well; without a sound device the words still appear.
    this._audio
      .wake()
      .catch(() => {})
      .finally(() => this._ask(text));
  }

  /** @param {string} text */
  _ask(text) {
    if (this._facts.link?.state !== "open") {
      this._pendingQuestion = text;
      this._worker.postMessage({ type: "connect" });
      return;
    }
    this.stopAnswer();
    this._warn("");
    this._conversation.askTyped(text);
    this._worker.postMessage({ type: "ask", text });
    this._render();
  }

  /** @param {KeyboardEvent} press */
  _onKey(press) {
    if (press.key === "Escape") this.stopAnswer();
    if (press.code !== "Space" || press.repeat || press.ctrlKey || press.altKey || press.metaKey)
      return;
    const target = /** @type {Element} */ (press.target);
    if (target.closest("input, textarea, select, button, summary, a, [contenteditable]")) return;
    press.preventDefault();
    this.toggleMicrophone();
  }

  /** @param {any} message */
  _onWorker(message) {
    if (message.type === "link") this._onLink(message.report);
    else if (message.type === "event") this._onEvent(message.event);
    else if (message.type === "sentence") this._conversation.hear(message.sentence);
    this._render();
  }

  /** @param {LinkReport} report */
  _onLink(report) {
    this._facts.link = report;
    document.body.dataset.link = report.state;
    if (report.state !== "open") this._conversation.interrupt();
    if (report.state === "open" || report.state === "asleep") this._warn("");
    if (report.state === "open" && this._pendingQuestion) {
      const text = this._pendingQuestion;
      this._pendingQuestion = "";
      this._ask(text);
    }
  }

  /** @param {WireEvent} event */
  _onEvent(event) {
    this._conversation.apply(event);
    if (event.type === "session.created") this._engines.introduce(event.session ?? {});
    else if (event.type === "parley.engines")
      this._engines.show(event.engines ?? {}, event.notes ?? []);
    else if (event.type === "error") this._onError(event.error ?? {});
    else if (event.type === "input_audio_buffer.committed") this._warn("");
    else if (event.type === "response.created") this._audio.resume();
    else if (event.type === "parley.turn") this._onTurnFinished(event);
  }

  /** @param {Record<string, any>} error */
  _onError(error) {
    if (HARMLESS_CODES.has(error.code)) return;
    this._warn(error.message || "The server reported an error without saying which.");
  }

  /** @param {WireEvent} event */
  _onTurnFinished(event) {
    if (event.outcome === "empty") this._warn(NO_WORDS);
    this._restIfQuiet();
  }

  /** @param {PlaybackReport} report */
  _onPlayback(report) {
    if (report.type === "played") return this._level.ring(report.levelDbfs);
    if (report.type === "started") this._facts.isPlaying = true;
    else if (report.type === "sentence") this._conversation.hear(/** @type {any} */ (report));
    else if (report.type === "drained" || report.type === "flushed") this._onSilence(report);
    this._render();
  }

  /** @param {PlaybackReport} report */
  _onSilence(report) {
    this._facts.isPlaying = false;
    this._conversation.finishHearing(report.type === "flushed" ? report.playedMs : null);
    if (!this._audio.isCapturing) this._level.rest();
    this._restIfQuiet();
  }

  /** @param {number} levelDbfs */
  _hearLevel(levelDbfs) {
    if (this._audio.isCapturing) this._level.hear(levelDbfs);
  }

  /** Later, because an answer may be on its way to the loudspeaker. */
  _restIfQuiet() {
    clearTimeout(this._restTimer);
    this._restTimer = setTimeout(() => {
      const isBusy = this._facts.isPlaying || this._conversation.isThinking;
      if (!isBusy && !this._audio.isCapturing) this._audio.rest();
    }, REST_AFTER_MS);
  }

  /** @param {string} text shown and announced; "" takes the last one away */
  _warn(text) {
    setText(byId("problem"), text);
  }

  _render() {
    this._facts.isHearing = this._conversation.isHearing;
    this._facts.isThinking = this._conversation.isThinking;
    this._situation.show(describeSituation(this._facts), this._facts.isMicrophoneOpen);
    this._current.show(this._conversation.current, this._facts.isThinking);
    this._history.show(this._conversation.turns.slice(0, -1));
  }
}

new App().start();
