"""The set-ups of examples/, without their hosts: what they name exists, what they start runs."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from wyoming.info import Describe, Info

from benchmarks.redis_process import RedisProcess, free_port, redis_program
from tests.server.running import running_app, settings_in
from tests.server.wyoming.calling import called

EXAMPLES = Path(__file__).parents[2] / "examples"
COMPOSE = EXAMPLES / "compose"
START_S = 120
STOP_S = 40
TOKEN = "a-token-of-this-test"


def actions_of(package: dict[str, Any]) -> list[dict[str, Any]]:
    """Every step of the scripts and automations."""
    steps = [step for script in package["script"].values() for step in script["sequence"]]
    return steps + [step for each in package["automation"] for step in each["actions"]]


async def test_home_assistant_finds_the_entities_that_the_package_names(
    tmp_path: Path, prepared_data_dir: Path
) -> None:
    """Home Assistant calls an entity by its domain and the name that `info` tells."""
    package = yaml.safe_load((EXAMPLES / "home-assistant" / "parley.yaml").read_text())
    settings = replace(settings_in(tmp_path, prepared_data_dir), wyoming_port=free_port())
    with running_app(settings):
        async with called(settings.wyoming_port) as line:
            await line.say(Describe())
            info = Info.from_event((await line.heard_until("info"))[-1])
    steps = actions_of(package)
    agents = {
        step["data"]["agent_id"] for step in steps if step.get("action") == "conversation.process"
    }
    voices = {step["target"]["entity_id"] for step in steps if step.get("action") == "tts.speak"}
    assert agents == {f"conversation.{info.handle[0].name}"}
    assert voices == {f"tts.{info.tts[0].name}"}


def test_the_package_of_home_assistant_uses_what_it_was_given() -> None:
    """Each template names a field, a slot or an answer that the same script or automation has."""
    package = yaml.safe_load((EXAMPLES / "home-assistant" / "parley.yaml").read_text())
    (script,) = package["script"].values()
    (automation,) = package["automation"]
    assert script["sequence"][0]["data"]["text"] == "{{ question }}"
    assert script["sequence"][1]["data"]["media_player_entity_id"] == "{{ loudspeaker }}"
    assert set(script["fields"]) == {"question", "loudspeaker"}
    assert automation["triggers"] == [{"trigger": "conversation", "command": "look up {question}"}]
    asked, told = automation["actions"]
    assert asked["data"]["text"] == "{{ trigger.slots.question }}"
    spoken = "{{ answer.response.speech.plain.speech }}"
    assert script["sequence"][1]["data"]["message"] == told["set_conversation_response"] == spoken
    assert asked["response_variable"] == script["sequence"][0]["response_variable"] == "answer"


@pytest.fixture
def compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())["services"]
    return services


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """What the Dockerfile copies, laid as in the image."""
    folder = tmp_path / "opt"
    copies = re.findall(r"^COPY (.+) (\S+)$", (COMPOSE / "Dockerfile").read_text(), re.M)
    for sources, target in copies:
        for name in sources.split():
            source = COMPOSE.parents[1] / name
            if source.is_dir():
                unneeded = shutil.ignore_patterns("__pycache__", "weights")
                shutil.copytree(source, folder / target, ignore=unneeded)
            else:
                (folder / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(source, folder / target)
    return folder


@pytest.fixture
def redis(compose: dict[str, Any], tmp_path: Path) -> Iterator[RedisProcess]:
    """Redis with the arguments of the compose file."""
    program = redis_program()
    if program is None:
        pytest.skip("redis-server is not installed: make system")
    name, *arguments = compose["redis"]["command"]
    assert name == "redis-server"
    server = RedisProcess(program, tmp_path, *arguments)
    yield server
    server.stop()


def environment(
    compose: dict[str, Any], redis: RedisProcess, data_dir: Path, port: int
) -> dict[str, str]:
    """The service's, with the addresses and folders of this machine."""
    told = {name: str(value) for name, value in compose["parley"]["environment"].items()}
    assert told["PARLEY_TOKEN"].startswith("${PARLEY_TOKEN:?")
    assert told["PARLEY_HOST"] == "0.0.0.0"
    here = {
        "PARLEY_TOKEN": TOKEN,
        "PARLEY_HOST": "127.0.0.1",
        "PARLEY_PORT": str(port),
        "PARLEY_DATA_DIR": str(data_dir),
        "PARLEY_MODELS_DIR": str(data_dir / "weights"),
        "PARLEY_REDIS_URL": told["PARLEY_REDIS_URL"].replace(
            "redis:6379", f"127.0.0.1:{redis.port}"
        ),
        "PARLEY_OFFLINE": "1",
    }
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")
    }
    return {**inherited, **told, **here, "PYTHONPATH": ""}


def told_at(port: int, path: str) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def eventually(happens: Callable[[], bool], server: "subprocess.Popen[bytes]") -> None:
    """Wait until it does; fails when the server ends, or never does."""
    deadline_s = time.monotonic() + START_S
    while not happens():
        assert server.poll() is None, "the server ended"
        assert time.monotonic() < deadline_s, "it never happened"
        time.sleep(0.2)


def succeeds(*command: str, **others: Any) -> bool:
    return (
        subprocess.run(command, capture_output=True, timeout=90, check=False, **others).returncode
        == 0
    )


@pytest.mark.timeout(2 * START_S + 60)
def test_what_the_compose_file_starts_runs_takes_documents_and_uses_redis(
    compose: dict[str, Any], image: Path, redis: RedisProcess, tmp_path: Path
) -> None:
    """The image's folders alone, the service's environment, its health check, its ingest."""
    port = free_port()
    variables = environment(compose, redis, tmp_path / "data", port)
    entry = re.search(r"^ENTRYPOINT (.+)$", (COMPOSE / "Dockerfile").read_text(), re.M)
    assert entry is not None
    program = [sys.executable, *json.loads(entry[1])[1:]]
    check = [part.replace("8765", str(port)) for part in compose["parley"]["healthcheck"]["test"]]
    assert check[:3] == ["CMD", "python", "-c"]
    with subprocess.Popen([*program, "serve"], cwd=image, env=variables) as server:
        try:
            eventually(lambda: succeeds(sys.executable, *check[2:]), server)
            document = COMPOSE.parents[1] / "rag" / "samples" / "tickets-and-prices.md"
            assert succeeds(*program, "ingest", str(document), cwd=image, env=variables)
            eventually(lambda: told_at(port, "/health")["index"]["documents"] == 1, server)
            eventually(lambda: stored_in_redis(port) > 0, server)
        finally:
            server.terminate()
            server.wait(STOP_S)


def stored_in_redis(port: int) -> int:
    writes = told_at(port, "/stats")["cache_tiers"]["writes"]
    return int(writes.get("redis", {}).get("stored", 0))


def test_the_image_holds_every_package_that_the_server_imports(image: Path) -> None:
    """Not those of this checkout, which the environment of the tests would find as well."""
    imports = "import audio, models, rag, server"
    where = f"{imports}; print(*(each.__file__ for each in (audio, models, rag, server)))"
    found = subprocess.run(
        [sys.executable, "-c", where],
        cwd=image,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert all(Path(name).is_relative_to(image) for name in found.stdout.split())
    ignored = (COMPOSE / "Dockerfile.dockerignore").read_text().splitlines()
    copies = re.findall(r"^COPY (.+) \S+$", (COMPOSE / "Dockerfile").read_text(), re.M)
    sources = {name for names in copies for name in names.split()}
    assert sources == {line[1:] for line in ignored if line.startswith("!")}
