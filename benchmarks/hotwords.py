"""What a recognition costs with and without the documents' words before it, in processor time.

python -m benchmarks.hotwords [--rounds 15] [--json]. On the stand-in base.en, so the compute is
true and the words are not: whether hotwords are heard better takes true weights and is not shown.
"""

import argparse
import json
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np

from benchmarks.results import percentiles, write_result
from benchmarks.script import Script
from benchmarks.standin import StandinRecognizer, made
from models.hotwords import hotwords_of
from models.stt import RATE_HZ
from server.settings import SAMPLES_DIR

SPEECH_S = 3


def measure(rounds: int) -> dict[str, object]:
    """Both in turns, so that what else runs falls on both."""
    texts = [line for path in sorted(SAMPLES_DIR.glob("*.md")) for line in path.open()]
    plain = StandinRecognizer(made("base.en"), Script([]), workers=1)
    told = plain.with_hotwords(hotwords_of(texts))
    noise = np.random.default_rng(0).normal(0, 0.1, SPEECH_S * RATE_HZ).astype(np.float32)
    spent_ms: dict[str, list[float]] = {"without": [], "with": []}
    for number in range(rounds + 1):
        for name, recognizer in (("without", plain), ("with", told)):
            started_s = time.process_time()
            recognizer.recognise(noise)
            if number:  # the first warms up
                spent_ms[name].append((time.process_time() - started_s) * 1000)
    return {
        "hotwords": len(told.hotwords),
        "speech_s": SPEECH_S,
        "cpu_ms": {name: percentiles(values) for name, values in spent_ms.items()},
    }


def main(arguments: list[str] | None = None) -> int:
    """Print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hotwords", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    options = parser.parse_args(arguments)
    figures = measure(options.rounds)
    write_result("hotwords", figures)
    print(json.dumps(figures) if options.json else figures)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
