"""openai-python with Parley: a question, typed or in a WAV, and its spoken answer as a WAV.

python openai_python.py "What does a day ticket cost?" ANSWER.wav [http://127.0.0.1:8765/v1]
python openai_python.py QUESTION.wav ANSWER.wav      (a WAV of 16 bits, mono)
"""

import asyncio
import base64
import os
import sys
import wave
from typing import Any

from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

RATE_HZ = 24_000
PIECE_BYTES = 4_800


async def say(connection: AsyncRealtimeConnection, path: str) -> None:
    """Send a recorded question; the server hears its end in the silence behind it."""
    with wave.open(path) as recording:
        rate_hz = recording.getframerate()
        sound = recording.readframes(recording.getnframes()) + bytes(4 * rate_hz)
    pcm: Any = {"type": "audio/pcm", "rate": rate_hz}  # the original takes 24,000 Hz only
    await connection.session.update(
        session={"type": "realtime", "audio": {"input": {"format": pcm}}}
    )
    for start in range(0, len(sound), PIECE_BYTES):
        piece = base64.b64encode(sound[start : start + PIECE_BYTES]).decode()
        await connection.input_audio_buffer.append(audio=piece)


async def write(connection: AsyncRealtimeConnection, question: str) -> None:
    """Type a question and have it answered."""
    await connection.conversation.item.create(
        item={
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": question}],
        }
    )
    await connection.response.create()


async def hear(connection: AsyncRealtimeConnection, path: str) -> None:
    """Print the words of the answer as they are said, and keep its sound."""
    with wave.open(path, "wb") as spoken:
        spoken.setparams((1, 2, RATE_HZ, 0, "NONE", "not compressed"))
        async for event in connection:
            if event.type == "response.output_audio_transcript.delta":
                print(event.delta, end="", flush=True)
            elif event.type == "response.output_audio.delta":
                spoken.writeframes(base64.b64decode(event.delta))
            elif event.type == "error":
                sys.exit(event.error.message)
            elif event.type == "response.done" and event.response.status != "cancelled":
                print()
                return


async def main(question: str, answer: str, url: str = "http://127.0.0.1:8765/v1") -> None:
    """Ask it of the server at `url`: nothing else differs from the original."""
    client = AsyncOpenAI(api_key=os.environ.get("PARLEY_TOKEN", "none"), base_url=url)
    async with asyncio.timeout(120), client.realtime.connect(model="gpt-realtime") as connection:
        await (say if question.endswith(".wav") else write)(connection, question)
        await hear(connection, answer)


asyncio.run(main(*sys.argv[1:]))
