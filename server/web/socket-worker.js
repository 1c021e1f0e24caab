// @ts-check
// Owns the WebSocket: frames out, audio in, events to the page. Runs in a worker, so that a page
// that stalls delays neither microphone nor answer. Draws nothing and keeps no conversation.

import { AnswerRelay } from "./answer-relay.js";
import { reconnectDelayMs } from "./backoff.js";
import { UploadSender } from "./upload-sender.js";

/**
 * @typedef {{type: string, [field: string]: any}} WireEvent
 * @typedef {"connecting" | "open" | "waiting" | "asleep" | "locked" | "closed"} LinkState
 * @typedef {{state: LinkState, code: number, retryInMs: number, reason: string}} LinkReport
 */

/** Frames kept in the socket before newer ones are dropped: two seconds of PCM16 at 16 kHz. */
const MOST_BUFFERED_BYTES = 64000;
/** A connection that lasted this long was a good one: the next loss starts from the short delay. */
const SETTLED_MS = 5000;
/** A server that has not begun the session by then hangs, or something between holds it back. */
const OPENING_MS = 10000;
const IDLE_CODE = 4408;
const TOKEN_CODE = 4401;
/** After it the same attempt would fail again: a person has to do something. */
const PROTOCOL_CODE = 4400;
/** Ours, never sent: the server did not answer in time. */
const SILENT_CODE = 4000;
/** How a browser, which cannot set headers of a WebSocket, shows its token. */
const KEY_SUBPROTOCOL = "openai-insecure-api-key.";
const NO_SUBPROTOCOL =
  "A browser cannot send that token: it has marks, such as / or =, that a subprotocol may not have.";

const scope = /** @type {DedicatedWorkerGlobalScope & typeof globalThis} */ (
  /** @type {unknown} */ (self)
);

/** @param {object} message */
function tellPage(message) {
  scope.postMessage(message);
}

/**
 * Whether the server is hearing speech at the moment, and who says when a question ends: what the
 * end of the microphone then means.
 */
class Hearing {
  constructor() {
    this.isSpeech = false;
    /** The person holds a key while speaking: no pause ends the question. */
    this.isByHand = false;
    /** How the server listens when nobody holds a key. @type {object | null} */
    this._detection = { type: "semantic_vad" };
  }

  /** @param {WireEvent} event */
  follow(event) {
    if (event.type === "input_audio_buffer.speech_started") this.isSpeech = true;
    else if (event.type === "input_audio_buffer.speech_stopped") this.isSpeech = false;
    else if (event.type === "session.created") this._begin(event.session);
  }

  /** @param {Record<string, any>} session */
  _begin(session) {
    this.isSpeech = false;
    this._detection = session?.audio?.input?.turn_detection ?? this._detection;
    if (this.isByHand) this.holdKey();
  }

  /** From now on the question ends when the key is let go of. */
  holdKey() {
    this.isByHand = true;
    this._setDetection(null);
  }

  /** The question ends here; afterwards the server listens as before. */
  releaseKey() {
    if (!this.isByHand) return;
    this.isByHand = false;
    link.send({ type: "input_audio_buffer.commit" });
    this._setDetection(this._detection);
  }

  /** The person taps: what was held for a moment was no question. */
  giveUpKey() {
    if (!this.isByHand) return;
    this.isByHand = false;
    this._setDetection(this._detection);
  }

  /** A microphone closed in the middle of a sentence means "that is all": answer what there is. */
  endOfMicrophone() {
    if (this.isByHand) this.releaseKey();
    else link.send({ type: `input_audio_buffer.${this.isSpeech ? "commit" : "clear"}` });
  }

  /** @param {object | null} detection */
  _setDetection(detection) {
    link.send({
      type: "session.update",
      session: { type: "realtime", audio: { input: { turn_detection: detection } } },
    });
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
    this._openingTimer = 0;
    this._token = "";
    /** By which the server knows this conversation again, once. */
    this._resume = "";
  }

  get isOpen() {
    return this._socket?.readyState === WebSocket.OPEN;
  }

  /** Connects now, unless a connection is there or being made. */
  connect() {
    clearTimeout(this._timer);
    if (this._socket !== null) return;
    this._report("connecting", 0, 0);
    try {
      this._socket = this._open();
      this._openingTimer = setTimeout(() => this._giveUp(), OPENING_MS);
    } catch {
      this._lock(NO_SUBPROTOCOL);
    }
  }

