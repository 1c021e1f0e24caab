"""Puts a stored calibration into effect at start, and tells where it holds. It measures only when
PARLEY_CALIBRATION=first asks for it.

A person's own variable always wins; a calibration wins over presets and defaults.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from server.calibration.record import (
    CalibratedStage,
    Calibration,
    CalibrationDamaged,
    Identity,
    Machine,
    StageCalibration,
    read_calibration,
    save_calibration,
    this_machine,
)
from server.calibration.run import calibrate
from server.calibration.subjects import WHEEL, Subject, identities, subjects
from server.errors import StartError
from server.settings import CalibrationUse, LoadedSettings, Settings

COMMAND: Final = "parley doctor --calibrate"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Fit:
    """Settings with what was measured; `stages` are the records in effect, `note` tells of all.

    `is_whole` unless the stored file has no usable record for an engine in use.
    """

    loaded: LoadedSettings
    note: str
    stages: tuple[StageCalibration, ...] = ()
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Inventory:
    """The engines to calibrate: who they are, how to measure them, and the command that does it."""

    identities: Callable[[Settings], Sequence[Identity]] = identities
    subjects: Callable[[Settings, Say], Sequence[Subject]] = subjects
    calibrate: Callable[[Sequence[Subject], Say], Calibration] = calibrate
    command: str = COMMAND


IN_USE: Final = Inventory()
"""The engines that the settings choose."""


def tune(loaded: LoadedSettings, inventory: Inventory = IN_USE) -> Fit:
    """Apply what is stored, where it holds. Raises StartError for engines that cannot be had."""
    settings = loaded.settings
    if settings.calibration is CalibrationUse.OFF:
        return Fit(loaded, "PARLEY_CALIBRATION=off: what was measured is not used.")
    try:
        stored = read_calibration(settings.calibration_path)
    except CalibrationDamaged as error:
        return Fit(loaded, f"{error}: it is not used. `{inventory.command}` makes it again.")
    if stored is None:
        return Fit(
            loaded,
            f"This machine is not calibrated: `{inventory.command}` measures it, once, in 20 s.",
        )
    fit = fit_of(loaded, stored, inventory.identities(settings), this_machine())
    return (
        fit
        if fit.is_whole
        else replace(fit, note=f"{fit.note} `{inventory.command}` measures them.")
    )


def fit_of(
    loaded: LoadedSettings, stored: Calibration, current: Sequence[Identity], machine: Machine
) -> Fit:
    """Take from `stored` what was measured on this machine with the engines now chosen."""
    if stored.machine != machine:
        told = f"{_told(stored.machine)}; this one is {_told(machine)}"
        note = f"The calibration is of another machine and is not used ({told})."
        return Fit(loaded, note, is_whole=False)
    records = [record for one in current if (record := stored.of(one)) is not None]
    stages = tuple(record for record in records if stored.is_usable(record))
    noisy = [record.identity for record in records if record not in stages]
    others = [one for one in current if stored.of(one) is None]
    notes = [f"Calibrated: {_told_stages(stages)}."] if stages else []
    if noisy:
        notes.append(f"Not used, for other programs were busy meanwhile: {_told_engines(noisy)}.")
    if others:
        notes.append(f"Not measured with these weights and libraries: {_told_engines(others)}.")
    return Fit(_applied(loaded, stages), " ".join(notes), stages, not (noisy or others))


def tune_for_serving(loaded: LoadedSettings, say: Say, inventory: Inventory = IN_USE) -> Fit:
    """As `tune`; under PARLEY_CALIBRATION=first it first measures downloaded weights that have no
    record that holds and were not tried before. Engines of a wheel are good as they are preset.
    """
    settings = loaded.settings
    if settings.calibration is CalibrationUse.FIRST:
        downloaded = {one for one in inventory.identities(settings) if one.weights != WHEEL}
        if missing := downloaded - _tried(settings):
            say("Measuring this machine with these weights (once, 20 s)")
            calibrate_and_keep(settings, say, inventory, missing)
    return tune(loaded, inventory)


def calibrate_and_keep(
    settings: Settings,
    say: Say,
    inventory: Inventory = IN_USE,
    only: Collection[Identity] | None = None,
) -> Calibration:
    """Measure and store; records of other stages of this machine are kept.

    `only` names the engines, None means all. Raises StartError when the result cannot be kept.
    """
    chosen = inventory.subjects(settings, say)
    made = inventory.calibrate([one for one in chosen if only is None or one.identity in only], say)
    path = settings.calibration_path
    try:
        kept = merged(read_calibration(path), made)
    except CalibrationDamaged:
        kept = made
    try:
        save_calibration(kept, path)
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error}") from error
    return kept


def _tried(settings: Settings) -> set[Identity]:
    """Tell the engines that were measured on this machine, or could not be."""
    try:
        stored = read_calibration(settings.calibration_path)
    except CalibrationDamaged:
        return set()
    if stored is None or stored.machine != this_machine():
        return set()
    measured = {record.identity for record in stored.stages}
    return measured | {one.identity for one in stored.left_out}


def merged(old: Calibration | None, new: Calibration) -> Calibration:
    """Return `new` with the records of the stages that it did not measure, of this machine."""
    if old is None or old.machine != new.machine:
        return new
    measured = {record.identity.stage for record in new.stages}
    tried = measured | {one.identity.stage for one in new.left_out}
    records = tuple(record for record in old.stages if record.identity.stage not in measured)
    failed = tuple(one for one in old.left_out if one.identity.stage not in tried)
    return replace(new, stages=new.stages + records, left_out=new.left_out + failed)


def _applied(loaded: LoadedSettings, stages: Sequence[StageCalibration]) -> LoadedSettings:
    values: dict[str, Any] = {}
    origins = dict(loaded.origins)
    for record in stages:
        for name, value in _values(record).items():
            if not loaded.origins[name].startswith("PARLEY_"):
                values[name] = value
                origins[name] = f"calibration of {record.made_at}"
    return LoadedSettings(replace(loaded.settings, **values), origins)


def _values(record: StageCalibration) -> dict[str, Any]:
    stage = record.identity.stage
    values = {f"{stage}_permits": record.permits}
    if stage is not CalibratedStage.SEARCH:
        values[f"{stage}_threads"] = record.threads
    if record.crop is not None:
        values["stt_margin_frames"] = record.crop.margin_frames
    return values


def _told_engines(engines: Sequence[Identity]) -> str:
    return ", ".join(f"{one.stage} ({one.engine})" for one in engines)


def _told(machine: Machine) -> str:
    return f"{machine.cpu}, {machine.cores} cores"


def _told_stages(stages: Sequence[StageCalibration]) -> str:
    return ", ".join(
        f"{record.identity.stage} {record.permits} at once of {record.threads} "
        f"thread{'s' if record.threads > 1 else ''}{_told_margin(record)}"
        for record in stages
    )


def _told_margin(record: StageCalibration) -> str:
    return f" (margin {record.crop.margin_frames} frames)" if record.crop else ""
