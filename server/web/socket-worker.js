// @ts-check
// Owns the WebSocket: frames out, audio in, events to the page. Runs in a worker, so that a page
// that stalls delays neither microphone nor answer. Draws nothing and keeps no conversation.

import { reconnectDelayMs } from "./backoff.js";

/**
 * @typedef {{type: string, [field: string]: any}} WireEvent
 * @typedef {"connecting" | "open" | "waiting" | "asleep" | "closed"} LinkState
 * @typedef {{state: LinkState, code: number, retryInMs: number, reason: string}} LinkReport
 */

/** Frames kept in the socket before newer ones are dropped: two seconds of PCM16 at 16 kHz. */
const MOST_BUFFERED_BYTES = 64000;
/** A connection that lasted this long was a good one: the next loss starts from the short delay. */
const SETTLED_MS = 5000;
const IDLE_CODE = 4408;
/** After these the same attempt would fail again: a person has to do something. */
const FINAL_CODES = new Set([4400, 4401]);

const scope = /** @type {DedicatedWorkerGlobalScope & typeof globalThis} */ (
  /** @type {unknown} */ (self)
);

/** @param {object} message */
function tellPage(message) {
  scope.postMessage(message);
}

/** Passes an answer to the loudspeaker's worklet, and drops what comes after a local cancel. */
class AnswerRelay {
  constructor() {
    /** @type {MessagePort | null} */
    this._port = null;
    this._rateHz = 22050;
    this._isDiscarding = false;
    this.isResponding = false;
  }

  /**
   * @param {MessagePort} port
   * @param {(report: {itemId: string, playedMs: number}) => void} onFlushed
   */
  attach(port, onFlushed) {
    this._port = port;
    port.onmessage = ({ data }) => {
      if (data.type === "flushed") onFlushed(data);
    };
  }

  /** @param {ArrayBuffer} pcm */
  play(pcm) {
    if (this._isDiscarding || this._port === null) return;
    this._port.postMessage({ type: "audio", pcm, rateHz: this._rateHz }, [pcm]);
  }

  /**
   * Silence within milliseconds.
   * @param {boolean} isMoreExpected audio of this response is on its way
   */
  flush(isMoreExpected) {
    this._isDiscarding = isMoreExpected;
    this._port?.postMessage({ type: "flush" });
  }

  /** The connection is gone: what was received is still heard to its end. */
  abandon() {
    this.isResponding = false;
    this._isDiscarding = false;
    this._port?.postMessage({ type: "end" });
  }

  /** @param {WireEvent} event */
  follow(event) {
    if (event.type === "session.created" || event.type === "session.updated") this._follow(event);
    else if (event.type === "response.created") this._begin();
    else if (event.type === "response.done") this._finish(event.response?.status);
    else if (!this._isDiscarding) this._passOn(event);
  }

  /** @param {WireEvent} event */
  _follow(event) {
    const rateHz = event.session?.audio?.output?.format?.rate;
    if (Number.isInteger(rateHz) && rateHz > 0) this._rateHz = rateHz;
  }

  _begin() {
    this.isResponding = true;
    this._isDiscarding = false;
  }

  /** @param {string} status */
  _finish(status) {
    const isFlushedAlready = this._isDiscarding;
    this.isResponding = false;
    this._isDiscarding = false;
    if (status === "cancelled" && !isFlushedAlready) this.flush(false);
    else this._port?.postMessage({ type: "end" });
  }

  /** @param {WireEvent} event */
  _passOn(event) {
    if (event.type === "response.output_item.added" && event.item?.id) {
      this._port?.postMessage({ type: "item", itemId: event.item.id });
    } else if (event.type === "response.output_audio_transcript.delta") {
      this._passSentence(event);
    } else if (event.type === "response.output_audio.done") {
      this._port?.postMessage({ type: "end" });
    }
  }

  /** @param {WireEvent} event */
  _passSentence(event) {
    const sentence = { itemId: event.item_id, responseId: event.response_id, text: event.delta };
    if (this._port === null) tellPage({ type: "sentence", sentence });
    else this._port.postMessage({ type: "sentence", sentence });
  }
}

/**
 * Whether the server is hearing speech at the moment: what the end of the microphone then means.
 */
class Hearing {
  constructor() {
    this.isSpeech = false;
  }

  /** @param {WireEvent} event */
  follow(event) {
    if (event.type === "input_audio_buffer.speech_started") this.isSpeech = true;
    else if (event.type === "input_audio_buffer.speech_stopped") this.isSpeech = false;
    else if (event.type === "session.created") this.isSpeech = false;
  }
}