  /** @param {string} token "" for none */
  useToken(token) {
    this._token = token;
    if (this._socket === null) this.connect();
  }

  /** @returns {WebSocket} */
  _open() {
    const scheme = scope.location.protocol === "https:" ? "wss" : "ws";
    const protocols = this._token ? ["realtime", KEY_SUBPROTOCOL + this._token] : [];
    const address = `${scheme}://${scope.location.host}/ws${this._query()}`;
    const socket = new WebSocket(address, protocols);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this._opened();
    socket.onmessage = ({ data }) => this._receive(data);
    socket.onclose = ({ code }) => this._closed(code);
    return socket;
  }

  /** Nobody waits for the close of a server that does not even answer. */
  _giveUp() {
    const socket = this._socket;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this._reason = "";
    this._closed(SILENT_CODE);
  }

  /** Which conversation to go on with, and what of its last answer was heard. */
  _query() {
    if (!this._resume) return "";
    const query = new URLSearchParams({ resume: this._resume });
    const heard = this._answer.heardOfCut;
    if (heard) {
      query.set("item_id", heard.itemId);
      query.set("audio_end_ms", String(heard.playedMs));
    }
    return `?${query}`;
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
    if (event.type === "session.created") {
      clearTimeout(this._openingTimer);
      this._resume = String(event.session?.parley?.resume?.token ?? "");
      this._report("open", 0, 0);
    }
    this._answer.follow(event);
    this._hearing.follow(event);
    uploads.follow(event);
    tellPage({ type: "event", event });
  }

  /** An error may be the last word before the close. @param {Record<string, any>} error */
  _noteError(error) {
    this._reason = String(error.message ?? "");
    if (Number(error.retry_after_ms) > 0) this._retryAfterMs = Number(error.retry_after_ms);
  }

  /** @param {number} code */
  _closed(code) {
    clearTimeout(this._openingTimer);
    this._socket = null;
    this._answer.abandon();
    uploads.abandon();
    if (performance.now() - this._openedAt > SETTLED_MS) this._attempt = 0;
    this._openedAt = Infinity;
    if (code === IDLE_CODE) this._report("asleep", code, 0);
    else if (code === PROTOCOL_CODE) this._report("closed", code, 0);
    else if (code === TOKEN_CODE) this._lock("");
    else this._retryLater(code);
  }

  /** @param {string} reason "" when the token is missing or another one */
  _lock(reason) {
    this._reason = reason;
    this._report("locked", TOKEN_CODE, 0);
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

const answer = new AnswerRelay(tellPage, tellServerWhatWasHeard);
const hearing = new Hearing();
const link = new Link(answer, hearing);
const uploads = new UploadSender((event) => link.send(event), tellPage);

/** @param {{itemId: string, playedMs: number}} report */
function tellServerWhatWasHeard({ itemId, playedMs }) {
  if (!itemId) return;
  const truncation = { item_id: itemId, content_index: 0, audio_end_ms: playedMs };
  link.send({ type: "conversation.item.truncate", ...truncation });
}

/** @param {MessagePort} port */
function listenTo(port) {
  port.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) link.sendFrame(data);
    else if (data.type === "end") hearing.endOfMicrophone();
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
  const isToBeTold = answer.isResponding || isThinking;
  answer.cancel();
  if (isToBeTold) link.send({ type: "response.cancel" });
}

/** What the page asks for, by the message's type. @type {Record<string, (data: any) => void>} */
const REQUESTS = {
  connect: () => link.connect(),
  playback: ({ port }) => answer.attach(port),
  capture: ({ port }) => listenTo(port),
  ask: ({ text }) => ask(text),
  cancel: ({ isThinking }) => cancel(isThinking),
  holdKey: () => hearing.holdKey(),
  releaseKey: () => hearing.releaseKey(),
  giveUpKey: () => hearing.giveUpKey(),
  update: ({ output }) =>
    link.send({ type: "session.update", session: { type: "realtime", audio: { output } } }),
  upload: ({ files }) => {
    link.connect();
    uploads.add(files);
  },
  token: ({ token }) => link.useToken(token),
};

/** @param {MessageEvent} message */
scope.onmessage = ({ data }) => REQUESTS[data.type]?.(data);
scope.addEventListener("online", () => link.connect());
