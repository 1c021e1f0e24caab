"""Speech recognition with the English model that the pocketsphinx wheel carries; builds no language
model.

Two decoders hear an utterance: one held to the words of the corpus, and, unless that one is sure,
one of general English that is about five times slower. models/hypothesis.py chooses.
"""

import hashlib
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audio.pcm import Samples, level_dbfs, to_int16
from models.hypothesis import ChoiceRule, Hypothesis, Source
from models.language_model import LanguageModelFiles
from models.sphinx_library import SphinxDecoder, SphinxLibrary, WeightedModel, wheel_model
from models.stt import RATE_HZ, Transcript, audio_ms_of

NAME: Final = "pocketsphinx en-us"
_QUIETEST_DBFS: Final = -65.0  # below it a decoder hears words in digital silence
_SHORTEST_SAMPLES: Final = RATE_HZ // 10
# The weights of questions and general English beside the corpus' own sentences: of 1, 0.01 and
# 0.0001 each, this gave the lowest WER over four voices; within 1% of each other.
_QUESTIONS_WEIGHT: Final = 0.01
_GENERAL_WEIGHT: Final = 0.01
# The small vocabulary affords wider beams than the defaults of 1e-48 and 7e-29: WER 8.7% instead of
# 9.5% over two voices, for an eighth more time.
_WIDE_BEAMS: Final = {"beam": "1e-60", "pbeam": "1e-60", "wbeam": "1e-40"}


class DecoderPool:
    """A fixed number of equal decoders, each lent to one thread at a time.

    They are made in a thread of their own, because loading the general one takes half a second.
    `lent` blocks until one is free, and raises SphinxError when making them failed.
    """

    def __init__(self, make: Callable[[], SphinxDecoder], count: int) -> None:
        self._count = count
        self._free: queue.SimpleQueue[SphinxDecoder] = queue.SimpleQueue()
        self._ready: Future[None] = Future()
        threading.Thread(target=self._fill, args=(make,), name="sphinx-load", daemon=True).start()

    def wait_until_ready(self) -> None:
        """Raises SphinxError or OSError when a decoder could not be made."""
        self._ready.result()

    @contextmanager
    def lent(self) -> Iterator[SphinxDecoder]:
        """Lend one decoder for a `with` block; blocks while all are out."""
        self.wait_until_ready()
        decoder = self._free.get()
        try:
            yield decoder
        finally:
            self._free.put(decoder)

    def close(self) -> None:
        """Frees every decoder; waits for those that are lent. Nothing may be lent afterwards."""
        if self._ready.exception() is None:
            for _ in range(self._count):
                self._free.get().close()

    def _fill(self, make: Callable[[], SphinxDecoder]) -> None:
        try:
            for _ in range(self._count):
                self._free.put(make())
        except (RuntimeError, OSError) as error:
            self._ready.set_exception(error)
        else:
            self._ready.set_result(None)


