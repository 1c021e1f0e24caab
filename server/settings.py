"""Every setting, the three presets, and their one reading from PARLEY_ variables.

Nothing else reads the environment. It does not act on the settings; how a variable is read, and a
settings file, is in server/configuration/.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from rag.index_kinds import IndexPolicy
from server.configuration.contradictions import contradictions
from server.configuration.reader import FieldReader
from server.configuration.settings_file import FILE_VARIABLE, read_settings_file
from server.errors import StartError

CHECKOUT = Path(__file__).resolve().parent.parent
SAMPLES_DIR = CHECKOUT / "rag" / "samples"


class Preset(StrEnum):
    """A named set of defaults, chosen by PARLEY_PRESET."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"
    HIGH_PERFORMANCE = "high_performance"


class RecognizerChoice(StrEnum):
    """Which speech recogniser runs; `auto` is Whisper when its weights are here."""

    AUTO = "auto"
    WHISPER = "whisper"
    POCKETSPHINX = "pocketsphinx"


class SynthesizerChoice(StrEnum):
    """Which voice engine runs; `auto` is Piper when a voice is here."""

    AUTO = "auto"
    PIPER = "piper"
    ESPEAK = "espeak"


class CalibrationUse(StrEnum):
    """`stored` uses what `parley doctor --calibrate` kept; `first` also makes it when it is missing
    and downloaded weights run; `off` does neither.
    """

    STORED = "stored"
    FIRST = "first"
    OFF = "off"


class LogLevel(StrEnum):
    """How much is logged; never any words that were spoken or written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line is written."""

    TEXT = "text"
    JSON = "json"


def _default_data_dir() -> Path:
    if (CHECKOUT / "pyproject.toml").is_file():
        return CHECKOUT / "data"
    return Path.home() / ".local" / "share" / "parley"


def _default_weights_dir() -> Path:
    if (CHECKOUT / "pyproject.toml").is_file():
        return CHECKOUT / "models" / "weights"
    return Path.home() / ".local" / "share" / "parley" / "weights"


