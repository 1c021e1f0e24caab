"""A calibration as lines for a person. It decides and measures nothing."""

from collections.abc import Iterator

from server.calibration.record import Calibration, Crop, StageCalibration


def calibration_lines(calibration: Calibration) -> list[str]:
    """Return every choice with its reason and the measurements behind it."""
    machine = calibration.machine
    lines = [
        f"  on {machine.cpu}, {machine.cores} cores; the last run took {calibration.took_s:g} s"
    ]
    for stage in calibration.stages:
        lines += _stage_lines(stage)
        if not calibration.is_usable(stage):
            lines.append(
                f"            not used: other programs took {stage.others_cores:g} cores "
                "meanwhile; measure again when it is quiet"
            )
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
