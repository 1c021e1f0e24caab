"""`parley serve` with a voice that speaks, hangs or crashes: for faults that end a process.

`python -m tests.faults.faulty_server FAULT DATA_DIR DRAIN_S`, where FAULT is none, hang, crash,
crash-reading, in which the embedder crashes over a document that is being read, or busy: a thread
in the background that goes in and out of native code all the time.
"""

import ctypes
import resource
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Never

from models.embedder import MiniLmEmbedder
from models.espeak import EspeakLibrary
from models.language_model import LanguageModelFiles
from models.minilm_weights import FINGERPRINT, prepare_minilm
from models.tts import Speech
from rag.embedding import Vectors
from server.commands.serve import run_serve
from server.engines import preparation
from server.engines.loading import SpeechEngines
from server.settings import Settings
from tests.fakes import FakeRecognizer, FakeSynthesizer

NULL = 0
CRASHING = "segmentation"
"""A document with this word is the embedder's last."""


class FaultyVoice(FakeSynthesizer):
    """Speaks 10 ms a character, unless it is to hang for ever or to crash as native code does."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self._fault = fault

    def synthesise(self, sentence: str, speed: float = 1.0) -> Speech:
        if self._fault == "hang":
            threading.Event().wait()
        if self._fault == "crash":
            crash()
        return super().synthesise(sentence, speed)


def crash() -> None:
    """As native code does. Half a gigabyte of core file would take seconds to write."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.string_at(NULL)


class CrashingEmbedder(MiniLmEmbedder):
    """Embeds all but what is marked."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        if any(CRASHING in text for text in texts):
            crash()
        return super().embed(texts)


def keep_busy(prepared_dir: Path) -> None:
    embedder = MiniLmEmbedder(prepare_minilm(prepared_dir), FINGERPRINT)
    while True:
        embedder.embed(["how do I get to the lighthouse"] * 8)


def main(fault: str, data_dir: str, drain_timeout_s: str) -> Never:
    settings = replace(
        Settings(),
        port=0,
        offline=True,
        prespeak=False,
        cache_disk=False,
        data_dir=Path(data_dir),
        drain_timeout_s=float(drain_timeout_s),
    )

    if fault == "crash-reading":
        vars(preparation)["MiniLmEmbedder"] = CrashingEmbedder

    def load(
        settings: Settings, files: LanguageModelFiles | None, library: EspeakLibrary
    ) -> SpeechEngines:
        if fault == "busy":
            busy = threading.Thread(target=keep_busy, args=(settings.prepared_dir,), daemon=True)
            busy.start()
        return SpeechEngines(FakeRecognizer(), FaultyVoice(fault), ())

    run_serve(settings, with_samples=True, load_speech=load)


if __name__ == "__main__":
    main(*sys.argv[1:])
