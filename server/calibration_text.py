"""A calibration as lines for a person. It decides and measures nothing."""

from collections.abc import Iterator
from typing import Final

from server.calibration import Calibration, Crop, StageCalibration

_BUSY: Final = 0.25
"""Share of the cores that others used; above it permits and threads come out too low."""


def calibration_lines(calibration: Calibration) -> list[str]:
    """Return every choice with its reason and the measurements behind it."""
    machine = calibration.machine
    lines = [
        f"  on {machine.cpu}, {machine.cores} cores; the last run took {calibration.took_s:g} s"
    ]
    if calibration.load_average > _BUSY * machine.cores:
        lines.append(
            f"  The machine was busy (load average {calibration.load_average:g} before the start): "
            "measure again when it is quiet."
        )
    for stage in calibration.stages:
        lines += _stage_lines(stage)
    for left_out in calibration.left_out:
        lines.append(f"  {left_out.identity.stage:<9} {left_out.identity.engine} {left_out.why}")
    return lines


def _stage_lines(stage: StageCalibration) -> Iterator[str]:
    identity = stage.identity
    yield f"  {identity.stage:<9} {identity.engine}, weights {identity.weights}, " + ", ".join(
        [*identity.libraries, stage.made_at]
    )
    yield f"            threads {stage.threads}, permits {stage.permits}: {stage.why}"
    for load in stage.loads:
        yield (
            f"            threads {load.threads}, callers {load.callers}: median "
            f"{load.round_ms:.1f} ms of {load.rounds} rounds, {load.per_second:.2f} a second"
        )
    if stage.crop is not None:
        yield from _crop_lines(stage.crop)


def _crop_lines(crop: Crop) -> Iterator[str]:
    yield f"            margin {crop.margin_frames} frames: {crop.why}"
    for step in crop.steps:
        yield (
            f"            margin {step.margin_frames}: of {step.samples} samples {step.changed} "
            f"with other words than padded, {step.made_again} made again"
        )
