// @ts-check
// @openai/agents, unmodified, against /v1/realtime: prints one JSON line for each thing that it did.
// node agents.mjs FOLDER_WITH_NODE_MODULES URL QUESTION_AS_PCM16_24KHZ [tools]

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, url, recording, withTools] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
const { RealtimeAgent, RealtimeSession, tool } = require("@openai/agents/realtime");
const { z } = require("zod");

const PATIENCE_MS = 30_000;
const PIECE_BYTES = 2400;

/** @param {string} did @param {object} [found] */
const tell = (did, found = {}) => console.log(JSON.stringify({ did, ...found }));

/** @type {Array<{type: string, [field: string]: any}>} */
const events = [];
/** @type {Array<() => void>} */
let waiting = [];

/** Resolves with the first event of a type behind `from`. @param {string} type @param {number} from */
async function until(type, from = 0) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = events.slice(from).find((event) => event.type === type);
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
  tools: withTools ? [lookUp] : [],
});
const session = new RealtimeSession(agent, {
  transport: "websocket",
  config: { audio: { output: { speed: 1.5 } } },
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
session.on("error", (/** @type {any} */ error) => tell("error", { error: JSON.stringify(error) }));

await session.connect({ apiKey: "any", url });
await until("session.updated");
tell("connected");

if (withTools) {
  session.sendMessage("What is the weather on the island?");
  await until("response.function_call_arguments.done");
  const first = events.length;
  const done = await until("response.done", first);
  tell("function call", { results: toolResults, status: done.response.status });
} else {
  const speech = readFileSync(recording);
  for (let at = 0; at < speech.length; at += PIECE_BYTES) {
    session.sendAudio(new Uint8Array(speech.subarray(at, at + PIECE_BYTES)).buffer);
  }
  const voiced = await until("response.done");
  tell("voiced turn", { status: voiced.response.status, soundBytes, history: session.history });

  let from = events.length;
  session.sendMessage("What does a day ticket cost?");
  await until("response.output_audio.delta", from);
  session.interrupt();
  const cancelled = await until("response.done", from);
  await until("conversation.item.truncated", from);
  const retrieved = await until("conversation.item.retrieved", from);
  tell("interruption", { status: cancelled.response.status, item: retrieved.item });

  from = events.length;
  session.sendMessage("What does a day ticket cost?");
  const typed = await until("response.done", from);
  tell("text turn", { status: typed.response.status });
}
session.close();
process.exit(0);
