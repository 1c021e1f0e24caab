"""Every program of examples/, run as its README says, against a real server."""

import asyncio
import json
import shutil
import sys
from pathlib import Path

import pytest

from audio.wavfile import read_wav
from tests.clients.install import FOLDER, NPM_STAMP
from tests.server.conftest import SPEECH_DIR
from tests.server.running import RunningApp

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PATIENCE_S = 90
PRICE = "Adults pay £8"
TYPED = "What does a day ticket cost?"
RECORDED = str(SPEECH_DIR / "question-3.wav")

# Each waits for an answer as long as it sounds: `make clients` runs them.
pytestmark = [pytest.mark.timeout(PATIENCE_S + 20), pytest.mark.proof]


async def run(*command: str) -> tuple[int | None, str]:
    """Run a program to its end; return its exit code and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, out.decode()


def seconds_of(path: Path) -> float:
    recording = read_wav(path)
    assert abs(recording.samples).max() > 0.05
    return len(recording.samples) / recording.rate_hz


async def test_forty_lines_ask_a_recorded_question_by_the_own_path(
    served: RunningApp, tmp_path: Path
) -> None:
    """Not one line more."""
    program = EXAMPLES / "own_client.py"
    assert len(program.read_text().splitlines()) <= 40
    answer = tmp_path / "answer.wav"
    code, told = await run(sys.executable, str(program), RECORDED, str(answer), served.url)
    assert code == 0, told
    question, words = told.splitlines()
    assert "crossing" in question
    assert "twenty-five minutes" in words
    assert seconds_of(answer) > 3


@pytest.mark.parametrize(
    ("question", "fact"), [(TYPED, PRICE), (RECORDED, "twenty-five minutes")], ids=["typed", "wav"]
)
async def test_openai_python(served: RunningApp, tmp_path: Path, question: str, fact: str) -> None:
    """A typed question, and a recorded one of 16 kHz."""
    answer = tmp_path / "answer.wav"
    url = f"http://127.0.0.1:{served.port}/v1"
    program = str(EXAMPLES / "openai_python.py")
    code, told = await run(sys.executable, program, question, str(answer), url)
    assert code == 0, told
    assert fact in told
    assert seconds_of(answer) > 3


@pytest.fixture
def node_program(tmp_path: Path) -> Path:
    """The example's file beside the packages that `npm ci` would put there."""
    if shutil.which("node") is None or not (FOLDER / NPM_STAMP).exists():
        pytest.skip("@openai/agents is not installed: make clients")
    (tmp_path / "node_modules").symlink_to(FOLDER / "node_modules")
    copied = shutil.copy(EXAMPLES / "openai-agents-node" / "ask.mjs", tmp_path)
    return Path(copied)


async def test_openai_agents_in_node(
    served: RunningApp, tmp_path: Path, node_program: Path
) -> None:
    """A typed question."""
    answer = tmp_path / "answer.wav"
    url = f"ws://127.0.0.1:{served.port}/v1/realtime"
    code, told = await run("node", str(node_program), TYPED, str(answer), url)
    assert code == 0, told
    assert PRICE in told
    assert seconds_of(answer) > 3


async def test_openai_agents_in_node_tells_that_no_server_answers(
    tmp_path: Path, node_program: Path
) -> None:
    """In one line, and with an exit code."""
    url = "ws://127.0.0.1:1/v1/realtime"
    code, told = await run("node", str(node_program), TYPED, str(tmp_path / "answer.wav"), url)
    assert (code, told.strip()) == (1, "connect ECONNREFUSED 127.0.0.1:1")


def test_the_example_for_node_pins_what_its_lock_file_holds() -> None:
    """`npm ci` refuses two files that disagree."""
    folder = EXAMPLES / "openai-agents-node"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert wanted == locked[""]["dependencies"]
    assert wanted == {name: locked[f"node_modules/{name}"]["version"] for name in wanted}
