"""`make demo`: three recorded questions through the real server, answers written as WAV.

Fails when a question's expected document is not the first source, or when nothing was spoken.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from audio.wavfile import read_wav, write_wav
from benchmarks.results import table
from benchmarks.server_process import ROOT, running_server
from server.client import Reply, ask_once

SPEECH_DIR = ROOT / "tests" / "speech"
OUTPUT_DIR = ROOT / "demo-output"


@dataclass(frozen=True, slots=True)
class DemoQuestion:
    """A recording, its words, and the passage that answers it."""

    wav: Path
    text: str
    document: str
    heading: str


def read_demo_questions(path: Path = SPEECH_DIR / "demo.jsonl") -> list[DemoQuestion]:
    """Read the list beside the recordings."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        DemoQuestion(path.parent / row["wav"], row["q"], row["document"], row["heading"])
        for row in rows
    ]


def main() -> int:
    """Ask, print, write, judge."""
    OUTPUT_DIR.mkdir(exist_ok=True)
    with running_server() as server:
        failures = [
            failure
            for number, question in enumerate(read_demo_questions(), 1)
            for failure in _ask(server.url, question, OUTPUT_DIR / f"answer-{number}.wav")
        ]
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    print("\nAll three answered from the right document." if not failures else "")
    return 1 if failures else 0


def _ask(url: str, question: DemoQuestion, answer_path: Path) -> list[str]:
    recording = read_wav(question.wav)
    reply = asyncio.run(ask_once(url, recording.samples, recording.rate_hz))
    write_wav(answer_path, reply.samples, reply.rate_hz)
    _show(question, reply, answer_path)
    return judge(question, reply)


def judge(question: DemoQuestion, reply: Reply) -> list[str]:
    """Return what is wrong with a reply; nothing when it is right."""
    cited = [(source["document"], source["heading"]) for source in reply.sources]
    failures = []
    if not cited or cited[0][0] != question.document:
        failures.append(f"{question.wav.name}: expected {question.document}, cited {cited}")
    if not len(reply.samples) or abs(reply.samples).max() < 1000:
        failures.append(f"{question.wav.name}: the answer cannot be heard")
    return failures


def _show(question: DemoQuestion, reply: Reply, answer_path: Path) -> None:
    told = reply.summary()
    print(f"\nSaid:    {question.text}")
    print(f"Heard:   {told['transcript']}")
    print(f"Answer:  {told['answer']}")
    for source in reply.sources:
        print(f"Source:  {source['document']} › {source['heading']}")
    seconds = len(reply.samples) / reply.rate_hz
    print(f"Spoken:  {answer_path.relative_to(ROOT)} ({seconds:.1f} s)")
    rows = [(name, f"{value:.1f}", "ms") for name, value in told["segments"].items()]
    print(table([*rows, ("voice to voice", f"{told['voice_to_voice_ms'] or 0:.1f}", "ms")]))


if __name__ == "__main__":
    raise SystemExit(main())
