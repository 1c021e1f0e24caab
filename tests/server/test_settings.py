"""server/settings.py: presets, overrides, and every mistake at once."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from rag.confidence import REFUSE_BELOW
from server.cache.ladder import build_ladder
from server.settings import (
    PRESETS,
    Preset,
    RecognizerChoice,
    Settings,
    SettingsError,
    load_settings,
    variable_of,
)
from server.watching.metrics import Metrics


def problems(**environment: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load_settings(environment)
    return error.value.problems


def test_nothing_set_is_development() -> None:
    """The defaults are the development preset."""
    loaded = load_settings({})
    assert loaded.settings == Settings()
    assert loaded.settings.preset is Preset.DEVELOPMENT
    assert set(loaded.origins.values()) == {"default"}


@pytest.mark.parametrize("preset", Preset)
def test_a_preset_sets_its_values_and_says_so(preset: Preset) -> None:
    """Each value of the preset is in effect and names the preset as its origin."""
    loaded = load_settings({"PARLEY_PRESET": str(preset)})
    for name, value in PRESETS[preset].items():
        assert getattr(loaded.settings, name) == value
        assert loaded.origins[name] == f"preset {preset}"


def test_a_variable_beats_the_preset() -> None:
    """PARLEY_STT_PERMITS under production."""
    loaded = load_settings({"PARLEY_PRESET": "production", "PARLEY_STT_PERMITS": "7"})
    assert loaded.settings.stt_permits == 7
    assert loaded.origins["stt_permits"] == "PARLEY_STT_PERMITS"


def test_every_kind_of_value_is_read() -> None:
    """Choice, switch, whole number, number, text and path."""
    loaded = load_settings(
        {
            "PARLEY_STT": "Whisper",
            "PARLEY_OFFLINE": "yes",
            "PARLEY_PORT": "0",
            "PARLEY_SPEECH_SPEED": "1.25",
            "PARLEY_ESPEAK_VOICE": "en-gb-x-rp",
            "PARLEY_DATA_DIR": "/tmp/parley-data",
            "HF_ENDPOINT": "http://127.0.0.1:9",
        }
    )
    settings = loaded.settings
    assert settings.stt is RecognizerChoice.WHISPER
    assert settings.offline is True
    assert (settings.port, settings.speech_speed, settings.espeak_voice) == (0, 1.25, "en-gb-x-rp")
    assert settings.data_dir == Path("/tmp/parley-data")
    assert settings.hub_endpoint == "http://127.0.0.1:9"


def test_all_mistakes_are_listed_at_once_with_what_is_accepted() -> None:
    """A bad choice, number, range, switch and name: five lines."""
    found = problems(
        PARLEY_PRESET="prod",
        PARLEY_PORT="99999",
        PARLEY_STT_PERMITS="two",
        PARLEY_OFFLINE="maybe",
        PARLEY_SPEECH_SPEED="nan",
        PARLEY_PROT="1",
    )
    assert len(found) == 6
    assert "development, production, high_performance" in found[0]
    assert any("0 to 65535" in problem for problem in found)
    assert any("did you mean PARLEY_PORT" in problem for problem in found)


def test_contradictions_are_mistakes() -> None:
    """Voice activity that ends above where it starts, and an open door without a token."""
    assert "PARLEY_VAD_RELEASE" in problems(PARLEY_VAD_ONSET="0.3")[0]
    assert "PARLEY_TOKEN" in problems(PARLEY_HOST="0.0.0.0")[0]
    assert load_settings({"PARLEY_HOST": "0.0.0.0", "PARLEY_TOKEN": "secret"}).settings.token


@pytest.mark.parametrize(
    ("half", "missing"),
    [
        ({"LLM_BASE_URL": "http://127.0.0.1:11434/v1"}, "PARLEY_LLM_MODEL"),
        ({"LLM_MODEL": "qwen3"}, "PARLEY_LLM_BASE_URL"),
        ({"LLM_API_KEY": "s3cret"}, "PARLEY_LLM_BASE_URL"),
        ({"LLM_BASE_URL": "localhost:11434", "LLM_MODEL": "qwen3"}, "http(s)://host[:port]/v1"),
        ({"LLM_BASE_URL": "http://me:s3cret@h/v1", "LLM_MODEL": "q"}, "http(s)://host[:port]/v1"),
        ({"LLM_BASE_URL": "http://h/v1?key=s3cret", "LLM_MODEL": "q"}, "http(s)://host[:port]/v1"),
        (
            {"LLM_FALLBACK_URL": "http://h/v1", "LLM_FALLBACK_MODEL": "q"},
            "PARLEY_LLM_BASE_URL",
        ),
        ({"LLM_PATIENCE_S": "20", "TURN_TIMEOUT_S": "10"}, "PARLEY_TURN_TIMEOUT_S"),
    ],
)
def test_half_a_language_model_is_a_mistake(half: dict[str, str], missing: str) -> None:
    """It names what is missing, and no secret."""
    found = problems(**{f"PARLEY_{name}": value for name, value in half.items()})
    assert missing in found[0]
    assert "s3cret" not in str(SettingsError(found))


def test_a_bad_token_is_not_repeated() -> None:
    """Secrets are in no message."""
    assert "s3cret" not in str(SettingsError(problems(PARLEY_HOST="0.0.0.0", PARLEY_PORT="x")))


def test_the_refusal_threshold_is_the_calibrated_one() -> None:
    """The setting's default and the formula's own threshold cannot drift apart."""
    assert Settings().refusal_confidence == REFUSE_BELOW


def test_what_is_kept_on_disk_and_in_redis_is_kept_for_a_week(tmp_path: Path) -> None:
    """A language model's answers too: nothing else drops them while the documents stay."""
    ladder = build_ladder(replace(Settings(), data_dir=tmp_path), Metrics().cache)
    assert ladder is not None
    assert ladder.disk is not None
    assert ladder.keep_s == 7 * 24 * 3600
    ladder.disk.close()


def test_every_setting_says_what_it_is_for() -> None:
    """`parley doctor` shows a line for each."""
    for item in fields(Settings):
        assert item.metadata["help"]
        assert variable_of(item.name).startswith(("PARLEY_", "HF_"))


def test_a_name_that_only_begins_like_loopback_is_no_loopback() -> None:
    """Whoever owns 127.example.org may point it anywhere; ::1 and all of 127/8 are this machine."""
    assert "PARLEY_TOKEN" in problems(PARLEY_HOST="127.example.org")[0]
    for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1"):
        assert load_settings({"PARLEY_HOST": host}).settings.host == host


@pytest.mark.parametrize(
    "where", [{"PARLEY_WYOMING_HOST": "0.0.0.0"}, {"PARLEY_HOST": "0.0.0.0", "PARLEY_TOKEN": "t"}]
)
def test_home_assistants_port_is_not_opened_unknowingly(where: dict[str, str]) -> None:
    """Off loopback it is refused, with the setting that allows it, also by the server's host."""
    environment = {"PARLEY_WYOMING_PORT": "10300", **where}
    assert "PARLEY_WYOMING_UNPROTECTED=1" in problems(**environment)[0]
    load_settings({**environment, "PARLEY_WYOMING_UNPROTECTED": "1"})
    load_settings({**environment, "PARLEY_WYOMING_HOST": "127.0.0.1"})
    load_settings(where)
