// @ts-check
// How Parley speaks and which microphone hears: shows what is offered, and tells what was chosen.

import { byId, make, setText } from "./elements.js";
import { listMicrophones } from "./microphone.js";

/**
 * @typedef {{voice?: string, speed?: number}} Output `audio.output` of session.update
 * @typedef {{onOutput: (output: Output) => void, onDevice: (deviceId: string) => void}} Listeners
 */

const KEPT_AS = "parley-voice";

/** @returns {Output} what this person chose at an earlier visit */
function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEPT_AS) ?? "{}");
  } catch {
    return {};
  }
}

/** @param {Output} output */
function remember(output) {
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify({ ...remembered(), ...output }));
  } catch {
    // Storage is turned off: the choice lasts as long as the page.
  }
}

/** @param {HTMLSelectElement} select @param {{id: string, label: string}[]} options @param {string} chosen */
function offer(select, options, chosen) {
  select.replaceChildren(
    ...options.map(({ id, label }) => make("option", { value: id, text: label })),
  );
  select.value = options.some(({ id }) => id === chosen) ? chosen : options[0]?.id ?? "";
}

export class VoiceView {
  /** @param {Listeners} listeners */
  constructor(listeners) {
    this._listeners = listeners;
    this._voice = /** @type {HTMLSelectElement} */ (byId("voice"));
    this._speed = /** @type {HTMLInputElement} */ (byId("speed"));
    this._device = /** @type {HTMLSelectElement} */ (byId("device"));
    this._voice.addEventListener("change", () => this._choose({ voice: this._voice.value }));
    this._speed.addEventListener("input", () => this._showSpeed());
    this._speed.addEventListener("change", () => this._choose({ speed: +this._speed.value }));
    this._device.addEventListener("change", () => listeners.onDevice(this._device.value));
  }

  /** What was chosen before is asked for again. @param {Record<string, any>} session */
  introduce(session) {
    byId("voice-section").hidden = false;
    this.show(session);
    const { voice, speed } = remembered();
    const now = session.audio?.output ?? {};
    const isOffered = [...this._voice.options].some(({ value }) => value === voice);
    if (voice && isOffered && voice !== now.voice) this._listeners.onOutput({ voice });
    if (speed && speed !== now.speed) this._listeners.onOutput({ speed });
  }

  /** @param {Record<string, any>} session of session.created or session.updated */
  show(session) {
    const { voice, speed } = session.audio?.output ?? {};
    if (voice) this._showVoices(session.parley?.voices ?? [voice], voice);
    if (speed) this._speed.value = String(speed);
    this._showSpeed();
  }

  /** Their names are known once the microphone was allowed. @param {string} chosen device */
  async showMicrophones(chosen) {
    const found = await listMicrophones();
    byId("device-row").hidden = found.length < 2;
    const own = { id: "", label: "The system's choice" };
    const named = found.filter(({ id }) => id !== "default" && id !== "communications");
    offer(this._device, [own, ...named], chosen);
  }

  /** @param {string[]} voices @param {string} chosen */
  _showVoices(voices, chosen) {
    const all = voices.includes(chosen) ? voices : [chosen, ...voices];
    offer(this._voice, all.map((id) => ({ id, label: id })), chosen);
    this._voice.hidden = all.length < 2;
    byId("only-voice").hidden = all.length > 1;
    setText(byId("only-voice"), chosen);
  }

  /** @param {Output} output */
  _choose(output) {
    remember(output);
    this._listeners.onOutput(output);
  }

  _showSpeed() {
    const text = `${(+this._speed.value).toFixed(1)}\u00d7`;
    setText(byId("speed-value"), text);
    this._speed.setAttribute("aria-valuetext", `${(+this._speed.value).toFixed(1)} times`);
  }
}
