// @ts-check
// @openai/agents, unmodified, against /v1/realtime: plays one scene and prints what it found as JSON.
// node agents.mjs FOLDER_WITH_NODE_MODULES URL QUESTION_AS_PCM16_24KHZ voiced|text|interruption|cancel|function

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, url, recording, scene] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
const { RealtimeAgent, RealtimeSession, tool } = require("@openai/agents/realtime");
const { z } = require("zod");

const PATIENCE_MS = 60_000;
const PIECE_BYTES = 2400;
const HEARD_BYTES = 2 * 2 * 24_000;

/** @type {Array<{type: string, [field: string]: any}>} */
const events = [];
/** @type {Array<() => void>} */
let waiting = [];

/**
 * Resolves with the first event of a type behind `from`, of one item if an id is given.
 * @param {string} type @param {number} from @param {string} [itemId]
 */
async function until(type, from = 0, itemId) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const isIt = (/** @type {any} */ event) => event.type === type && (!itemId || event.item?.id === itemId);
    const found = events.slice(from).find(isIt);
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`no ${type}; last: ${events.at(-1)?.type}`);
    await new Promise((resolve) => {
      waiting.push(() => resolve(undefined));
      setTimeout(resolve, 200);
    });
  }
}

const lookUp = tool({
  name: "look_up_weather",
  description: "Tells the weather.",
  parameters: z.object({ place: z.string() }),
  execute: async ({ place }) => `sunny in ${place}`,
});

const agent = new RealtimeAgent({
  name: "Parley",
  instructions: "Be brief.",
  tools: scene === "function" ? [lookUp] : [],
});
const session = new RealtimeSession(agent, {
  transport: "websocket",
  config: {
    outputModalities: scene === "text" ? ["text"] : ["audio"],
    audio: { output: { speed: 1.5 } },
  },
});
session.on("transport_event", (/** @type {any} */ event) => {
  events.push(event);
  for (const wake of waiting.splice(0)) wake();
});
let soundBytes = 0;
session.on("audio", (/** @type {any} */ event) => (soundBytes += event.data.byteLength));
/** @type {string[]} */
const toolResults = [];
session.on("agent_tool_end", (/** @type {any[]} */ ...told) => toolResults.push(String(told[3])));
/** @type {string[]} */
const errors = [];
session.on("error", (/** @type {any} */ error) => errors.push(JSON.stringify(error)));

const speech = readFileSync(recording);
const say = () => {
  for (let at = 0; at < speech.length; at += PIECE_BYTES) {
    session.sendAudio(new Uint8Array(speech.subarray(at, at + PIECE_BYTES)).buffer);
  }
};

/** All of one type behind `from`, joined. @param {string} type @param {number} from */
const joined = (type, from) =>
  events
    .slice(from)
    .filter((event) => event.type === type)
    .map((event) => event.delta)
    .join("");

/** @type {Record<string, () => Promise<object>>} */
const scenes = {
  async voiced() {
    say();
    const done = await until("response.done");
    return { response: done.response, soundBytes, history: session.history };
  },

  async text() {
    session.sendMessage("What does a day ticket cost?");
    const done = await until("response.done");
    const told = joined("response.output_text.delta", 0);
    return { response: done.response, told, soundBytes, history: session.history };
  },

  // The person speaks into the answer: the SDK truncates by itself at what it takes for heard, and retrieves.
  async interruption() {
    session.sendMessage("When does the last boat come back on a Sunday?");
    while (soundBytes < HEARD_BYTES) await until("response.output_audio.delta", events.length);
    const from = events.length;
    say();
    await until("input_audio_buffer.speech_started", from);
    const done = await until("response.done", from);
    const truncated = await until("conversation.item.truncated", from);
    const behind = events.indexOf(truncated);
    const retrieved = await until("conversation.item.retrieved", behind, truncated.item_id);
    const whole = joined("response.output_audio_transcript.delta", 0);
    return { response: done.response, truncated, item: retrieved.item, whole, soundBytes };
  },

  async cancel() {
    session.sendMessage("When does the last boat come back on a Sunday?");
    await until("response.output_audio.delta");
    session.interrupt();
    const cancelled = await until("response.done");
    const from = events.indexOf(cancelled) + 1;
    session.sendMessage("What does a day ticket cost?");
    const created = await until("response.created", from);
    const between = events.slice(from, events.indexOf(created)).map((event) => event.type);
    const next = await until("response.done", from);
    return { response: cancelled.response, between, next: next.response };
  },

  async function() {
    session.sendMessage("What is the weather on the island?");
    const called = await until("response.function_call_arguments.done");
    const from = events.indexOf(await until("response.done")) + 1;
    const done = await until("response.done", from);
    return { called, results: toolResults, response: done.response, soundBytes };
  },
};

await session.connect({ apiKey: "any", url });
await until("session.updated");
events.length = 0;
const found = await scenes[scene]();
console.log(JSON.stringify({ ...found, errors }));
session.close();
process.exit(0);
