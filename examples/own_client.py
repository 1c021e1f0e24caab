"""/ws in 40 lines. python own_client.py QUESTION.wav ANSWER.wav [URL]: a WAV of 16 bits, mono."""

import asyncio
import json
import os
import sys
import wave

from websockets.asyncio.client import ClientConnection, connect


async def speak(socket: ClientConnection, path: str) -> None:
    with wave.open(path) as recording:
        rate_hz, sound = recording.getframerate(), recording.readframes(recording.getnframes())
    audio = {"input": {"format": {"type": "audio/pcm", "rate": rate_hz}}}
    await socket.send(json.dumps({"type": "session.update", "session": {"audio": audio}}))
    size = rate_hz // 50 * 2
    for start in range(0, len(sound) + 100 * size, size):  # silence ends the question
        await socket.send(sound[start : start + size].ljust(size, b"\0"))
        await asyncio.sleep(0.02)


async def main(question: str, answer: str, url: str = "ws://127.0.0.1:8765/ws") -> None:
    headers = {"Authorization": f"Bearer {os.environ.get('PARLEY_TOKEN', 'none')}"}
    async with connect(url, additional_headers=headers) as socket, asyncio.timeout(120):
        event = json.loads(await socket.recv())
        speaker = asyncio.create_task(speak(socket, question))
        with wave.open(answer, "wb") as spoken:
            rate_hz = event["session"]["audio"]["output"]["format"]["rate"]
            spoken.setparams((1, 2, rate_hz, 0, "NONE", ""))
            while event.get("type") != "parley.turn" or event["outcome"] == "cancelled":
                message = await socket.recv()
                spoken.writeframes(message if isinstance(message, bytes) else b"")
                event = json.loads(message) if isinstance(message, str) else {}
        speaker.cancel()
        print(f"{event['transcript']}\n{event['answer']}")


asyncio.run(main(*sys.argv[1:]))