def _setting(
    default: Any, help_text: str, low: float | None = None, high: float | None = None
) -> Any:
    metadata = {"help": help_text, "low": low, "high": high}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective settings of one process. Each field is PARLEY_<FIELD> in the environment."""

    preset: Preset = _setting(Preset.DEVELOPMENT, "the set of defaults")
    host: str = _setting("127.0.0.1", "address to listen on")
    port: int = _setting(8765, "TCP port; 0 takes a free one", 0, 65535)
    token: str = _setting("", "bearer token, or several by commas; needed off loopback")
    origins: str = _setting("", "other sites whose pages may connect, by commas")
    trusted_proxies: str = _setting("", "proxies whose X-Forwarded-For is believed, by commas")
    tls_cert: str = _setting("", "PEM file of the certificate and its chain")
    tls_key: str = _setting("", "PEM file of its key, without a password")
    address_connections: int = _setting(
        128, "connections of one address at once; 0 is no limit", 0, 100_000
    )
    address_new_a_minute: int = _setting(
        3000, "new connections of one address a minute; 0 is no limit", 0, 1_000_000
    )
    session_messages_a_second: int = _setting(
        2000, "messages of one session that are read a second; 0 is no limit", 0, 1_000_000
    )
    session_bytes_a_second: int = _setting(
        4 << 20, "bytes of one session that are read a second; 0 is no limit", 0, 1 << 40
    )
    open_timeout_s: float = _setting(5.0, "time for a handshake", 0.1, 60)
    settings_file: str = _setting("", "file of KEY=VALUE lines; the environment wins over it")
    data_dir: Path = _setting(_default_data_dir, "store, indexes, caches, converted models")
    models_dir: Path = _setting(_default_weights_dir, "downloaded weights")
    offline: bool = _setting(False, "never look for the model hub")
    log_level: LogLevel = _setting(LogLevel.INFO, "how much is logged")
    log_format: LogFormat = _setting(LogFormat.TEXT, "how a log line is written")
    alert_webhook: str = _setting("", "http(s) address that alerts are posted to, as JSON")
    otel_endpoint: str = _setting("", "OpenTelemetry collector (OTLP/HTTP) that gets the traces")

    wyoming_port: int = _setting(0, "TCP port for Home Assistant (Wyoming); 0 is none", 0, 65535)
    wyoming_host: str = _setting("", "address of that port; empty is PARLEY_HOST's")
    wyoming_unprotected: bool = _setting(
        False, "open that port off loopback, though the protocol knows no password"
    )
    wyoming_endpoint: bool = _setting(True, "end live speech there by Parley's own endpoint")
    wyoming_connections_maximum: int = _setting(16, "connections there at once", 1, 10_000)
    wyoming_idle_timeout_s: float = _setting(
        120.0, "a connection there that asks nothing is closed after this", 0.1, 86_400
    )

    stt: RecognizerChoice = _setting(RecognizerChoice.AUTO, "speech recogniser")
    stt_model: str = _setting("base.en", "Whisper model: a catalogue name or a folder")
    biasing: bool = _setting(True, "tell the recogniser the rare words of the documents")
    stt_small_model: str = _setting("", "Whisper model that hears while the lines are long, if any")
    tts: SynthesizerChoice = _setting(SynthesizerChoice.AUTO, "voice engine")
    tts_voice: str = _setting(
        "en_US-ljspeech-medium", "Piper voice: a catalogue name or an .onnx file"
    )
    espeak_voice: str = _setting("en-us", "espeak-ng voice")
    speech_speed: float = _setting(1.0, "speaking rate, 1 is normal", 0.5, 2.0)

    vad_onset: float = _setting(0.5, "speech starts at this probability", 0.05, 0.99)
    vad_release: float = _setting(0.35, "speech ends under this probability", 0.01, 0.98)
    endpoint_silence_ms: int = _setting(500, "silence that ends an utterance", 100, 5000)
    endpoint_by_words: bool = _setting(True, "let the wait depend on what was understood")
    endpoint_shortest_ms: int = _setting(250, "wait after an answerable question", 200, 5000)
    endpoint_longest_ms: int = _setting(900, "wait after an open clause", 200, 5000)
    endpoint_prefix_ms: int = _setting(300, "audio kept from before the onset", 0, 2000)
    utterance_maximum_s: int = _setting(30, "an utterance is cut after this", 2, 120)

    ahead_maximum_s: float = _setting(
        30.0, "audio taken ahead of the clock; then reading pauses", 1, 600
    )

    speculation: bool = _setting(True, "answer ahead at a pause; needs the cache")
    partials: bool = _setting(True, "tell words while the person speaks")
    partial_every_ms: int = _setting(500, "running speech between two partials", 200, 10_000)

    prespeak: bool = _setting(True, "speak the openings of answers while idle; needs the cache")
    prespeak_documents: int = _setting(50, "documents whose openings are spoken", 0, 10_000)

    calibration: CalibrationUse = _setting(CalibrationUse.STORED, "measured threads and permits")
    stt_threads: int = _setting(1, "threads of one recognition (Whisper)", 1, 64)
    tts_threads: int = _setting(1, "threads of one sentence (Piper)", 1, 64)
    stt_margin_frames: int = _setting(
        256, "frames that Whisper hears beyond the speech; 3000 never crops", 128, 3000
    )
    rewarm_questions: int = _setting(300, "questions asked again after an ingest", 0, 10_000)

    stt_permits: int = _setting(1, "recognitions at once", 1, 64)
    search_permits: int = _setting(1, "searches at once", 1, 64)
    answer_permits: int = _setting(1, "answers composed at once", 1, 64)
    tts_permits: int = _setting(1, "sentences synthesised at once", 1, 64)
    stage_queue_limit: int = _setting(32, "calls waiting for one stage", 1, 10_000)
    core_permits: int = _setting(
        0, "recognitions and syntheses at once, both together; 0 is one a core", 0, 64
    )
    target_ms: int = _setting(700, "voice-to-voice target: orders the lines", 100, 10_000)
    degradation: bool = _setting(True, "shorten answers while too much stands in line")
    turn_timeout_s: float = _setting(20.0, "time a turn has for its first audio", 1, 300)

    cache_enabled: bool = _setting(True, "use the cache at all")
    cache_bytes: int = _setting(16 << 20, "memory cache of each stage, bytes", 0, 1 << 36)
    cache_ttl_s: float = _setting(3600.0, "age at which a cached value is dropped", 1, 1e9)
    cache_disk: bool = _setting(True, "keep cached values on disk, for the next start")
    cache_disk_bytes: int = _setting(1 << 30, "disk cache of all stages, bytes", 1 << 16, 1 << 44)
    cache_keep_s: float = _setting(604_800.0, "the same in Redis and on disk", 1, 1e9)
    cache_lease: bool = _setting(True, "let one process make what several miss; needs Redis")
    redis_url: str = _setting("", "Redis, a cluster or sentinels for the cache; empty is none")

    lead_ms: int = _setting(400, "audio sent ahead of real time", 40, 5000)
    answer_maximum_characters: int = _setting(1200, "longest spoken answer", 40, 10_000)
    refusal_confidence: float = _setting(0.5, "under this the answer is a refusal", 0.0, 1.0)
    search_hits: int = _setting(5, "passages handed to the answer", 1, 50)

    conversation_max_messages: int = _setting(
        20, "questions and answers that later questions may lean on; 0 is none", 0, 200
    )
    conversation_ttl_hours: float = _setting(24.0, "age at which they are forgotten", 0.01, 8760)

    llm_base_url: str = _setting("", "OpenAI-compatible endpoint, up to /v1; empty quotes instead")
    llm_model: str = _setting("", "model that the endpoint is asked for")
    llm_api_key: str = _setting("", "bearer key of the endpoint, if it wants one")
    llm_fallback_url: str = _setting("", "a second endpoint, asked when the first does not answer")
    llm_fallback_model: str = _setting("", "model of the second endpoint")
    llm_fallback_key: str = _setting("", "bearer key of the second endpoint")
    llm_connect_s: float = _setting(2.0, "time for connecting", 0.05, 60)
    llm_first_token_s: float = _setting(6.0, "time of one try for its first token", 0.05, 300)
    llm_between_tokens_s: float = _setting(3.0, "time from one token to the next", 0.05, 300)
    llm_total_s: float = _setting(30.0, "time for a whole answer", 0.1, 3600)
    llm_patience_s: float = _setting(
        8.0, "time for the first sentence, all tries together; then quoted", 0.1, 300
    )
    llm_slow_s: float = _setting(
        3.0, "mean time to the first token from which it is quoted for a while", 0.05, 300
    )
    llm_ahead: bool = _setting(True, "ask at a pause when the words are surely a whole question")
    llm_without_evidence: bool = _setting(
        False, "ask also where the documents hardly answer; else that is a refusal"
    )
    llm_retries: int = _setting(3, "further tries after a failure that may pass", 0, 10)
    llm_calls_at_once: int = _setting(8, "answers generated at once; more are quoted", 1, 1000)

    index_policy: IndexPolicy = _setting(
        IndexPolicy.SIZE, "choose the kind of index by size or by what this machine measures"
    )
    index_flat_max: int = _setting(10_000, "passages from which FLAT gives way", 1, 10**8)
    index_ivf_max: int = _setting(1_000_000, "passages above which IVF gives way", 1, 10**9)
    index_recall: float = _setting(0.97, "recall@10 shown before an index is used", 0.5, 1.0)
    index_memory_mb: int = _setting(700, "memory of the index; decides its storage", 16, 1 << 20)
    index_latency_ms: float = _setting(3.0, "p95 of one search in the index", 0.1, 1000)

    uploads: bool = _setting(True, "take documents over the socket")
    upload_bytes: int = _setting(10_000_000, "the largest document taken so", 1000, 50_000_000)
    uploads_total_bytes: int = _setting(
        500_000_000, "all documents taken so, together", 1000, 1 << 40
    )

    sessions_maximum: int = _setting(8, "sessions served at once", 1, 10_000)
    admission_by_latency: bool = _setting(
        True, "refuse a session whose turns would take longer than the target"
    )
    memory_maximum_mb: int = _setting(
        0,
        "memory to keep to: caches shrink, then none is let in; 0 is the machine's",
        0,
        10_000_000,
    )
    idle_timeout_s: float = _setting(600.0, "a silent session is closed after this", 1, 86_400)
    send_timeout_s: float = _setting(
        5.0, "a client that does not read is closed after this", 0.1, 60
    )
    drain_timeout_s: float = _setting(10.0, "time for running turns at shutdown", 0, 300)

    hub_endpoint: str = _setting("https://huggingface.co", "model hub (HF_ENDPOINT)")
    hub_cache_dir: Path = _setting(
        lambda: Path.home() / ".cache" / "huggingface" / "hub", "the hub's own cache (HF_HUB_CACHE)"
    )

    @property
    def store_path(self) -> Path:
        """The SQLite file that holds documents, passages and vectors."""
        return self.data_dir / "store.sqlite3"

    @property
    def calibration_path(self) -> Path:
        """What was measured of this machine and its weights."""
        return self.data_dir / "calibration.json"

    @property
    def indexes_dir(self) -> Path:
        """The published indexes."""
        return self.data_dir / "indexes"

    @property
    def uploads_dir(self) -> Path:
        """The documents that clients sent."""
        return self.data_dir / "uploads"

    @property
    def history_path(self) -> Path:
        """A row a minute for seven days."""
        return self.data_dir / "history.sqlite3"

    @property
    def cache_dir(self) -> Path:
        """The disk tier of the cache; may be deleted at any time while nothing runs."""
        return self.data_dir / "cache"

    @property
    def prepared_dir(self) -> Path:
        """Models that were converted or built on this machine."""
        return self.data_dir / "prepared"


PRESETS: Mapping[Preset, Mapping[str, Any]] = {
    Preset.DEVELOPMENT: {},
    Preset.PRODUCTION: {
        "cache_bytes": 64 << 20,
        "sessions_maximum": 24,
        "log_level": LogLevel.WARNING,
        "stt_permits": 2,
        "search_permits": 2,
        "tts_permits": 2,
        "stage_queue_limit": 64,
        "target_ms": 1200,
    },
    Preset.HIGH_PERFORMANCE: {
        "address_connections": 256,
        "cache_bytes": 256 << 20,
        "sessions_maximum": 64,
        "log_level": LogLevel.WARNING,
        "stt_permits": 4,
        "search_permits": 4,
        "index_memory_mb": 2048,
        "index_latency_ms": 2.0,
        "answer_permits": 2,
        "tts_permits": 4,
        "stage_queue_limit": 256,
        "target_ms": 600,
    },
}

FOREIGN_VARIABLES = {"hub_endpoint": "HF_ENDPOINT", "hub_cache_dir": "HF_HUB_CACHE"}
"""Variables that the model hub's own tools read too, so that one setting serves both."""


