// @ts-check
// Which documents were given to the server and how far each has come. Pure: no page, no socket.

/**
 * @typedef {import("./conversation.js").WireEvent} WireEvent
 * @typedef {"waiting" | "sending" | "reading" | "done" | "failed"} UploadState
 * @typedef {{id: string, name: string, sizeBytes: number, sentBytes: number, state: UploadState,
 *   told: string}} Upload
 * @typedef {{accepted: string[], maximumBytes: number}} Offer what the server takes
 */

/** Shown at once; older ones that are settled are forgotten. */
const MOST_SHOWN = 20;

/** @param {number} count @param {string} noun @returns {string} */
export function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** @param {number} bytes @returns {string} */
export function formatBytes(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Uploads, newest first. */
export class Uploads {
  constructor() {
    /** @type {Upload[]} */
    this.all = [];
    /** Null when the server takes no documents. @type {Offer | null} */
    this.offer = null;
    this._count = 0;
  }

  /** @param {Record<string, any>} session of session.created */
  introduce(session) {
    const offered = session.parley?.uploads;
    this.offer = offered
      ? { accepted: offered.accepted ?? [], maximumBytes: Number(offered.maximum_bytes) }
      : null;
  }

  /**
   * Those that the server would refuse fail here, by name, before a byte is sent.
   * @param {{name: string, size: number}} file
   * @returns {Upload} to be sent when it is waiting
   */
  add({ name, size }) {
    this._count += 1;
    const problem = this._problemOf(name, size);
    const state = problem ? "failed" : "waiting";
    /** @type {Upload} */
    const upload = { id: `upload_${this._count}`, name, sizeBytes: size, sentBytes: 0, state, told: problem };
    this.all = [upload, ...this.all].slice(0, MOST_SHOWN);
    return upload;
  }

  /** @param {string} name @param {number} size @returns {string} "" when there is none */
  _problemOf(name, size) {
    if (this.offer === null) return "This server takes no documents from the page.";
    const ending = name.includes(".") ? name.slice(name.lastIndexOf(".")).toLowerCase() : "";
    if (!this.offer.accepted.includes(ending))
      return `Its kind is not read. Add one of: ${this.offer.accepted.join(", ")}.`;
    if (size === 0) return "It is empty.";
    if (size > this.offer.maximumBytes)
      return `It is ${formatBytes(size)}; at most ${formatBytes(this.offer.maximumBytes)} are taken.`;
    return "";
  }

  /** @param {WireEvent} event */
  apply(event) {
    const upload = this.all.find(({ id }) => id === event.upload_id);
    if (upload === undefined || upload.state === "failed") return;
    if (event.type === "parley.upload.progress") this._progress(upload, event);
    else if (event.type === "parley.upload.done") {
      upload.state = "done";
      upload.told = event.is_unchanged
        ? "Known already, unchanged."
        : `Read: ${counted(event.passages ?? 0, "passage")}. Ask about it now.`;
    } else if (event.type === "parley.upload.failed") {
      upload.state = "failed";
      upload.told = String(event.message ?? "It could not be read.");
    }
  }

  /** @param {Upload} upload @param {WireEvent} event */
  _progress(upload, event) {
    upload.sentBytes = Number(event.received_bytes ?? upload.sentBytes);
    upload.state = event.stage === "receiving" ? "sending" : "reading";
    upload.told = "";
  }
}
