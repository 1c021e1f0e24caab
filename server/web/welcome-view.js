// @ts-check
// The page before the first question: what may be asked, or that there is nothing to ask yet.

import { byId, make, setText } from "./elements.js";

const LEAD = "Ask your documents.";
const PROMISE =
  "Speak or type. The answer is spoken back, with the passage that it rests on. " +
  "Speak into it to interrupt.";
const EMPTY_LEAD = "Give Parley something to read.";
const EMPTY_PROMISE = "Add documents, or drop them on this page. They stay on the machine that runs it.";

export class WelcomeView {
  /** @param {(question: string) => void} onAsk */
  constructor(onAsk) {
    this._onAsk = onAsk;
  }

  /** @param {Record<string, any>} session of session.created */
  introduce(session) {
    const topics = session.parley?.topics ?? [];
    byId("topics").hidden = topics.length === 0;
    byId("topic-list").replaceChildren(...topics.map((/** @type {string} */ topic) => this._offer(topic)));
  }

  /** @param {{documents?: number} | undefined} index */
  showLibrary(index) {
    const isEmpty = !index?.documents;
    setText(byId("lead"), isEmpty ? EMPTY_LEAD : LEAD);
    setText(byId("promise"), isEmpty ? EMPTY_PROMISE : PROMISE);
    byId("add").classList.toggle("wanted", isEmpty);
  }

  /** @param {string} topic @returns {HTMLElement} */
  _offer(topic) {
    const question = `Tell me about ${topic}`;
    const button = make("button", { class: "topic", type: "button" });
    button.append(make("span", { class: "hidden", text: "Tell me about " }), topic);
    button.addEventListener("click", () => this._onAsk(question));
    return make("li", {}, button);
  }
}
