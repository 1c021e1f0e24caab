"""What one call costs when several questions share it: CPU per question, by size of the batch.

Recognition is a stand-in of base.en's shape, embedding is the product's. It decides nothing:
docs/adr/0007-batches.md does. `python -m benchmarks.batching [--json]`
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

# As in server/cli.py: before any library that starts OpenMP threads is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import ctranslate2
import numpy as np

from benchmarks.question_file import SAMPLE_QUESTIONS, read_questions
from benchmarks.results import percentiles, table, write_result
from benchmarks.standin import TOKENS, made
from models.whisper import CropSettings
from server.engines.preparation import load_embedder
from server.settings import load_settings

SIZES: Final = (1, 2, 4, 8)
REPEATS: Final = 20
QUESTION_S: Final = 2.5
_MEL_BANDS: Final = 80
_PROMPT: Final = (50257, 50362)
_END: Final = 50256


def recognition() -> Callable[[int], None]:
    """Return a call that encodes and decodes a batch of QUESTION_S each."""
    model = ctranslate2.models.Whisper(
        str(made("base.en")), device="cpu", compute_type="int8", inter_threads=1, intra_threads=1
    )
    frames = CropSettings().frames_for(int(QUESTION_S * 16_000))
    random = np.random.default_rng(0)

    def recognise(size: int) -> None:
        features = random.standard_normal((size, _MEL_BANDS, frames)).astype(np.float32)
        encoded = model.encode(ctranslate2.StorageView.from_array(features))
        model.generate(
            encoded,
            [list(_PROMPT)] * size,
            beam_size=1,
            max_length=2 * TOKENS,
            suppress_tokens=[-1, _END],
        )

    return recognise


def embedding() -> Callable[[int], None]:
    """Return a call that embeds a batch of sample questions."""
    embedder = load_embedder(load_settings().settings, print)
    questions = [question.text for question in read_questions(SAMPLE_QUESTIONS)]

    def embed(size: int) -> None:
        embedder.embed(questions[:size])

    return embed


def measure(call: Callable[[int], None]) -> list[dict[str, Any]]:
    """Return CPU milliseconds per question for each size."""
    rows = []
    for size in SIZES:
        call(size)
        spent_ms = []
        for _ in range(REPEATS):
            started_s = time.process_time()
            call(size)
            spent_ms.append((time.process_time() - started_s) * 1000 / size)
        rows.append({"batch": size, "cpu_ms_each": percentiles(spent_ms)})
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write benchmarks/results/batching.json."""
    parser = argparse.ArgumentParser(prog="benchmarks.batching", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parsed = parser.parse_args(arguments)
    figures = {"embedding": measure(embedding()), "recognition": measure(recognition())}
    rows = [
        (name, row["batch"], row["cpu_ms_each"]["p50"], row["cpu_ms_each"]["p95"])
        for name, told in figures.items()
        for row in told
    ]
    print(table([("", "batch", "CPU ms each p50", "p95"), *rows]))
    write_result("batching", figures)
    if parsed.json:
        print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
