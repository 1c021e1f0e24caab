"""The command `parley`: parses the line, sets up logging, hands over, turns errors into exit codes.

It does none of the work itself. Exit codes: 0 done, 1 failed, 2 misuse or bad input.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from models.process_setup import set_up_process
from server.errors import ParleyError
from server.settings import LoadedSettings, SettingsError, load_settings
from server.watching.structured_log import set_up_logging

# Before any library that starts OpenMP threads is imported: spinning threads beside a busy process
# turned an embedding of 8 ms into 377 ms.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

DONE = 0
FAILED = 1
MISUSED = 2

DESCRIPTION = """Answers spoken questions from your own documents.

  parley ingest ~/documents     read a folder
  parley serve                  open http://127.0.0.1:8765 and ask aloud
  parley ask question.wav       ask with a recording
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parsed = _parser().parse_args(arguments)
    set_up_process()
    try:
        loaded = load_settings()
        set_up_logging(loaded.settings.log_level, loaded.settings.log_format)
        return _COMMANDS[parsed.command](parsed, loaded)
    except SettingsError as error:
        print(f"parley: {error}", file=sys.stderr)
        return MISUSED
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of a pipe has seen enough (`parley ask … | head`): not even the exit may write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="parley",
        description=DESCRIPTION,
        epilog="Every setting is a PARLEY_ variable: `parley doctor` lists them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_ask(commands)
    _add_ingest(commands)
    _add_doctor(commands)
    _add_cache(commands)
    from server.commands.models import add_models_parser

    _add_index(commands)
    add_models_parser(commands)
    return parser


def _add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("serve", help="serve the page, /ws and /v1/realtime")
    parser.add_argument("--host", help="address to listen on (PARLEY_HOST)")
    parser.add_argument("--port", type=int, help="TCP port, 0 for a free one (PARLEY_PORT)")
    parser.add_argument(
        "--samples", action="store_true", help="read the sample documents into an empty store"
    )


def _add_ask(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("ask", help="ask with a WAV file (PCM 16-bit, mono or stereo)")
    parser.add_argument("question", type=Path, metavar="QUESTION.wav", help="what to ask")
    parser.add_argument("--url", help="address of a running server, such as ws://127.0.0.1:8765/ws")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--out", type=Path, metavar="ANSWER.wav", help="write the spoken answer")


def _add_ingest(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("ingest", help="read files and folders into the store")
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="files and folders")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--collection", metavar="NAME", help="the collection of these documents")
    parser.add_argument(
        "--tag", action="append", default=[], metavar="TAG", help="a tag for each of them"
    )
    parser.add_argument("--dry-run", action="store_true", help="read and report, but store nothing")
    parser.add_argument("--watch", action="store_true", help="go on: ingest whatever changes")


def _add_doctor(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "doctor", help="the effective settings, where each came from, and which engines will run"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--calibrate", action="store_true", help="measure threads, permits and cropping first: 20 s"
    )


def _add_index(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("index", help="show, rebuild, tune or verify the index")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    told = "print one JSON object"
    status = actions.add_parser("status", help="kind, size, snapshot, delta, a running build")
    status.add_argument("--json", action="store_true", help=told)
    rebuild = actions.add_parser("rebuild", help="build from the store, prove, publish")
    rebuild.add_argument(
        "--kind", choices=["IVF", "HNSW"], help="this kind, whatever the size of the corpus"
    )
    tune = actions.add_parser("tune", help="search the settings again; publish what reaches it")
    tune.add_argument("--recall", type=float, help="recall@10 to reach (PARLEY_INDEX_RECALL)")
    verify_all = actions.add_parser("verify", help="compare every byte with what was published")
    verify_all.add_argument("--json", action="store_true", help=told)


def _add_cache(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    cache = commands.add_parser(
        "cache",
        help="look at the cache in Redis and on disk, clear and fill it",
        description="Look at the cache in Redis and on disk, clear and fill it.",
        epilog="Keys read STAGE:ENGINE:...:DIGEST. `tts:*` is all speech, `--tag g4` generation 4.",
    )
    verbs = cache.add_subparsers(dest="cache_command", required=True, metavar="COMMAND")
    stats = verbs.add_parser("stats", help="values and bytes by stage")
    stats.add_argument("--json", action="store_true", help="print one JSON object")
    verbs.add_parser("clear", help="drop everything that is cached")
    invalidate = verbs.add_parser("invalidate", help="drop the keys that match a glob or a tag")
    which = invalidate.add_mutually_exclusive_group(required=True)
    which.add_argument("pattern", metavar="PATTERN", nargs="?", help="a glob over the whole key")
    which.add_argument("--tag", help="a part of the key, or what it begins with before a -")
    warm = verbs.add_parser(
        "warm", help="speak what answers begin with, and answer questions, while nothing else runs"
    )
    warm.add_argument("--questions", type=Path, metavar="FILE", help="a question a line")


def _serve(parsed: argparse.Namespace, loaded: LoadedSettings) -> int:
    from server.calibration.use import tune, tune_for_serving
    from server.commands.serve import run_serve, say

    if parsed.port is not None and not 0 <= parsed.port <= 65535:
        print(f"parley: --port {parsed.port}: accepted are 0 to 65535", file=sys.stderr)
        return MISUSED
    given = {
        name: value
        for name, value in (("host", parsed.host), ("port", parsed.port))
        if value is not None
    }
    fit = tune_for_serving(loaded, say)
    return run_serve(
        replace(fit.loaded.settings, **given),
        with_samples=parsed.samples,
        calibration=fit.note,
        reload=lambda: replace(tune(load_settings()).loaded.settings, **given),
    )


def _ask(parsed: argparse.Namespace, loaded: LoadedSettings) -> int:
    from server.commands.ask import run_ask

    return run_ask(parsed, loaded)


def _ingest(parsed: argparse.Namespace, loaded: LoadedSettings) -> int:
    from server.commands.ingest import IngestRequest, ingest_options, run_ingest

    options = ingest_options(parsed.collection, parsed.tag, dry_run=parsed.dry_run)
    request = IngestRequest(parsed.paths, parsed.json, parsed.watch, options)
    return run_ingest(request, loaded.settings)


def _index(parsed: argparse.Namespace, loaded: LoadedSettings) -> int:
    from server.commands.index import run_index

    return run_index(parsed, loaded.settings)


def _models(parsed: argparse.Namespace, loaded: LoadedSettings) -> int:
    from server.commands.models import run_models

    return run_models(parsed, loaded.settings)


def _cache(parsed: argparse.Namespace, loaded: LoadedSettings) -> int:
    from server.commands.cache import run_cache

    return run_cache(parsed, loaded.settings)


def _doctor(parsed: argparse.Namespace, loaded: LoadedSettings) -> int:
    from server.commands.doctor import run_doctor

    return run_doctor(loaded, as_json=parsed.json, is_to_calibrate=parsed.calibrate)


_COMMANDS = {
    "serve": _serve,
    "ask": _ask,
    "ingest": _ingest,
    "index": _index,
    "models": _models,
    "doctor": _doctor,
    "cache": _cache,
}


if __name__ == "__main__":
    raise SystemExit(main())
