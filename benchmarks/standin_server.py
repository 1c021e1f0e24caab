"""A Parley server whose speech engines are stand-ins; everything else is the product.

`python -m benchmarks.standin_server SCRIPT.json [--port 0] [--samples]`. Its documents are its own
(benchmarks/out/standin/data) unless PARLEY_DATA_DIR names others.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Never

# As in server/cli.py: before any library that starts OpenMP threads is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")


def main(arguments: Sequence[str] | None = None) -> Never:
    """Serve until SIGTERM, then end the process as `parley serve` does."""
    from benchmarks.script import load_script
    from benchmarks.standin import STANDIN_DIR, load_standins
    from benchmarks.standin_calibration import tune_standins
    from models.process_setup import set_up_process
    from server.app import App
    from server.commands.serve import say, serve_to_the_end
    from server.settings import load_settings
    from server.watching.watchdog import Watchdog

    parsed = _parser().parse_args(arguments)
    set_up_process()
    loaded = load_settings()
    fit = tune_standins(loaded)
    is_own = loaded.origins["data_dir"] == "default"
    settings = replace(
        fit.loaded.settings,
        offline=True,
        port=parsed.port,
        data_dir=STANDIN_DIR / "data" if is_own else loaded.settings.data_dir,
    )
    load_speech = partial(load_standins, load_script(parsed.script))
    app = App(settings, say, parsed.samples, load_speech, fit.note, Watchdog())

    def on_ready(port: int) -> None:
        engines = app.engines()
        say(f"Hears: {engines['stt']}. Speaks: {engines['tts']}. Answers: {engines['answer']}.")
        say(f"  {fit.note}")
        say(f"Open http://{settings.host}:{port}")

    serve_to_the_end(app, on_ready)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.standin_server", description=__doc__)
    parser.add_argument("script", type=Path, help="what benchmarks.script.write_script wrote")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--samples", action="store_true", help="read the sample documents")
    return parser


if __name__ == "__main__":
    main()
