"""The step handlers of the render queue."""

from collections.abc import Callable
from typing import Any

from common.contracts.base import Contract
from common.contracts.names import Kind
from common.contracts.steps import AssembleSpec, MarkSpec, MixSpec, SceneSpec, SegmentSpec
from common.cores import usable_cores
from common.settings import Settings
from common.walls.rules import check_walls
from common.worker.steprun import StepRun
from renderer.ffmpeg.detect import build_name, working_encoder
from renderer.ffmpeg.encoder import Encoder
from renderer.ffmpeg.run import ffmpeg_program
from renderer.steps.assemble import assemble
from renderer.steps.mark import mark
from renderer.steps.mix import mix
from renderer.steps.scene import scene
from renderer.steps.segment import segment

MOST_THREADS = 4
"More make a segment hardly faster, for decoder and filters keep to themselves, and take more memory."


def handlers(settings: Settings) -> dict[str, Callable[[Any, StepRun], Contract]]:
    """A handler for each step kind of this service. Raises `NotConfigured` when there is no ffmpeg."""
    program, encoder = _engine(settings)

    def segment_step(spec: SegmentSpec, run: StepRun) -> Contract:
        return segment(spec, run, program, threads(settings.render_threads, run.spare), encoder)

    def mark_step(spec: MarkSpec, run: StepRun) -> Contract:
        return mark(spec, run)

    def scene_step(spec: SceneSpec, run: StepRun) -> Contract:
        return scene(spec, run, program)

    def mix_step(spec: MixSpec, run: StepRun) -> Contract:
        return mix(spec, run, program)

    def assemble_step(spec: AssembleSpec, run: StepRun) -> Contract:
        return assemble(spec, run)

    return {
        Kind.MARK: mark_step,
        Kind.SEGMENT: segment_step,
        Kind.SCENE: scene_step,
        Kind.MIX: mix_step,
        Kind.ASSEMBLE: assemble_step,
    }


def engines(settings: Settings) -> dict[str, str | list[str]]:
    """The toolchain of this worker. All segments of a film come from workers that report the same one.

    Raises `NotConfigured` when there is no ffmpeg, and on a machine where media cannot be decoded safely.
    """
    check_walls()
    return {"ffmpeg": build_name(*_engine(settings))}


def threads(usual: int, spare: int) -> int:
    """The number of threads for a segment: the usual ones, and those of `spare` slots that have nothing to do."""
    return max(usual, min(usual * (1 + spare), MOST_THREADS, usable_cores()))


def _engine(settings: Settings) -> tuple[str, Encoder]:
    program = ffmpeg_program(settings.ffmpeg)
    return program, working_encoder(program, settings.ffmpeg_encoder)
