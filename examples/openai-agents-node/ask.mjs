// @ts-check
// @openai/agents with Parley: a typed question, its answer as it is said, and its sound as a WAV.
// npm ci && node ask.mjs "What does a day ticket cost?" answer.wav [ws://127.0.0.1:8765/v1/realtime]

import { writeFileSync } from "node:fs";
import { RealtimeAgent, RealtimeSession } from "@openai/agents/realtime";

const RATE_HZ = 24_000;
const PATIENCE_MS = 120_000;
const [question, path, url = "ws://127.0.0.1:8765/v1/realtime"] = process.argv.slice(2);

const agent = new RealtimeAgent({ name: "Parley", instructions: "Be brief." });
const session = new RealtimeSession(agent, { transport: "websocket" });

/** @type {Buffer[]} */
const sound = [];
session.on("audio", (event) => sound.push(Buffer.from(event.data)));
session.on("error", ({ error }) => fail(error));
session.on("transport_event", (event) => {
  if (event.type === "response.output_audio_transcript.delta") process.stdout.write(event.delta);
  if (event.type === "response.done") finish();
});
setTimeout(() => fail("no answer came"), PATIENCE_MS);

try {
  await session.connect({ apiKey: process.env.PARLEY_TOKEN ?? "none", url });
  session.sendMessage(question);
} catch (error) {
  fail(error);
}

/** @param {any} reason */
function fail(reason) {
  console.error(reason?.error?.message ?? reason?.message ?? reason);
  process.exit(1);
}

function finish() {
  const samples = Buffer.concat(sound);
  writeFileSync(path, Buffer.concat([wavHeader(samples.length), samples]));
  session.close();
  console.log();
  process.exit(0);
}

/** 16 bits, mono. @param {number} size */
function wavHeader(size) {
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + size, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(RATE_HZ, 24);
  header.writeUInt32LE(2 * RATE_HZ, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36);
  header.writeUInt32LE(size, 40);
  return header;
}