SECRETS = (
    *("token", "alert_webhook", "otel_endpoint", "redis_url"),
    *("llm_api_key", "llm_fallback_key"),
)
"""Settings whose value is shown to nobody: addresses may carry a key."""


class SettingsError(StartError):
    """Every mistake in the environment at once, a line each, with what is accepted."""

    code = "settings"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("These settings cannot be used:\n  " + "\n  ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings and, for each field, where its value came from."""

    settings: Settings
    origins: Mapping[str, str]


def variable_of(name: str) -> str:
    """The environment variable of a field."""
    return FOREIGN_VARIABLES.get(name, f"PARLEY_{name.upper()}")


def load_settings(environment: Mapping[str, str] | None = None) -> LoadedSettings:
    """Read the process's environment, or the one given, and the settings file that it names.

    The environment wins over the file. Raises SettingsError with all mistakes of both.
    """
    set_variables = os.environ if environment is None else environment
    written = read_settings_file(set_variables.get(FILE_VARIABLE, "").strip())
    environment = {name: value for name, value in set_variables.items() if value.strip()}
    places = {name: at for name, at in written.places.items() if name not in environment}
    reader = FieldReader(Settings, {**written.values, **environment}, variable_of, SECRETS, places)
    reader.problems += written.problems
    preset = reader.value("preset", Preset.DEVELOPMENT)
    values = {"preset": preset}
    for name in reader.names[1:]:
        is_in_preset = name in PRESETS[preset]
        origin = f"preset {preset}" if is_in_preset else "default"
        values[name] = reader.value(name, _preset_value(name, preset), origin)
    reader.refuse_unknown()
    reader.problems += contradictions(values)
    if reader.problems:
        raise SettingsError(reader.problems)
    return LoadedSettings(Settings(**values), reader.origins)


def _preset_value(name: str, preset: Preset) -> Any:
    return PRESETS[preset].get(name, getattr(Settings(), name))
