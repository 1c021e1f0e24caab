"""`parley serve`: runs the app and says where it is and which engines run, and why."""

import asyncio
import faulthandler
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Never

from server.app import App, LoadSpeech
from server.configuration.addresses import is_loopback, split_list
from server.configuration.contradictions import wyoming_problem
from server.engines.loading import load_speech_engines
from server.errors import StartError
from server.settings import Settings
from server.watching.watchdog import Watchdog, end_process


def run_serve(
    settings: Settings,
    *,
    with_samples: bool,
    calibration: str = "",
    load_speech: LoadSpeech = load_speech_engines,
    reload: Callable[[], Settings] | None = None,
) -> Never:
    """Serve until stopped, then end the process; it does not return.

    `calibration` tells what of it is in effect; `reload` reads the settings anew at SIGHUP. Raises
    StartError when it cannot start. Exit codes: 0, or 70 from the watchdog when a thread hangs.
    """
    check_open_ports(settings)
    started_at_s = time.monotonic()
    # A crash in native code then says in which call, before the process dies of it.
    faulthandler.enable()
    app = App(settings, say, with_samples, load_speech, calibration, Watchdog(), reload)

    def on_ready(port: int) -> None:
        engines = app.engines()
        say(f"Hears: {engines['stt']}. Speaks: {engines['tts']}. Answers: {engines['answer']}.")
        for note in app.notes():
            say(f"  {note}")
        if calibration:
            say(f"  {calibration}")
        say(f"Ready after {time.monotonic() - started_at_s:.1f} s.")
        if settings.wyoming_port:
            where = settings.wyoming_host or settings.host
            say(f"Home Assistant finds it at {where}, port {settings.wyoming_port} (Wyoming).")
        scheme = "https" if settings.tls_cert else "http"
        say(f"Open {scheme}://{settings.host}:{port}")

    serve_to_the_end(app, on_ready)


def serve_to_the_end(app: App, on_ready: Callable[[int], None]) -> Never:
    """Run the app until it is stopped, wait for its threads, and end the process with 0.

    Whatever loads engines and serves must end so: see `end_process`.
    """
    asyncio.run(app.run(on_ready))
    app.join()
    say("Stopped.")
    end_process(0)


def check_open_ports(settings: Settings) -> None:
    """Raise StartError for a port that would be open to others without a token."""
    if not is_loopback(settings.host) and not split_list(settings.token):
        raise StartError(f"--host {settings.host}: set PARLEY_TOKEN to listen off loopback")
    if problem := wyoming_problem(asdict(settings)):
        raise StartError(problem)


def say(text: str) -> None:
    """Tell the person who started the server."""
    print(text, flush=True, file=sys.stdout)
