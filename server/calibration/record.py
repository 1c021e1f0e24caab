"""What was measured of this machine and its engines, and the file that keeps it. Measures nothing.

Each stage's record names the weights and libraries that it holds for, so that a fetched voice does
not make the recogniser's record worthless.
"""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from models.digest import write_durably
from server.calibration.noise import is_quiet
from server.watching.machine import usable_cores

FORMAT: Final = 1
_MOST: Final = 64
"""The highest number of threads and permits that the settings accept."""
_MARGINS: Final = range(128, 3001)


class CalibrationDamaged(ValueError):
    """The file is no calibration; the message names it and what to type."""


class CalibratedStage(StrEnum):
    """The stages whose permits are measured; composing an answer takes under a millisecond."""

    STT = "stt"
    SEARCH = "search"
    TTS = "tts"


@dataclass(frozen=True, slots=True)
class Machine:
    """What a measurement of time holds for; `cores` are those that this process may use."""

    cpu: str
    cores: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Which engine of a stage, with which weights and libraries.

    `weights` is the start of their sha256, "wheel" for an engine whose wheel carries them.
    """

    stage: CalibratedStage
    engine: str
    weights: str
    libraries: tuple[str, ...]

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError on anything unexpected."""
        stage = CalibratedStage(plain["stage"])
        return cls(stage, plain["engine"], plain["weights"], tuple(plain["libraries"]))


@dataclass(frozen=True, slots=True)
class Load:
    """`callers` calls at once of an engine with `threads` threads: the median over `rounds`."""

    threads: int
    callers: int
    rounds: int
    round_ms: float
    """From the start of the calls to the end of the last."""

    @property
    def per_second(self) -> float:
        """Calls finished in a second."""
        return 1000 * self.callers / self.round_ms


@dataclass(frozen=True, slots=True)
class CropStep:
    """One margin that was tried on `samples` utterances.

    `changed` counts other words than with padding, `made_again` readings that had to be repeated
    with padding: those cost both runs.
    """

    margin_frames: int
    samples: int
    changed: int
    made_again: int

    @property
    def is_faithful(self) -> bool:
        """Whether the crop changed nothing and saved time on every sample."""
        return self.changed == 0 and self.made_again == 0


@dataclass(frozen=True, slots=True)
class Crop:
    """The margin chosen, and the steps to it in order."""

    margin_frames: int
    why: str
    steps: tuple[CropStep, ...]

    def __post_init__(self) -> None:
        if self.margin_frames not in _MARGINS:
            raise ValueError("a margin is 128 to 3000 frames")

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError on anything unexpected."""
        steps = tuple(CropStep(**step) for step in plain["steps"])
        return cls(plain["margin_frames"], plain["why"], steps)


@dataclass(frozen=True, slots=True)
class StageCalibration:
    """What was chosen for one stage and from which measurements; `crop` is None for no Whisper.

    `made_at` is UTC, ISO 8601. `others_cores` is what other programs took meanwhile, None where
    the machine does not tell.
    """

    identity: Identity
    made_at: str
    others_cores: float | None
    threads: int
    permits: int
    why: str
    loads: tuple[Load, ...]
    crop: Crop | None = None

    def __post_init__(self) -> None:
        if not (1 <= self.threads <= _MOST and 1 <= self.permits <= _MOST):
            raise ValueError(f"threads and permits are 1 to {_MOST}")

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError on anything unexpected."""
        return cls(
            Identity.parse(plain["identity"]),
            plain["made_at"],
            plain["others_cores"],
            plain["threads"],
            plain["permits"],
            plain["why"],
            tuple(Load(**load) for load in plain["loads"]),
            Crop.parse(plain["crop"]) if plain["crop"] else None,
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An engine that was tried and could not be measured, and why."""

    identity: Identity
    why: str

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError on anything unexpected."""
        return cls(Identity.parse(plain["identity"]), plain["why"])


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is known of this machine; the duration is the last run's."""

    machine: Machine
    took_s: float
    stages: tuple[StageCalibration, ...]
    left_out: tuple[LeftOut, ...] = ()

    def of(self, identity: Identity) -> StageCalibration | None:
        """Return the record that was made with exactly these weights and libraries."""
        return next((stage for stage in self.stages if stage.identity == identity), None)

    def is_usable(self, stage: StageCalibration) -> bool:
        """Whether the machine was quiet enough while it was measured."""
        return is_quiet(stage.others_cores, self.machine.cores)


def this_machine() -> Machine:
    """Tell the CPU's model and the cores that this process may run on."""
    return Machine(_cpu_model(), usable_cores())


def _cpu_model(path: Path = Path("/proc/cpuinfo")) -> str:
    """Two CPUs may share a name ("AMD EPYC"): family and model tell them apart."""
    try:
        lines = path.read_text().split("\n\n")[0].splitlines()
    except OSError:
        return f"{platform.system()} {platform.machine()} {platform.processor()}"
    told = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in told.items()}
    numbers = f"family {facts.get('cpu family', '?')} model {facts.get('model', '?')}"
    return f"{facts.get('model name', platform.machine())}, {numbers}"


def save_calibration(calibration: Calibration, path: Path) -> None:
    """Replace the file, whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"format": FORMAT, **asdict(calibration)}
    write_durably(path, (json.dumps(content, indent=1) + "\n").encode())


def read_calibration(path: Path) -> Calibration | None:
    """None when there is no file. Raises CalibrationDamaged."""
    try:
        plain = json.loads(path.read_bytes())
        if plain["format"] != FORMAT:
            raise ValueError("another format")
        return Calibration(
            Machine(**plain["machine"]),
            plain["took_s"],
            tuple(StageCalibration.parse(stage) for stage in plain["stages"]),
            tuple(LeftOut.parse(one) for one in plain["left_out"]),
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CalibrationDamaged(f"{path} cannot be read ({type(error).__name__})") from error
