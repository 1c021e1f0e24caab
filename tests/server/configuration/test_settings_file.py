"""server/configuration/settings_file.py: what the file says, and how it meets the environment."""

from pathlib import Path

import pytest

from server.configuration.settings_file import parse_settings
from server.settings import Preset, SettingsError, load_settings


def problems(path: Path, **environment: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load_settings({"PARLEY_SETTINGS_FILE": str(path), **environment})
    return error.value.problems


def test_lines_comments_and_quotes() -> None:
    """Blank lines and comments say nothing; one pair of quotes is no part of a value."""
    written = parse_settings("\n# why\nPARLEY_PORT = 9\nHF_ENDPOINT='http://a/?b=c'\n", "it")
    assert written.values == {"PARLEY_PORT": "9", "HF_ENDPOINT": "http://a/?b=c"}
    assert written.places["PARLEY_PORT"] == "it, line 3"
    assert not written.problems


def test_the_environment_wins_and_each_origin_is_told(tmp_path: Path) -> None:
    """A preset from the file, a value of the preset, one of the file, one of the environment."""
    path = tmp_path / "parley.env"
    path.write_text("PARLEY_PRESET=production\nPARLEY_TTS_PERMITS=5\nPARLEY_STT_PERMITS=6\n")
    loaded = load_settings({"PARLEY_SETTINGS_FILE": str(path), "PARLEY_STT_PERMITS": "7"})
    assert loaded.settings.preset is Preset.PRODUCTION
    assert (loaded.settings.stt_permits, loaded.settings.tts_permits) == (7, 5)
    assert loaded.origins["sessions_maximum"] == "preset production"
    assert loaded.origins["tts_permits"] == "PARLEY_TTS_PERMITS in parley.env, line 2"
    assert loaded.origins["stt_permits"] == "PARLEY_STT_PERMITS"


def test_an_empty_variable_leaves_the_file_its_say(tmp_path: Path) -> None:
    """Empty is unset, as everywhere."""
    path = tmp_path / "parley.env"
    path.write_text("PARLEY_STT_PERMITS=6\n")
    loaded = load_settings({"PARLEY_SETTINGS_FILE": str(path), "PARLEY_STT_PERMITS": " "})
    assert loaded.settings.stt_permits == 6


def test_all_mistakes_of_file_and_environment_at_once_and_no_secret(tmp_path: Path) -> None:
    """A line without =, a key set twice, a foreign key, a value out of range, an unknown name."""
    path = tmp_path / "parley.env"
    path.write_text(
        "s3cret\nPARLEY_PORT=99999\nPARLEY_PORT=1\nPATH=/s3cret\nPARLEY_PROT=1\n"
        "PARLEY_REDIS_URL=s3cret\nPARLEY_SETTINGS_FILE=other\n"
    )
    found = problems(path, PARLEY_STT_PERMITS="two")
    assert len(found) == 8
    assert any(line.startswith("PARLEY_PORT in parley.env, line 2 is") for line in found)
    assert "parley.env, line 3: PARLEY_PORT is set twice" in found
    assert any("did you mean PARLEY_PORT" in line for line in found)
    assert "s3cret" not in "\n".join(found)


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "No such file"), (b"\xff\xfe", "UTF-8"), (b"#" * (1 << 21), "1 MB")],
)
def test_a_file_that_cannot_be_read_is_a_mistake(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    """Missing, no text, or too large: never half a start."""
    path = tmp_path / "parley.env"
    if content is not None:
        path.write_bytes(content)
    assert told in problems(path)[0]