/** One connection at a time, and when to make the next. */
class Link {
  /** @param {AnswerRelay} answer @param {Hearing} hearing */
  constructor(answer, hearing) {
    this._answer = answer;
    this._hearing = hearing;
    /** @type {WebSocket | null} */
    this._socket = null;
    this._attempt = 0;
    this._retryAfterMs = 0;
    this._reason = "";
    this._openedAt = Infinity;
    this._timer = 0;
  }

  get isOpen() {
    return this._socket?.readyState === WebSocket.OPEN;
  }

  /** Connects now, unless a connection is there or being made. */
  connect() {
    clearTimeout(this._timer);
    if (this._socket !== null) return;
    this._report("connecting", 0, 0);
    const scheme = scope.location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${scope.location.host}/ws`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this._opened();
    socket.onmessage = ({ data }) => this._receive(data);
    socket.onclose = ({ code }) => this._closed(code);
    this._socket = socket;
  }

  /** @param {WireEvent} event */
  send(event) {
    if (this.isOpen) this._socket?.send(JSON.stringify(event));
  }

  /**
   * A frame that a stalled link cannot take is dropped: late speech is worth nothing.
   * @param {ArrayBuffer} pcm
   */
  sendFrame(pcm) {
    if (!this.isOpen || this._socket === null) return;
    if (this._socket.bufferedAmount < MOST_BUFFERED_BYTES) this._socket.send(pcm);
  }

  _opened() {
    this._openedAt = performance.now();
    this._reason = "";
    this._retryAfterMs = 0;
  }

  /** @param {string | ArrayBuffer} data */
  _receive(data) {
    if (typeof data !== "string") {
      this._answer.play(data);
      return;
    }
    const event = /** @type {WireEvent} */ (JSON.parse(data));
    if (event.type === "error") this._noteError(event.error ?? {});
    if (event.type === "session.created") this._report("open", 0, 0);
    this._answer.follow(event);
    this._hearing.follow(event);
    tellPage({ type: "event", event });
  }

  /** An error may be the last word before the close. @param {Record<string, any>} error */
  _noteError(error) {
    this._reason = String(error.message ?? "");
    if (Number(error.retry_after_ms) > 0) this._retryAfterMs = Number(error.retry_after_ms);
  }

  /** @param {number} code */
  _closed(code) {
    this._socket = null;
    this._answer.abandon();
    if (performance.now() - this._openedAt > SETTLED_MS) this._attempt = 0;
    this._openedAt = Infinity;
    if (code === IDLE_CODE) this._report("asleep", code, 0);
    else if (FINAL_CODES.has(code)) this._report("closed", code, 0);
    else this._retryLater(code);
  }

  /** @param {number} code */
  _retryLater(code) {
    const delayMs = reconnectDelayMs(this._attempt, this._retryAfterMs, Math.random);
    this._attempt += 1;
    this._timer = setTimeout(() => this.connect(), delayMs);
    this._report("waiting", code, delayMs);
  }

  /** @param {LinkState} state @param {number} code @param {number} retryInMs */
  _report(state, code, retryInMs) {
    tellPage({ type: "link", report: { state, code, retryInMs, reason: this._reason } });
  }
}

const answer = new AnswerRelay();
const hearing = new Hearing();
const link = new Link(answer, hearing);

/** @param {{itemId: string, playedMs: number}} report */
function tellServerWhatWasHeard({ itemId, playedMs }) {
  if (!itemId) return;
  const truncation = { item_id: itemId, content_index: 0, audio_end_ms: playedMs };
  link.send({ type: "conversation.item.truncate", ...truncation });
}

/** A microphone closed in the middle of a sentence means "that is all": answer what there is. */
function microphoneEnded() {
  link.send({ type: `input_audio_buffer.${hearing.isSpeech ? "commit" : "clear"}` });
}

/** @param {MessagePort} port */
function listenTo(port) {
  port.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) link.sendFrame(data);
    else if (data.type === "end") microphoneEnded();
  };
}

/** @param {string} text */
function ask(text) {
  const content = [{ type: "input_text", text }];
  link.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
  link.send({ type: "response.create" });
}

/** @param {boolean} isThinking a question waits for its answer, which is not to be given */
function cancel(isThinking) {
  answer.flush(answer.isResponding);
  if (answer.isResponding || isThinking) link.send({ type: "response.cancel" });
}

/** @param {MessageEvent} message */
scope.onmessage = ({ data }) => {
  if (data.type === "connect") link.connect();
  else if (data.type === "playback") answer.attach(data.port, tellServerWhatWasHeard);
  else if (data.type === "capture") listenTo(data.port);
  else if (data.type === "ask") ask(data.text);
  else if (data.type === "cancel") cancel(data.isThinking);
};
scope.addEventListener("online", () => link.connect());
