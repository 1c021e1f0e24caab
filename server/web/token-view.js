// @ts-check
// Asks for the token of a server that wants one, and keeps it only if the person says so.

import { byId, setText } from "./elements.js";

const WRONG = "That token does not open this server.";
const KEPT_AS = "parley-token";

/** @returns {string} "" when none was kept in this tab */
export function keptToken() {
  try {
    return sessionStorage.getItem(KEPT_AS) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} token "" forgets it */
function keep(token) {
  try {
    if (token) sessionStorage.setItem(KEPT_AS, token);
    else sessionStorage.removeItem(KEPT_AS);
  } catch {
    // Storage is turned off: the token lasts as long as the page.
  }
}

export class TokenView {
  /** @param {(token: string) => void} onToken */
  constructor(onToken) {
    this._field = /** @type {HTMLInputElement} */ (byId("token"));
    this._isTried = keptToken() !== "";
    byId("door").addEventListener("submit", (submission) => {
      submission.preventDefault();
      const token = this._field.value.trim();
      if (!token) return;
      const mayKeep = /** @type {HTMLInputElement} */ (byId("keep-token")).checked;
      keep(mayKeep ? token : "");
      this._field.value = "";
      this._isTried = true;
      onToken(token);
    });
  }

  /**
   * @param {boolean} isLocked the server said that it wants a token, or another one
   * @param {string} reason
   */
  show(isLocked, reason) {
    const wasShown = !byId("door").hidden;
    byId("door").hidden = !isLocked;
    byId("ask").hidden = isLocked;
    if (!isLocked || wasShown) return;
    if (this._isTried) keep("");
    setText(byId("door-told"), this._isTried ? reason || WRONG : "");
    this._field.focus();
  }
}
