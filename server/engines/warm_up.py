"""First calls, made before anybody waits for them: a cold engine makes the first turn slow.

A first call reads the library's pages from disk and lets its buffers grow to what a turn needs:
7,000 page faults in Whisper, 9,000 in Piper, 2,300 where sentences are embedded, and seconds where
the disk is slow (python -m benchmarks.first_turn). It loads no engine and keeps no result.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from models.stt import RATE_HZ, Recognizer
from models.tts import Synthesizer
from rag.answer import Answerer
from rag.embedding import Embedder
from rag.retrieve import Retriever

SPEECH_S: Final = 5
"""Longer than most questions: buffers grow with the longest utterance so far."""
SENTENCE: Final = "The last boat leaves the harbour at a quarter to six, at low tide."
"""As long as an answer's first piece may be (server/speaking/saying.py)."""
QUESTION: Final = "Where can this be found?"


def warm_recognizer(recognizer: Recognizer, workers: int) -> None:
    """Recognise silence with as many threads at once as will: each of its workers has buffers."""
    silence = np.zeros(SPEECH_S * RATE_HZ, np.float32)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(recognizer.recognise, [silence] * workers))


def warm_synthesizer(synthesizer: Synthesizer) -> None:
    """Say a sentence."""
    synthesizer.synthesise(SENTENCE)


def warm_knowledge(embedder: Embedder, retriever: Retriever, answerer: Answerer) -> None:
    """Answer a question, which embeds the sentences of the passages that it finds."""
    (vector,) = embedder.embed([QUESTION])
    answerer.answer(retriever.search(QUESTION, vector))
