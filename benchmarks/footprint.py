"""What a prepared server costs: time from start to ready, and resident memory after one session.

`python -m benchmarks.footprint [--starts N] [--json]`. The embedded engines, unless weights are
here.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence

import psutil

from audio.wavfile import read_wav
from benchmarks.demo import read_demo_questions
from benchmarks.results import percentiles, table, write_result
from benchmarks.server_process import running_server
from server.client import ask_once


def main(arguments: Sequence[str] | None = None) -> int:
    """Start once to prepare, then measure."""
    parser = argparse.ArgumentParser(prog="benchmarks.footprint", description=__doc__)
    parser.add_argument("--starts", type=int, default=5, help="measured starts")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parsed = parser.parse_args(arguments)
    with running_server():
        pass
    ready_ms, resident_mb = [], []
    recording = read_wav(read_demo_questions()[1].wav)
    for _ in range(parsed.starts):
        with running_server() as server:
            ready_ms.append(server.ready_s * 1000)
            asyncio.run(ask_once(server.url, recording.samples, recording.rate_hz))
            resident_mb.append(psutil.Process(server.process_id).memory_info().rss / 1e6)
    figures = {
        "start_to_ready_ms": percentiles(ready_ms),
        "resident_mb": percentiles(resident_mb),
        "resident_mb_max": round(max(resident_mb), 1),
    }
    ready, resident = figures["start_to_ready_ms"], figures["resident_mb"]
    assert isinstance(ready, dict)
    assert isinstance(resident, dict)
    print(
        table(
            [
                ("", "count", "p50", "p95"),
                ("start to ready, ms", ready["count"], ready["p50"], ready["p95"]),
                ("resident memory, MB", resident["count"], resident["p50"], resident["p95"]),
            ]
        )
    )
    write_result("footprint", figures)
    if parsed.json:
        print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
