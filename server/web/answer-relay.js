// @ts-check
// Passes an answer to the loudspeaker's worklet, and drops what comes after it was cut. Owns no
// socket.

import { FADE_MS } from "./playout.js";

/** @typedef {import("./conversation.js").WireEvent} WireEvent */

/**
 * Why arriving audio is dropped: `cancelled` until the response is done, `held` until the server
 * knows how much was heard and goes on from there.
 * @typedef {"" | "cancelled" | "held"} Discarding
 */

export class AnswerRelay {
  /**
   * @param {(message: object) => void} tellPage
   * @param {(report: {itemId: string, playedMs: number}) => void} onFlushed
   */
  constructor(tellPage, onFlushed) {
    this._tellPage = tellPage;
    this._onFlushed = onFlushed;
    /** @type {MessagePort | null} */
    this._port = null;
    this._rateHz = 22050;
    /** @type {Discarding} */
    this._discarding = "";
    this._isSounding = false;
    this._flushedAt = 0;
    this._itemId = "";
    this._heard = { itemId: "", playedMs: 0 };
    this._isCut = false;
    this.isResponding = false;
  }

  /**
   * What was heard of the answer that the loss of the connection cut.
   * @returns {{itemId: string, playedMs: number} | null} null when none was cut
   */
  get heardOfCut() {
    if (!this._isCut || !this._itemId || this._port === null) return null;
    const isOfIt = this._heard.itemId === this._itemId;
    return { itemId: this._itemId, playedMs: isOfIt ? this._heard.playedMs : 0 };
  }

  /** @param {MessagePort} port of the playback worklet */
  attach(port) {
    this._port = port;
    port.onmessage = ({ data }) => this._hear(data);
  }

  /** @param {{type: string, itemId: string, playedMs: number}} report see playout.js */
  _hear(report) {
    if (report.type === "started") this._isSounding = true;
    else if (report.type === "drained" || report.type === "flushed") this._isSounding = false;
    if (report.itemId) this._heard = { itemId: report.itemId, playedMs: report.playedMs };
    if (report.type !== "flushed") return;
    this._onFlushed(report);
    // At most: the report came back over the same port after the fade had begun.
    this._tellPage({ type: "silenced", ms: performance.now() - this._flushedAt + FADE_MS });
  }

  /** @param {boolean} mayGoOn */
  _flush(mayGoOn) {
    this._flushedAt = performance.now();
    this._port?.postMessage({ type: "flush", mayGoOn });
  }

  /** @param {ArrayBuffer} pcm */
  play(pcm) {
    if (this._discarding || this._port === null) return;
    this._port.postMessage({ type: "audio", pcm, rateHz: this._rateHz }, [pcm]);
  }

  /** Silence within milliseconds, for good. What of this response still comes is dropped. */
  cancel() {
    this._discarding = this.isResponding ? "cancelled" : "";
    this._flush(false);
  }

  /** The person speaks: silence within milliseconds, but the answer may go on from there. */
  _hold() {
    if (!this._isSounding || this._discarding) return;
    this._discarding = this.isResponding ? "held" : "";
    this._flush(this.isResponding);
  }

  /** The connection is gone: what was received is still heard to its end. */
  abandon() {
    this._isCut ||= this.isResponding;
    this.isResponding = false;
    this._discarding = "";
    this._port?.postMessage({ type: "end" });
  }

  /** @param {WireEvent} event */
  follow(event) {
    const step = STEPS[event.type];
    if (step) step(this, event);
  }

  /** @param {WireEvent} event */
  _noteRate(event) {
    const rateHz = event.session?.audio?.output?.format?.rate;
    if (Number.isInteger(rateHz) && rateHz > 0) this._rateHz = rateHz;
  }

  _begin() {
    this._isCut = false;
    this.isResponding = true;
    this._discarding = "";
  }

  /** @param {string} status */
  _finish(status) {
    const isSilencedAlready = this._discarding === "cancelled";
    this.isResponding = false;
    this._discarding = "";
    if (status === "cancelled" && !isSilencedAlready) this.cancel();
    else this._port?.postMessage({ type: "end" });
  }

  _end() {
    if (this._discarding !== "cancelled") this._port?.postMessage({ type: "end" });
  }

  /** @param {string} itemId */
  _enter(itemId) {
    this._itemId = itemId;
    this._port?.postMessage({ type: "item", itemId });
  }

  /** @param {WireEvent} event */
  _passSentence(event) {
    if (this._discarding === "cancelled") return;
    const sentence = { itemId: event.item_id, responseId: event.response_id, text: event.delta };
    if (this._port === null) this._tellPage({ type: "sentence", sentence });
    else this._port.postMessage({ type: "sentence", sentence });
  }
}

/** @type {Record<string, (relay: AnswerRelay, event: WireEvent) => void>} */
const STEPS = {
  "session.created": (relay, event) => relay._noteRate(event),
  "session.updated": (relay, event) => relay._noteRate(event),
  "input_audio_buffer.speech_started": (relay) => relay._hold(),
  "conversation.item.truncated": (relay) => {
    if (relay._discarding === "held") relay._discarding = "";
  },
  // What was heard was not taken: the server then goes on from where it stopped by itself.
  error: (relay) => {
    if (relay._discarding === "held") relay._discarding = "";
  },
  "response.created": (relay) => relay._begin(),
  "response.output_item.added": (relay, event) => {
    if (event.item?.id) relay._enter(event.item.id);
  },
  "response.output_audio_transcript.delta": (relay, event) => relay._passSentence(event),
  "response.output_audio.done": (relay) => relay._end(),
  "response.done": (relay, event) => relay._finish(event.response?.status),
};
