"""`parley serve`: runs the app and says where it is and which engines run, and why."""

import asyncio
import sys
import time

from server.app import App
from server.configuration.addresses import is_loopback
from server.errors import StartError
from server.settings import Settings


def run_serve(settings: Settings, *, with_samples: bool, calibration: str = "") -> int:
    """Serve until stopped; `calibration` tells what of it is in effect. Raises StartError when it
    cannot start.
    """
    if not is_loopback(settings.host) and not settings.token:
        raise StartError(f"--host {settings.host}: set PARLEY_TOKEN to listen off loopback")
    started_at_s = time.monotonic()
    app = App(settings, say, with_samples, calibration=calibration)

    def on_ready(port: int) -> None:
        engines = app.engines()
        say(f"Hears: {engines['stt']}. Speaks: {engines['tts']}. Answers: {engines['answer']}.")
        for note in app.notes():
            say(f"  {note}")
        if calibration:
            say(f"  {calibration}")
        say(f"Ready after {time.monotonic() - started_at_s:.1f} s.")
        say(f"Open http://{settings.host}:{port}")

    asyncio.run(app.run(on_ready))
    say("Stopped.")
    return 0


def say(text: str) -> None:
    """Tell the person who started the server."""
    print(text, flush=True, file=sys.stdout)