class SphinxRecognizer:
    """The embedded recogniser. Without a corpus only the general decoder runs.

    To use a newly built language model, make another of these, swap it in between turns, and
    `close` the old one, which waits for calls in flight.
    """

    name = NAME

    def __init__(
        self,
        corpus: LanguageModelFiles | None,
        workers: int = 1,
        rule: ChoiceRule | None = None,
        library: SphinxLibrary | None = None,
    ) -> None:
        """Returns at once and loads in the background; see `wait_until_ready`.

        `workers` is how many utterances may be heard at once; each holds about 190 MB (measured:
        general 100, corpus 90). Raises SphinxError when the wheel is missing or too different.
        """
        self._rule = rule or ChoiceRule()
        library = library or SphinxLibrary()
        self._corpus = (
            DecoderPool(lambda: _corpus_decoder(library, corpus), workers) if corpus else None
        )
        self._general = DecoderPool(lambda: _general_decoder(library), workers)
        self.fingerprint = (
            f"sphinx-{_rule_hash(self._rule)}-{corpus.sha256[:16] if corpus else 'general'}"
        )

    def wait_until_ready(self) -> None:
        """Blocks until every decoder is loaded. Raises SphinxError when one cannot be."""
        for pool in self._pools():
            pool.wait_until_ready()

    def close(self) -> None:
        """Frees the decoders, after calls in flight have ended. Must be the last call."""
        for pool in self._pools():
            pool.close()

    def recognise(self, speech: Samples) -> Transcript:
        """`confidence` is the chosen words' mean posterior; general words count half.

        `details` has `source`, and for each decoder that ran its posterior and acoustic score.
        """
        if len(speech) < _SHORTEST_SAMPLES or level_dbfs(speech) < _QUIETEST_DBFS:
            return Transcript(
                "", self.name, 1.0, audio_ms_of(speech), {"source": Source.NOTHING.value}
            )
        samples = to_int16(speech)
        corpus = _hear(self._corpus, samples) if self._corpus else None
        is_sure = corpus is not None and self._rule.is_sure(corpus)
        general = None if is_sure else _hear(self._general, samples)
        return self._transcript(corpus, general, audio_ms_of(speech))

    def hear_both(self, speech: Samples) -> tuple[Hypothesis | None, Hypothesis]:
        """What the corpus decoder and the general one hear, whatever the rule; for fitting it."""
        samples = to_int16(speech)
        corpus = _hear(self._corpus, samples) if self._corpus else None
        return corpus, _hear(self._general, samples)

    def _transcript(
        self, corpus: Hypothesis | None, general: Hypothesis | None, audio_ms: int
    ) -> Transcript:
        source = self._rule.choose(corpus, general)
        chosen = {Source.CORPUS: corpus, Source.GENERAL: general}.get(source)
        details: dict[str, str | float | int | bool] = {"source": source.value}
        for label, heard in (("corpus", corpus), ("general", general)):
            if heard is not None:
                details[f"{label}_posterior"] = round(heard.posterior, 4)
                details[f"{label}_acoustic"] = round(heard.acoustic, 4)
        if chosen is None:
            return Transcript("", self.name, 0.0, audio_ms, details)
        confidence = chosen.posterior * (0.5 if source is Source.GENERAL else 1.0)
        other = corpus if source is Source.GENERAL else general
        is_other_reading = other is not None and self._rule.is_speech(other)
        return Transcript(
            chosen.text,
            self.name,
            confidence,
            audio_ms,
            details,
            other=other.text if other and is_other_reading and other.text != chosen.text else "",
            unfinished=chosen.unfinished,
        )

    def _pools(self) -> list[DecoderPool]:
        return [pool for pool in (self._corpus, self._general) if pool is not None]


def _hear(pool: DecoderPool, samples: NDArray[np.int16]) -> Hypothesis:
    with pool.lent() as decoder:
        heard = decoder.decode(samples)
        posteriors = [decoder.probability_of(s.log_posterior) for s in heard.segments]
        return Hypothesis.of(heard.segments, posteriors, heard.unfinished)


def _options(dictionary: str) -> dict[str, str]:
    return {
        "hmm": str(wheel_model().acoustic),
        "dict": dictionary,
        "samprate": str(RATE_HZ),
        "dither": "no",
        "loglevel": "FATAL",
    }


def _general_decoder(library: SphinxLibrary) -> SphinxDecoder:
    model = wheel_model()
    return SphinxDecoder(
        library, {**_options(str(model.dictionary)), "lm": str(model.language_model)}
    )


def _corpus_decoder(library: SphinxLibrary, corpus: LanguageModelFiles) -> SphinxDecoder:
    parts = [
        WeightedModel(corpus.corpus_lm, 1.0),
        WeightedModel(corpus.questions_lm, _QUESTIONS_WEIGHT),
        WeightedModel(wheel_model().language_model, _GENERAL_WEIGHT),
    ]
    return SphinxDecoder(library, {**_options(str(corpus.dictionary)), **_WIDE_BEAMS}, parts)


def _rule_hash(rule: ChoiceRule) -> str:
    return hashlib.sha256(repr(rule).encode()).hexdigest()[:8]
