"""`parley ask`: one recorded question over the WebSocket, as text or as one JSON object.

Without --url and with no server at the default address, it runs one for this question.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from audio.wavfile import WavAudio, WavError, read_wav, write_wav
from server.calibration.use import tune
from server.client import NoServer, Reply, ask_once
from server.configuration.addresses import split_list
from server.door.tls import trust_in
from server.settings import LoadedSettings, Settings

DONE = 0
FAILED = 1
MISUSED = 2


def run_ask(parsed: argparse.Namespace, loaded: LoadedSettings) -> int:
    """Ask and print; 1 when the turn failed, 2 for a file that cannot be asked with."""
    try:
        question = read_wav(parsed.question)
    except WavError as error:
        print(f"parley: {error}", file=sys.stderr)
        return MISUSED
    reply = asyncio.run(_ask(question, parsed.url, loaded))
    if parsed.out is not None:
        _write_answer(parsed.out, reply)
    if parsed.json:
        print(json.dumps(reply.summary(), ensure_ascii=False))
    else:
        print(format_reply(reply))
    return FAILED if reply.turn.get("outcome") == "failed" else DONE


async def _ask(question: WavAudio, url: str | None, loaded: LoadedSettings) -> Reply:
    settings = loaded.settings
    scheme = "wss" if settings.tls_cert else "ws"
    default_url = f"{scheme}://{settings.host}:{settings.port}/ws"
    trust = trust_in(settings.tls_cert) if url is None else None
    token = next(iter(split_list(settings.token)), "")
    try:
        return await ask_once(url or default_url, question.samples, question.rate_hz, token, trust)
    except NoServer:
        if url is not None:
            raise
    print(f"No server at {default_url}: starting one for this question.", file=sys.stderr)
    return await ask_own_server(question, tune(loaded).loaded.settings)


async def ask_own_server(question: WavAudio, settings: Settings) -> Reply:
    """Run a server on a free loopback port for one question."""
    from server.app import App

    app = App(
        replace(settings, host="127.0.0.1", port=0, token="", tls_cert="", tls_key=""),
        lambda text: print(text, file=sys.stderr),
        with_samples=True,
    )
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(app.run(ready.set_result))
        try:
            url = f"ws://127.0.0.1:{await ready}/ws"
            return await ask_once(url, question.samples, question.rate_hz)
        finally:
            app.stop()


def _write_answer(path: Path, reply: Reply) -> None:
    samples = reply.samples
    if not len(samples):
        samples = np.zeros(reply.rate_hz // 10, np.int16)
    write_wav(path, samples, reply.rate_hz)


def format_reply(reply: Reply) -> str:
    """Return transcript, answer, sources and segments as lines for people."""
    told = reply.summary()
    lines = [f"Heard:   {told['transcript']}", f"Answer:  {told['answer'] or told['outcome']}"]
    for source in reply.sources:
        lines.append(
            f"Source:  {source['document']} › {source['heading']} (score {source['score']:.3f})"
        )
    total_ms = told["voice_to_voice_ms"]
    if total_ms is not None:
        lines.append(f"Latency: {total_ms:.0f} ms from the end of speech to the first audio")
        lines += [f"  {name:<14}{value:>9.1f} ms" for name, value in told["segments"].items()]
    lines.append("Engines: " + ", ".join(f"{job} {name}" for job, name in told["engines"].items()))
    return "\n".join(lines)
