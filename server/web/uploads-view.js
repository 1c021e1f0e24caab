// @ts-check
// Takes documents by button or by dropping them on the page, and shows how far each has come.

import { byId, make, setText } from "./elements.js";
import { formatBytes } from "./uploads.js";

/**
 * @typedef {import("./uploads.js").Upload} Upload
 * @typedef {import("./uploads.js").Offer} Offer
 */

/** @param {Upload} upload @returns {string} */
function describe({ state, sentBytes, sizeBytes, told }) {
  if (state === "waiting") return `${formatBytes(sizeBytes)}, waiting`;
  if (state === "sending") return `${formatBytes(sentBytes)} of ${formatBytes(sizeBytes)}`;
  if (state === "reading") return "Reading it";
  return told;
}

/** One document's line, changed in place. */
class UploadLine {
  /** @param {Upload} upload */
  constructor(upload) {
    this._told = make("p", { class: "upload-told" });
    this._bar = /** @type {HTMLProgressElement} */ (
      make("progress", { max: "1", "aria-label": `Progress of ${upload.name}` })
    );
    this.view = make(
      "li",
      { class: "upload" },
      make("p", { class: "upload-name", text: upload.name }),
      this._bar,
      this._told,
    );
    this.show(upload);
  }

  /** @param {Upload} upload */
  show(upload) {
    const { state, sentBytes, sizeBytes } = upload;
    this.view.dataset.state = state;
    setText(this._told, describe(upload));
    this._bar.hidden = state === "done" || state === "failed";
    if (state === "reading") this._bar.removeAttribute("value");
    else this._bar.value = Math.min(1, sentBytes / sizeBytes || 0);
  }
}

export class UploadsView {
  /** @param {(files: File[]) => void} onFiles */
  constructor(onFiles) {
    this._list = byId("uploads");
    this._files = /** @type {HTMLInputElement} */ (byId("files"));
    /** @type {Map<Upload, UploadLine>} */
    this._lines = new Map();
    this._onFiles = onFiles;
    this._isOffered = false;
    byId("add").addEventListener("click", () => this._files.click());
    this._files.addEventListener("change", () => {
      onFiles([...(this._files.files ?? [])]);
      this._files.value = "";
    });
    this._takeDrops();
  }

  /** @param {Offer | null} offer */
  introduce(offer) {
    this._isOffered = offer !== null;
    byId("add").hidden = offer === null;
    this._files.accept = offer?.accepted.join(",") ?? "";
  }

  /** What was just added is in sight, also where the list lies far below the conversation. */
  reveal() {
    this._list.firstElementChild?.scrollIntoView({ block: "nearest" });
  }

  /** @param {Upload[]} uploads newest first */
  show(uploads) {
    for (const upload of uploads.toReversed()) {
      const line = this._lines.get(upload);
      if (line) line.show(upload);
      else this._add(upload);
    }
    for (const [upload, line] of this._lines) {
      if (uploads.includes(upload)) continue;
      line.view.remove();
      this._lines.delete(upload);
    }
    this._announce(uploads);
  }

  /** @param {Upload} upload */
  _add(upload) {
    const line = new UploadLine(upload);
    this._lines.set(upload, line);
    this._list.prepend(line.view);
  }

  /** Screen readers hear the outcome, not every step. @param {Upload[]} uploads */
  _announce(uploads) {
    const settled = uploads.find(({ state }) => state === "done" || state === "failed");
    if (settled) setText(byId("upload-news"), `${settled.name}: ${settled.told}`);
  }

  /** A file dropped anywhere on the page is meant for Parley, not to be opened by the browser. */
  _takeDrops() {
    const mark = (/** @type {boolean} */ isOver) =>
      document.body.classList.toggle("dropping", isOver && this._isOffered);
    document.addEventListener("dragover", (drag) => {
      if (!drag.dataTransfer?.types.includes("Files")) return;
      drag.preventDefault();
      mark(true);
    });
    document.addEventListener("dragleave", (drag) => {
      if (drag.relatedTarget === null) mark(false);
    });
    document.addEventListener("drop", (drag) => {
      if (!drag.dataTransfer?.files.length) return;
      drag.preventDefault();
      mark(false);
      this._onFiles([...drag.dataTransfer.files]);
    });
  }
}
