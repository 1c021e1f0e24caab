"""`parley serve`: runs the app and says where it is and which engines run, and why."""

import asyncio
import sys
import time

from server.app import App
from server.errors import StartError
from server.settings import Settings, is_loopback


def run_serve(settings: Settings, *, with_samples: bool) -> int:
    """Serve until stopped. Raises StartError when it cannot start."""
    if not is_loopback(settings.host) and not settings.token:
        raise StartError(f"--host {settings.host}: set PARLEY_TOKEN to listen off loopback")
    started_at_s = time.monotonic()
    app = App(settings, _say, with_samples)

    def on_ready(port: int) -> None:
        engines = app.engines()
        _say(f"Hears: {engines['stt']}. Speaks: {engines['tts']}. Answers: {engines['answer']}.")
        for note in app.notes():
            _say(f"  {note}")
        _say(f"Ready after {time.monotonic() - started_at_s:.1f} s.")
        _say(f"Open http://{settings.host}:{port}")

    asyncio.run(app.run(on_ready))
    _say("Stopped.")
    return 0


def _say(text: str) -> None:
    print(text, flush=True, file=sys.stdout)
