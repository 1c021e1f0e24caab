"""The first calls are made at the start, as large as a turn's, on every worker."""

import threading
from pathlib import Path

from audio.pcm import Samples
from models.stt import Transcript
from rag.ingest import ingest
from rag.store import Store
from server.engines.knowledge import load_knowledge
from server.engines.warm_up import SENTENCE, warm_recognizer, warm_synthesizer
from server.settings import SAMPLES_DIR
from server.speaking.saying import LONG_FIRST_CHARACTERS
from tests.fakes import FakeRecognizer, FakeSynthesizer
from tests.fakes_rag import WordEmbedder


class TogetherRecognizer(FakeRecognizer):
    """Returns only when as many calls are under way at once as it was told."""

    def __init__(self, together: int) -> None:
        super().__init__()
        self.barrier = threading.Barrier(together, timeout=10)

    def recognise(self, speech: Samples) -> Transcript:
        self.barrier.wait()
        return super().recognise(speech)


def test_every_worker_of_a_recogniser_hears_five_seconds_at_once() -> None:
    """One call after the other might all go to the same worker."""
    recognizer = TogetherRecognizer(3)
    warm_recognizer(recognizer, 3)
    assert recognizer.heard == [80_000] * 3


def test_the_first_sentence_is_as_long_as_an_answers_first_piece() -> None:
    voice = FakeSynthesizer()
    warm_synthesizer(voice)
    assert voice.sentences == [SENTENCE]
    assert len(SENTENCE) >= LONG_FIRST_CHARACTERS


def test_an_index_has_answered_a_question_before_it_is_handed_out(tmp_path: Path) -> None:
    """So that the sentences of the first passages are embedded by then."""
    embedder = WordEmbedder()
    with Store(tmp_path / "store.sqlite3", embedder.fingerprint, embedder.dimension) as store:
        ingest([SAMPLES_DIR], store, embedder)
        calls = embedder.calls
        load_knowledge(store, embedder, 0.5)
    assert embedder.calls == calls + 2


def test_an_empty_index_can_be_warmed(tmp_path: Path) -> None:
    embedder = WordEmbedder()
    with Store(tmp_path / "store.sqlite3", embedder.fingerprint, embedder.dimension) as store:
        assert load_knowledge(store, embedder, 0.5).passages == 0
