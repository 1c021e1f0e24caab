"""What the comparison with a peer asks, of whom, with which engines, and when it stops."""

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from websockets.asyncio.server import serve

from benchmarks import peer
from benchmarks.load_session import LoadSession, Question
from benchmarks.peer_process import NoPeer, versions_by
from benchmarks.peer_questions import PeerQuestion, shortest_answered
from benchmarks.peer_setups import defaults, tuned
from benchmarks.schedule import Schedule
from benchmarks.script import ScriptLine
from benchmarks.server_process import ROOT
from tests.benchmarks.test_load_session import CREATED, QUESTION, PartPlayer

ENGINES = ("ctranslate2", "faster-whisper", "onnxruntime", "piper-tts", "numpy")


def pinned(name: str) -> dict[str, set[str]]:
    """Versions by package; one may have several, by Python version."""
    found: dict[str, set[str]] = {}
    text = (ROOT / "requirements" / name).read_text()
    for package, version in re.findall(r"^([a-z0-9-]+)==([^ ]+)", text, re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_both_sides_compute_with_the_same_version(engine: str) -> None:
    assert pinned("peer.txt")[engine] == pinned("run.txt")[engine]


def test_parley_itself_never_depends_on_the_peer() -> None:
    for name in ("run.txt", "dev.txt"):
        assert "pipecat-ai" not in pinned(name)


def test_without_the_peer_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peer, "PEER_PYTHON", tmp_path / "python")
    assert peer.main(["--sessions", "1"]) == 1
    assert "make peer" in capsys.readouterr().err


def test_sides_with_other_engines_are_not_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def versions(python: str | Path, packages: Sequence[str]) -> str:
        of_ours = dict.fromkeys(packages, "1.0")
        return json.dumps(of_ours if python == sys.executable else of_ours | {"numpy": "2.0"})

    monkeypatch.setattr(peer, "versions_by", versions)
    assert peer.main(["--sessions", "1"]) == 1
    assert "differ in numpy" in capsys.readouterr().err


def test_a_package_that_is_not_there_is_told() -> None:
    with pytest.raises(NoPeer, match="no-such-package"):
        versions_by(sys.executable, ("no-such-package",))


@pytest.mark.parametrize(
    ("options", "is_standard"),
    [
        ([], True),
        (["--json"], True),
        (["--sessions", "1,4,8"], True),
        (["--sessions", "1"], False),
        (["--threads", "one"], False),
        (["--process-per-session"], False),
    ],
)
def test_only_the_standard_run_replaces_the_kept_result(
    options: list[str], is_standard: bool
) -> None:
    assert peer.is_standard(peer.parser().parse_args(options)) == is_standard


def test_one_session_alone_asks_more_often() -> None:
    """Two rounds of two questions would be no percentile."""
    asked = [peer.asked_in(peer.schedule_of(sessions, peer.SECONDS)) for sessions in (1, 4, 8)]
    assert asked == [3, 8, 16]


def test_setups_say_what_they_are() -> None:
    assert defaults().said == (
        "turns end by 0.2 s of voice activity and Smart Turn v3; beam 5; "
        "threads as the libraries take them; 24000 Hz; a silent voice is waited for 3 s"
    )
    assert "0.1 s of speech timeout; beam 1; threads 1 a call; 22050 Hz" in tuned(1).said
    assert tuned(1).variables["OMP_NUM_THREADS"] == "1"
    assert "OMP_NUM_THREADS" not in defaults().variables


def test_the_shortest_answers_are_asked_for_in_their_order_and_once() -> None:
    """Refusals would be shorter still, and are no answers."""
    answers = ["one two three", "one", "one two three four", "one two", "no", "one"]
    questions = [
        PeerQuestion(ScriptLine(Path(f"{number}.wav"), "q"), answer, is_refused=answer == "no")
        for number, answer in enumerate(answers)
    ]
    assert [each.answer for each in shortest_answered(questions, 3)] == [
        "one two three",
        "one",
        "one two",
    ]


@pytest.fixture
async def player() -> PartPlayer:
    return PartPlayer(CREATED)


@pytest.fixture
async def side(player: PartPlayer) -> AsyncIterator[peer.Side]:
    """Its second session is refused, as by a bot that is not there."""
    async with serve(player.play, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]

        async def open_session(number: int) -> LoadSession:
            if number == 1:
                raise ConnectionRefusedError
            return await LoadSession.open(f"ws://127.0.0.1:{port}")

        yield peer.Side("fake", open_session, (os.getpid(),))


async def test_a_round_ends_soon_after_the_last_answer_is_heard(
    side: peer.Side, player: PartPlayer
) -> None:
    """Though a session goes on until the turn is reported, and this server never reports one."""
    player.turns = []
    questions = [QUESTION, Question("never.wav", b"", 0.0)]
    done = await peer.run_round(side, Schedule(2, 1.0, 5.0), questions)
    ((asked,),) = done.asked
    assert asked.question == "q.wav"
    assert asked.playback.audible_at_s is not None
    assert done.end_s - asked.speech_ends_at_s < peer.LISTEN_S
    assert done.refused == 1
    assert done.lost == 0
    assert done.cpu_s > 0
    assert done.others_s > -0.1
    assert done.memory_mb > 1


def test_a_process_that_has_ended_is_no_error() -> None:
    """A bot may crash, and a server's helper end, between two looks."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    side = peer.Side("fake", lambda _: LoadSession.open("ws://127.0.0.1:1"), (ended.pid,))
    assert (side.cpu_s(), side.memory_mb()) == (0, 0)
