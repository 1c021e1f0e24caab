// @ts-check
// Shows the words of an answer and how far they have been spoken. Decides nothing.

import { make } from "./elements.js";
import { saidOf, wordsOf } from "./words.js";

/** @typedef {import("./conversation.js").Turn} Turn */

/** One element for each word: those to come are paler, the one that sounds now is marked. */
export class AnswerView {
  /** @param {HTMLElement} place that screen readers are told the additions of */
  constructor(place) {
    this._place = place;
    /** @type {HTMLElement[][]} */
    this._sentences = [];
    /** The word that is being said. @type {HTMLElement | null} */
    this.sounding = null;
  }

  clear() {
    this._place.replaceChildren();
    this._sentences = [];
    this.sounding = null;
  }

  /** @param {Turn} turn */
  show(turn) {
    for (const sentence of turn.sentences.slice(this._sentences.length)) this._append(sentence);
    const isSounding = !turn.isHeard && turn.playedMs !== null;
    this.sounding = null;
    this._sentences.forEach((words, index) => {
      const said = saidOf(turn, index, words.length);
      const isCurrent = index === this._current(turn);
      words.forEach((word, position) => {
        word.classList.toggle("to-come", position >= said);
        const isNow = isSounding && isCurrent && position === said;
        word.classList.toggle("sounding", isNow);
        if (isNow) this.sounding = word;
      });
    });
  }

  /** @param {Turn} turn @returns {number} the first sentence that is not all said, -1 for none */
  _current(turn) {
    return this._sentences.findIndex((words, i) => saidOf(turn, i, words.length) < words.length);
  }

  /** @param {string} sentence */
  _append(sentence) {
    const words = wordsOf(sentence).map((word) => make("span", { class: "word", text: word }));
    const spaced = words.flatMap((word) => [word, document.createTextNode(" ")]);
    this._place.append(make("span", {}, ...spaced));
    this._sentences.push(words);
  }
}
