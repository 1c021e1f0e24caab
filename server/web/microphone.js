// @ts-check
// Opens the microphone, or says in words why not and what to do. Moves no audio itself.

const CONSTRAINTS = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
};

/** @typedef {{title: string, nextStep: string}} Problem */

/** @type {Record<string, Problem>} by the name of the DOMException */
const PROBLEMS = {
  NotAllowedError: {
    title: "The microphone is blocked",
    nextStep:
      "Open the site settings at the left of the address bar, allow the microphone for this " +
      "page, then press Start again. You can type your question meanwhile.",
  },
  NotFoundError: {
    title: "No microphone was found",
    nextStep:
      "Plug one in, or turn it on in the sound settings of your system, then press Start again. " +
      "You can type your question meanwhile.",
  },
  NotReadableError: {
    title: "The microphone is busy",
    nextStep:
      "Another program is using it. Close calls and recorders that may hold it, then press Start " +
      "again. You can type your question meanwhile.",
  },
};

/** @returns {Problem} */
function insecureProblem() {
  const port = location.port ? `:${location.port}` : "";
  return {
    title: "This page may not use the microphone",
    nextStep:
      "Browsers give the microphone to secure pages only. On the machine that runs Parley open " +
      `http://localhost${port}, from elsewhere use https. You can type your question meanwhile.`,
  };
}

/** @param {unknown} error what getUserMedia rejected with @returns {Problem} */
export function explain(error) {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "SecurityError") return insecureProblem();
  return (
    PROBLEMS[name] ?? {
      title: "The microphone could not be opened",
      nextStep:
        `The browser says: ${name || String(error)}. Reload the page and press Start again. ` +
        "You can type your question meanwhile.",
    }
  );
}

/** The device went away while it was in use. @type {Problem} */
export const LOST_MICROPHONE = {
  title: "The microphone was disconnected",
  nextStep: "Plug it in again or choose another in your system's sound settings, then press Start.",
};

/** An open microphone could not be had; `problem` is for the person. */
export class MicrophoneError extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
}

/** @returns {Promise<MediaStream>} rejects with a MicrophoneError */
export async function openMicrophone() {
  if (!isSecureContext || !navigator.mediaDevices) throw new MicrophoneError(insecureProblem());
  try {
    return await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
  } catch (error) {
    throw new MicrophoneError(explain(error));
  }
}
