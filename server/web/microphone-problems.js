// @ts-check
// Why there is no microphone, in words, each with what to do next. Opens none.

/** @typedef {{title: string, nextStep: string}} Problem */

const MEANWHILE = "You can type your question meanwhile.";

/** @type {Record<string, Problem>} by the name of the DOMException */
const PROBLEMS = {
  NotAllowedError: {
    title: "The microphone is blocked",
    nextStep:
      "Open the site settings at the left of the address bar, allow the microphone for this " +
      `page, then press the microphone again. ${MEANWHILE}`,
  },
  NotFoundError: {
    title: "No microphone was found",
    nextStep:
      "Plug one in, or turn it on in the sound settings of your system, then press the " +
      `microphone again. ${MEANWHILE}`,
  },
  NotReadableError: {
    title: "The microphone is busy",
    nextStep:
      "Another program is using it. Close calls and recorders that may hold it, then press the " +
      `microphone again. ${MEANWHILE}`,
  },
  OverconstrainedError: {
    title: "The chosen microphone is gone",
    nextStep:
      "Choose another one under Voice, or plug it in again, then press the microphone. " + MEANWHILE,
  },
};

/** The system, not the browser, refuses: other settings than the browser's have to change. */
const BLOCKED_BY_SYSTEM = {
  title: "The system blocks the microphone",
  nextStep:
    "Open the privacy settings of your system, allow this browser to use the microphone, then " +
    `press the microphone again. ${MEANWHILE}`,
};

/** The device went away while it was in use. @type {Problem} */
export const LOST_MICROPHONE = {
  title: "The microphone was disconnected",
  nextStep:
    "Plug it in again, or choose another under Voice, then press the microphone. " + MEANWHILE,
};

/** @returns {Problem} */
export function insecureProblem() {
  const port = location.port ? `:${location.port}` : "";
  return {
    title: "This page may not use the microphone",
    nextStep:
      "Browsers give the microphone to secure pages only. On the machine that runs Parley open " +
      `http://localhost${port}, from elsewhere use https. ${MEANWHILE}`,
  };
}

/** @returns {Problem} no AudioWorklet or no microphone interface at all */
export function outdatedProblem() {
  return {
    title: "This browser is too old to listen",
    nextStep:
      "It lacks AudioWorklet. Update it: Chrome and Edge have it since 66, Firefox since 76, " +
      `Safari since 14.1. ${MEANWHILE}`,
  };
}

/** @param {unknown} error what getUserMedia rejected with @returns {Problem} */
export function explain(error) {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "SecurityError") return insecureProblem();
  if (name === "NotAllowedError" && /system/i.test(/** @type {Error} */ (error).message))
    return BLOCKED_BY_SYSTEM;
  // The browser's class of its own for it is a DOMException in some and an Error in others.
  if (/** @type {any} */ (error)?.name === "OverconstrainedError")
    return PROBLEMS.OverconstrainedError;
  return (
    PROBLEMS[name] ?? {
      title: "The microphone could not be opened",
      nextStep:
        `The browser says: ${name || String(error)}. Reload the page and press the microphone ` +
        `again. ${MEANWHILE}`,
    }
  );
}
