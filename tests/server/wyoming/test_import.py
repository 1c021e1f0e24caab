"""The package for Home Assistant is only imported when its port is set."""

import subprocess
import sys

import pytest

from server.commands.serve import run_serve
from server.errors import StartError
from server.settings import Settings


def test_a_server_without_the_port_does_not_import_it() -> None:
    """In a fresh process, after everything that a server imports."""
    code = "import server.app, server.commands.serve, sys; sys.exit('wyoming' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_a_host_given_on_the_command_line_is_judged_too() -> None:
    """`parley serve --host` moves this port with the server's."""
    settings = Settings(host="0.0.0.0", token="t", wyoming_port=1)
    with pytest.raises(StartError, match="WYOMING_UNPROTECTED"):
        run_serve(settings, with_samples=False)
