"""What the render queue runs."""

from collections.abc import Callable
from typing import Any

from common.contracts.base import Contract
from common.contracts.steps import AssembleSpec, MixSpec, SegmentSpec
from common.jobs.steprun import StepRun
from common.settings import Settings
from renderer.assemble import assemble
from renderer.ffmpeg.run import ffmpeg_build, ffmpeg_program
from renderer.mix import mix
from renderer.segment import segment


def handlers(settings: Settings) -> dict[str, Callable[[Any, StepRun], Contract]]:
    """The step kinds of this service. Raises `NotConfigured` when there is no ffmpeg."""
    program = ffmpeg_program(settings.ffmpeg)

    def segment_step(spec: SegmentSpec, run: StepRun) -> Contract:
        return segment(spec, run, program, settings.render_threads)

    def mix_step(spec: MixSpec, run: StepRun) -> Contract:
        return mix(spec, run, program)

    def assemble_step(spec: AssembleSpec, run: StepRun) -> Contract:
        return assemble(spec, run, program)

    return {"segment": segment_step, "mix": mix_step, "assemble": assemble_step}


def engines(settings: Settings) -> dict[str, str | list[str]]:
    """What this worker can render with."""
    return {"ffmpeg": ffmpeg_build(ffmpeg_program(settings.ffmpeg))}
