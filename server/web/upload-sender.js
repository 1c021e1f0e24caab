// @ts-check
// Sends documents over the socket, one after the other, a few pieces ahead of the server's word.
// Runs in the socket's worker; the page hears what became of each.

/**
 * @typedef {import("./conversation.js").WireEvent} WireEvent
 * @typedef {{id: string, file: File, sentBytes: number, ahead: number, isPumping: boolean}} Sending
 */

/** Small enough that a frame of speech never waits long behind one, and under the server's 64 KiB. */
const PIECE_BYTES = 24 * 1024;
/** Pieces sent and not yet acknowledged: a full link delays speech by no more than these. */
const MOST_AHEAD = 3;
const LOST = "The connection was lost while it was sent. Add it again.";

/** @param {Uint8Array} bytes @returns {string} */
function toBase64(bytes) {
  let text = "";
  for (let from = 0; from < bytes.length; from += 8192) {
    text += String.fromCharCode(...bytes.subarray(from, from + 8192));
  }
  return btoa(text);
}

export class UploadSender {
  /** @param {(event: WireEvent) => void} send @param {(message: object) => void} tellPage */
  constructor(send, tellPage) {
    this._send = send;
    this._tellPage = tellPage;
    /** @type {{id: string, file: File}[]} */
    this._waiting = [];
    /** @type {Sending | null} */
    this._current = null;
    this._isOpen = false;
  }

  /** They wait for a session when there is none. @param {{id: string, file: File}[]} files */
  add(files) {
    this._waiting.push(...files);
    if (this._isOpen && this._current === null) this._next();
  }

  /** @param {WireEvent} event */
  follow(event) {
    if (event.type === "session.created") this._begin();
    const current = this._current;
    if (current === null || event.upload_id !== current.id) return;
    if (event.type === "parley.upload.failed") this._next();
    else if (event.type === "parley.upload.progress" && event.stage === "receiving") {
      current.ahead -= 1;
      this._sendPieces(current);
    }
  }

  _begin() {
    this._isOpen = true;
    if (this._current === null) this._next();
  }

  /** The connection is gone, and with it what the server had received. */
  abandon() {
    this._isOpen = false;
    const lost = this._current === null ? this._waiting : [this._current, ...this._waiting];
    this._current = null;
    this._waiting = [];
    for (const { id, file } of lost) this._fail(id, file, LOST);
  }

  /** @param {string} id @param {File} file @param {string} message */
  _fail(id, file, message) {
    const event = { type: "parley.upload.failed", upload_id: id, name: file.name, message };
    this._tellPage({ type: "event", event });
  }

  _next() {
    const next = this._waiting.shift();
    this._current = next ? { ...next, sentBytes: 0, ahead: 1, isPumping: false } : null;
    if (!next) return;
    const { id, file } = next;
    const named = { upload_id: id, name: file.name, size_bytes: file.size };
    this._send({ type: "parley.upload.begin", ...named });
  }

  /**
   * One at a time, for pieces must not overtake each other.
   * @param {Sending} upload
   */
  async _sendPieces(upload) {
    if (upload.isPumping) return;
    upload.isPumping = true;
    while (upload === this._current && upload.ahead < MOST_AHEAD) {
      if (upload.sentBytes >= upload.file.size) break;
      const piece = upload.file.slice(upload.sentBytes, upload.sentBytes + PIECE_BYTES);
      upload.sentBytes += PIECE_BYTES;
      upload.ahead += 1;
      await this._sendPiece(upload, piece);
    }
    upload.isPumping = false;
    const isAllThere = upload.sentBytes >= upload.file.size && upload.ahead <= 0;
    if (isAllThere && upload === this._current) this._end(upload);
  }

  /** @param {{id: string, file: File}} upload @param {Blob} piece */
  async _sendPiece(upload, piece) {
    try {
      const data = toBase64(new Uint8Array(await piece.arrayBuffer()));
      if (upload !== this._current) return;
      this._send({ type: "parley.upload.append", upload_id: upload.id, data });
    } catch {
      this._send({ type: "parley.upload.cancel", upload_id: upload.id });
      this._fail(upload.id, upload.file, "The browser could not read it. Is it still there?");
      this._next();
    }
  }

  /** @param {{id: string}} upload */
  _end(upload) {
    this._send({ type: "parley.upload.end", upload_id: upload.id });
    this._next();
  }
}
