// @ts-check
// Opens the microphone, or says in words why not and what to do. Moves no audio itself.

import { explain, insecureProblem, outdatedProblem } from "./microphone-problems.js";

/** @typedef {import("./microphone-problems.js").Problem} Problem */

/** @param {string} deviceId "" for the system's own choice @returns {MediaStreamConstraints} */
function constraints(deviceId) {
  const cleaning = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  const device = deviceId ? { deviceId: { exact: deviceId } } : {};
  return { audio: { ...cleaning, channelCount: 1, ...device } };
}

/** An open microphone could not be had; `problem` is for the person. */
export class MicrophoneError extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
}

/**
 * @param {string} deviceId "" for the system's own choice
 * @returns {Promise<MediaStream>} rejects with a MicrophoneError
 */
export async function openMicrophone(deviceId) {
  if (!isSecureContext) throw new MicrophoneError(insecureProblem());
  if (!navigator.mediaDevices || !globalThis.AudioWorkletNode)
    throw new MicrophoneError(outdatedProblem());
  try {
    return await navigator.mediaDevices.getUserMedia(constraints(deviceId));
  } catch (error) {
    throw new MicrophoneError(explain(error));
  }
}

/** @returns {Promise<{id: string, label: string}[]>} those whose names may be known */
export async function listMicrophones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices
    .filter(({ kind, label }) => kind === "audioinput" && label !== "")
    .map(({ deviceId, label }) => ({ id: deviceId, label }));
}
