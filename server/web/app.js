// @ts-check
// The door of the page: builds its parts and joins them. Audio does not pass through here.

import { AudioGraph } from "./audio.js";
import { Conversation } from "./conversation.js";
import { byId, setText } from "./elements.js";
import { Follow } from "./follow.js";
import { Keys } from "./keys.js";
import { describeSituation } from "./situation.js";
import { EnginesView, LevelView, SituationView, showLibrary } from "./status-view.js";
import { Talk } from "./talk.js";
import { TokenView, keptToken } from "./token-view.js";
import { CurrentTurnView, HistoryView } from "./turn-view.js";
import { UploadsView } from "./uploads-view.js";
import { Uploads } from "./uploads.js";
import { VoiceView } from "./voice-view.js";
import { WakeLock } from "./wake-lock.js";
import { WelcomeView } from "./welcome-view.js";

/**
 * @typedef {import("./conversation.js").WireEvent} WireEvent
 * @typedef {import("./socket-worker.js").LinkReport} LinkReport
 * @typedef {import("./audio.js").PlaybackReport} PlaybackReport
 */

/** Errors that say only that a thing to stop had stopped already, or what the page says itself. */
const HARMLESS_CODES = new Set([
  "response_cancel_not_active",
  "input_audio_buffer_commit_empty",
  "unauthorized",
  "session_not_found",
  "at_capacity",
]);

const NO_WORDS = "I heard a sound but no words. Come closer to the microphone and ask again.";
/** Quiet for this long, with the microphone closed, the sound device is let go of. */
const REST_AFTER_MS = 2000;

class App {
  constructor() {
    this._worker = new Worker("/socket-worker.js", { type: "module" });
    this._conversation = new Conversation();
    this._uploads = new Uploads();
    this._audio = new AudioGraph(this._worker, {
      onInputLevel: (levelDbfs) => this._hearLevel(levelDbfs),
      onPlayback: (report) => this._onPlayback(report),
      onMicrophoneLost: () => this._talk.lose(),
    });
    this._talk = new Talk(this._worker, this._audio, {
      onOpening: () => this._onOpening(),
      onChange: () => this._onMicrophone(),
      onClosed: () => this._onClosed(),
    });
    this._current = new CurrentTurnView(new Follow(byId("dock")));
    this._welcome = new WelcomeView((question) => this._onQuestion(question));
    this._history = new HistoryView();
    this._situation = new SituationView();
    this._level = new LevelView();
    this._engines = new EnginesView();
    this._wakeLock = new WakeLock();
    this._voice = new VoiceView({
      onOutput: (output) => this._worker.postMessage({ type: "update", output }),
      onDevice: (deviceId) => this._talk.choose(deviceId),
    });
    this._uploadsView = new UploadsView((files) => this._upload(files));
    this._tokenView = new TokenView((token) => this._worker.postMessage({ type: "token", token }));
    /** @type {LinkReport | null} */
    this._link = null;
    this._isPlaying = false;
    this._pendingQuestion = "";
    this._restTimer = 0;
    this._worker.onmessage = ({ data }) => this._onWorker(data);
    this._worker.onerror = () => this._onWorkerError();
  }

  start() {
    this._worker.postMessage({ type: "token", token: keptToken() });
    const microphone = byId("microphone");
    microphone.addEventListener("click", () => this._talk.toggle());
    byId("mute").addEventListener("click", () => this._talk.toggleMute());
    byId("stop").addEventListener("click", () => this.stopAnswer());
    byId("ask").addEventListener("submit", (submission) => this._onSubmit(submission));
    new Keys(microphone, {
      onHold: () => this._onHold(),
      onRelease: (isTap) => this._talk.release(isTap),
      onStop: () => this.stopAnswer(),
      onMute: () => this._talk.toggleMute(),
    });
    navigator.mediaDevices?.addEventListener("devicechange", () => this._showMicrophones());
    keepClearOf(byId("dock"));
    this._render();
  }

  /** Silences the answer at once, and tells the server to stop. */
  stopAnswer() {
    if (!this._isPlaying && !this._conversation.isThinking) return;
    this._worker.postMessage({ type: "cancel", isThinking: this._conversation.isThinking });
  }

  _onHold() {
    this.stopAnswer();
    this._talk.hold();
  }

  _onOpening() {
    this._worker.postMessage({ type: "connect" });
    this._render();
  }

  _onMicrophone() {
    if (this._talk.isOpen) this._showMicrophones();
    this._render();
  }

  _onClosed() {
    this._level.rest();
    this._restIfQuiet();
    this._render();
  }

  _showMicrophones() {
    this._voice.showMicrophones(this._talk.deviceId);
  }

  /** @param {File[]} files */
  _upload(files) {
    const added = files.map((file) => ({ file, upload: this._uploads.add(file) }));
    const sent = added.filter(({ upload }) => upload.state === "waiting");
    this._worker.postMessage({
      type: "upload",
      files: sent.map(({ file, upload }) => ({ id: upload.id, file })),
    });
    this._uploadsView.show(this._uploads.all);
    this._uploadsView.reveal();
  }

