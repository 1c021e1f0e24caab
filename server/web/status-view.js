// @ts-check
// Shows the situation, the input level, and which engines run. Decides nothing.

import { byId, make, setText } from "./elements.js";
import { counted } from "./uploads.js";

const METER_BARS = 24;
/** The meter's range: a quiet room is about -60 dBFS, close speech about -20. */
const FLOOR_DBFS = -65;
const CEILING_DBFS = -10;
/** @type {[string, string][]} */
const ENGINE_ROLES = [
  ["stt", "Recognition"],
  ["embedder", "Search"],
  ["answer", "Answers"],
  ["tts", "Voice"],
];

/** @param {number} levelDbfs @returns {number} 0 to 1 */
function loudness(levelDbfs) {
  return Math.max(0, Math.min(1, (levelDbfs - FLOOR_DBFS) / (CEILING_DBFS - FLOOR_DBFS)));
}

/** The state in words, and on the buttons. */
export class SituationView {
  /**
   * @param {import("./situation.js").Situation} situation
   * @param {import("./situation.js").Facts} facts
   */
  show(situation, facts) {
    const { isMicrophoneOpen, isMuted } = facts;
    document.body.dataset.state = situation.name;
    document.body.classList.toggle("open", isMicrophoneOpen);
    document.body.classList.toggle("muted", isMuted);
    setText(byId("state"), situation.title);
    setText(byId("hint"), situation.hint);
    setText(byId("microphone-label"), isMicrophoneOpen ? "Stop microphone" : "Start microphone");
    byId("microphone").setAttribute("aria-pressed", String(isMicrophoneOpen));
    byId("mute").hidden = !isMicrophoneOpen;
    byId("mute").setAttribute("aria-pressed", String(isMuted));
    byId("stop").hidden = !facts.isPlaying && !facts.isThinking;
    const title = situation.name === "ready" ? "Parley" : `${situation.title} \u00b7 Parley`;
    if (document.title !== title) document.title = title;
  }
}

/** The last levels of the microphone as bars; the loudness of either side as a ring. */
export class LevelView {
  constructor() {
    this._meter = byId("meter");
    this._ring = byId("ring");
    this._levels = new Array(METER_BARS).fill(0);
    this._bars = this._levels.map(() => make("i"));
    this._meter.append(...this._bars);
    this._skipped = 0;
  }

  /** Called for every frame of 20 ms; draws every second one. @param {number} levelDbfs */
  hear(levelDbfs) {
    this._skipped += 1;
    if (this._skipped % 2 !== 0) return;
    this._levels.push(loudness(levelDbfs));
    this._levels.shift();
    this._bars.forEach((bar, i) => bar.style.setProperty("--level", this._levels[i].toFixed(2)));
    this._meter.setAttribute("aria-valuenow", String(Math.round(100 * loudness(levelDbfs))));
    this.ring(levelDbfs);
  }

  /** @param {number} levelDbfs */
  ring(levelDbfs) {
    this._ring.style.setProperty("--level", loudness(levelDbfs).toFixed(2));
  }

  rest() {
    this._levels.fill(0);
    for (const bar of this._bars) bar.style.setProperty("--level", "0");
    this._ring.style.setProperty("--level", "0");
    this._meter.setAttribute("aria-valuenow", "0");
  }
}

/** Which engines answer, and why those. */
export class EnginesView {
  /** @param {{[field: string]: any}} session of session.created */
  introduce(session) {
    const parley = session.parley ?? {};
    this.show(parley.engines ?? {}, parley.notes ?? []);
    setText(byId("preset"), [parley.preset, parley.version].filter(Boolean).join(" \u00b7 "));
  }

  /** @param {Record<string, string>} engines @param {string[]} notes */
  show(engines, notes) {
    const rows = ENGINE_ROLES.filter(([role]) => engines[role]).flatMap(([role, label]) => [
      make("dt", { text: label }),
      make("dd", { text: engines[role] }),
    ]);
    byId("engines").replaceChildren(...rows);
    byId("notes").replaceChildren(...notes.map((note) => make("li", { text: note })));
    byId("running").hidden = rows.length === 0;
  }
}

/** @param {{documents?: number, passages?: number} | undefined} index */
export function showLibrary(index) {
  const count = index?.documents ?? 0;
  const passages = counted(index?.passages ?? 0, "passage");
  setText(byId("library"), count ? `${counted(count, "document")}, ${passages}` : "No documents yet");
}
