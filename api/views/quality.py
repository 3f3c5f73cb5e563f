"""The quality report of a film: what was measured in picture and sound while it was made. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from api.views.film_state import facts_of, segments_of
from common.contracts.job import DONE, Job, Step
from common.contracts.names import Kind
from common.contracts.steps import MixFacts, SegmentFacts
from common.contracts.timeline import Span


def quality_view(job: Job, scenes: Iterable[str]) -> dict[str, Any]:
    """The report on a film that shows these scenes. Spans are `[first frame, frame after the last]`."""
    mix: MixFacts = facts_of(job.steps[Kind.MIX])
    views = [_scene(scene, segments_of(job, scene)) for scene in scenes]
    problems = [*mix.report.problems, *(f"{view['scene']}: {text}" for view in views for text in view["problems"])]
    return {
        "passed": not problems,
        "problems": problems,
        "loudness": mix.loudness,
        "true_peak": mix.true_peak,
        "silent": _spans(mix.report.silent),
        "clipped_samples": mix.report.clipped,
        "scenes": views,
    }


def _scene(scene: str, segments: Sequence[Step]) -> dict[str, Any]:
    """All parts of a scene as one; frames count from its start."""
    view: dict[str, Any] = {"scene": scene, "black": [], "frozen": [], "problems": []}
    view |= {"overlapping_captions": 0, "overflowing_captions": 0}
    begin = 0
    for step in segments:
        if step.state != DONE:
            continue
        facts: SegmentFacts = facts_of(step)
        report = facts.report
        view["black"] += _spans(report.black, begin)
        view["frozen"] += _spans(report.frozen, begin)
        view["overlapping_captions"] += report.overlapping
        view["overflowing_captions"] += report.overflowing
        view["problems"] += report.problems
        begin += facts.frames
    return view


def _spans(spans: Sequence[Span], begin: int = 0) -> list[list[int]]:
    return [[span.start + begin, span.end + begin] for span in spans]
