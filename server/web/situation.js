// @ts-check
// Puts the state of connection, microphone and conversation into one name and words. Pure.

/**
 * @typedef {"connecting" | "ready" | "listening" | "thinking" | "speaking" | "error"} SituationName
 * @typedef {{name: SituationName, title: string, hint: string}} Situation
 * @typedef {{
 *   link: import("./socket-worker.js").LinkReport | null,
 *   isMicrophoneOpen: boolean, isMicrophoneOpening: boolean,
 *   isMuted: boolean, isHeld: boolean, isHearing: boolean, isThinking: boolean, isPlaying: boolean,
 *   problem: import("./microphone-problems.js").Problem | null,
 *   hasKeys: boolean,
 * }} Facts `hasKeys` is false where only fingers are: no key is then named
 */

/** @param {string} title @param {string} hint @returns {Situation} */
const connecting = (title, hint) => ({ name: "connecting", title, hint });

/** @param {import("./socket-worker.js").LinkReport} report @returns {Situation} */
function describeWaiting(report) {
  const seconds = Math.max(1, Math.round(report.retryInMs / 1000));
  const again = `Trying again in ${seconds} s.`;
  if (report.code === 1013) {
    const reason = report.reason || "All places are taken at the moment.";
    return connecting("Parley is full", `${reason} ${again}`);
  }
  if (report.code === 4409) {
    return connecting("The connection is too slow", `The answer could not get through. ${again}`);
  }
  if (report.code === 4000) {
    return connecting("Parley does not answer", `It may be busy, or still starting. ${again}`);
  }
  if (report.code === 1001 || report.code === 1012) {
    return connecting("Parley is restarting", again);
  }
  return connecting("Not connected", `Is the server running? ${again}`);
}

/** @param {import("./socket-worker.js").LinkReport | null} report @returns {Situation | null} */
function describeLink(report) {
  if (report === null || report.state === "connecting") {
    return connecting("Connecting", "One moment.");
  }
  if (report.state === "waiting") return describeWaiting(report);
  if (report.state === "locked") {
    const hint = "Whoever runs it has the token: it is what PARLEY_TOKEN was set to.";
    return { name: "error", title: "This Parley asks for a token", hint };
  }
  if (report.state === "closed") {
    const hint = report.reason || "The server has closed the connection.";
    return { name: "error", title: "Not connected", hint: `${hint} Reload the page to try again.` };
  }
  return null;
}

/** @param {Facts} facts @returns {Situation} with an open microphone and nothing else going on */
function describeListening(facts) {
  const listening = (/** @type {string} */ title, /** @type {string} */ hint) =>
    /** @type {Situation} */ ({ name: "listening", title, hint });
  if (facts.isHeld) return listening("Listening", "Let go of Space when you have asked.");
  if (facts.isMuted)
    return listening("Muted", `Press ${facts.hasKeys ? "M" : "mute again"} to be heard again.`);
  return listening("Listening", facts.isHearing ? "I hear you." : "Ask a question aloud.");
}

/** @param {Facts} facts @returns {Situation} */
export function describeSituation(facts) {
  if (facts.isPlaying) {
    const hint =
      facts.isMicrophoneOpen && !facts.isMuted
        ? "Speak to interrupt."
        : `${facts.hasKeys ? "Esc" : "The square"} stops it.`;
    return { name: "speaking", title: "Speaking", hint };
  }
  const link = describeLink(facts.link);
  if (link !== null) return link;
  if (facts.problem !== null) {
    return { name: "error", title: facts.problem.title, hint: facts.problem.nextStep };
  }
  if (facts.isThinking)
    return { name: "thinking", title: "Thinking", hint: "Looking through your documents." };
  if (facts.isMicrophoneOpening)
    return {
      name: "ready",
      title: "Asking for the microphone",
      hint: "Allow it in the browser's prompt.",
    };
  if (!facts.isMicrophoneOpen)
    return { name: "ready", title: "Ready", hint: "Press the microphone and ask, or type." };
  return describeListening(facts);
}