  /** @param {Event} submission */
  _onSubmit(submission) {
    submission.preventDefault();
    const field = /** @type {HTMLInputElement} */ (byId("typed"));
    const text = field.value.trim();
    if (!text) return;
    field.value = "";
    this._onQuestion(text);
  }

  /** In words, not by voice; inside a gesture. @param {string} text */
  _onQuestion(text) {
    this._talk.problem = null;
    // Typed questions are answered aloud as well; without a sound device the words still appear.
    this._audio
      .wake()
      .catch(() => {})
      .finally(() => this._ask(text));
  }

  /** @param {string} text */
  _ask(text) {
    if (this._link?.state !== "open") {
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

  /** @param {any} message */
  _onWorker(message) {
    if (message.type === "link") this._onLink(message.report);
    else if (message.type === "event") this._onEvent(message.event);
    else if (message.type === "sentence") this._conversation.hear(message.sentence);
    else if (message.type === "silenced") document.body.dataset.silencedMs = message.ms.toFixed(1);
    this._render();
  }

  /** Before its first word the worker could not be loaded; later errors leave it running. */
  _onWorkerError() {
    if (this._link !== null) return;
    const reason = "A part of this page could not be loaded.";
    this._onLink({ state: "closed", code: 0, retryInMs: 0, reason });
    this._render();
  }

  /** @param {LinkReport} report */
  _onLink(report) {
    this._link = report;
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
    if (event.type === "session.created") this._introduce(event.session ?? {});
    else if (event.type === "session.updated") this._onUpdated(event.session ?? {});
    else if (event.type === "parley.engines")
      this._engines.show(event.engines ?? {}, event.notes ?? []);
    else if (event.type.startsWith("parley.upload.")) this._onUpload(event);
    else if (event.type === "error") this._onError(event.error ?? {});
    else if (event.type === "input_audio_buffer.committed") this._warn("");
    else if (event.type === "response.created") this._audio.resume();
    else if (event.type === "parley.turn") this._onTurnFinished(event);
  }

  /** @param {Record<string, any>} session */
  _onUpdated(session) {
    this._engines.introduce(session);
    this._voice.show(session);
  }

  /** @param {Record<string, any>} session */
  _introduce(session) {
    this._engines.introduce(session);
    this._welcome.introduce(session);
    this._showLibrary(session.parley?.index);
    this._voice.introduce(session);
    this._uploads.introduce(session);
    this._uploadsView.introduce(this._uploads.offer);
  }

  /** @param {WireEvent} event */
  _onUpload(event) {
    this._uploads.apply(event);
    this._uploadsView.show(this._uploads.all);
    if (event.index) this._showLibrary(event.index);
  }

  /** @param {{documents?: number, passages?: number} | undefined} index */
  _showLibrary(index) {
    showLibrary(index);
    this._welcome.showLibrary(index);
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
    if (report.type === "played") return this._onPlayed(report);
    if (report.type === "started") {
      this._isPlaying = true;
      this._conversation.noteGap(report.gapMs);
    } else if (report.type === "sentence") this._conversation.hear(/** @type {any} */ (report));
    else if (report.type === "drained" || report.type === "flushed") this._onSilence(report);
    this._render();
  }

  /** Twenty times a second while an answer sounds. @param {PlaybackReport} report */
  _onPlayed(report) {
    this._level.ring(report.levelDbfs);
    this._conversation.play(report.itemId, report.playedMs);
    if (this._conversation.current) this._current.showWords(this._conversation.current);
  }

  /** @param {PlaybackReport} report */
  _onSilence(report) {
    this._isPlaying = false;
    this._conversation.finishHearing(report.playedMs, report.type === "flushed");
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
      const isBusy = this._isPlaying || this._conversation.isThinking;
      if (!isBusy && !this._audio.isCapturing) this._audio.rest();
    }, REST_AFTER_MS);
  }

  /** @param {string} text shown and announced; "" takes the last one away */
  _warn(text) {
    setText(byId("problem"), text);
  }

  _render() {
    const { isThinking, turns } = this._conversation;
    const facts = {
      link: this._link,
      isMicrophoneOpen: this._talk.isOpen,
      isMicrophoneOpening: this._talk.isOpening,
      isMuted: this._talk.isMuted,
      isHeld: this._talk.isHeld,
      isHearing: this._conversation.isHearing,
      isThinking,
      isPlaying: this._isPlaying,
      problem: this._talk.problem,
      hasKeys: !matchMedia("(hover: none)").matches,
    };
    this._situation.show(describeSituation(facts), facts);
    this._tokenView.show(this._link?.state === "locked", this._link?.reason ?? "");
    this._current.show(turns, isThinking);
    this._history.show(turns.slice(0, -1));
    this._wakeLock.want(this._talk.isOpen || this._isPlaying);
  }
}

/** What scrolls under the dock can be scrolled out again. @param {HTMLElement} dock */
function keepClearOf(dock) {
  const note = () =>
    document.documentElement.style.setProperty("--dock", `${dock.offsetHeight + 32}px`);
  new ResizeObserver(note).observe(dock);
}

new App().start();
