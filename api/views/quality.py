"""What was seen and heard in a film while it was made, for its result. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from api.views.status import rendering
from common.contracts.job import DONE, Job, Step
from common.contracts.steps import MixFacts, SegmentFacts, parse_facts
from common.contracts.timeline import Span


def quality_view(job: Job, scenes: Iterable[str]) -> dict[str, Any]:
    """The report on a film that shows these scenes. Spans are `[first frame, frame behind the last]`."""
    mix: MixFacts = parse_facts("mix", job.steps["mix"].facts)
    seen = [_scene(name, rendering(job, name)) for name in scenes]
    problems = [*mix.report.problems, *(f"{one['scene']}: {told}" for one in seen for told in one["problems"])]
    return {
        "passed": not problems,
        "problems": problems,
        "loudness": mix.loudness,
        "true_peak": mix.true_peak,
        "silent": _spans(mix.report.silent),
        "clipped_samples": mix.report.clipped,
        "scenes": seen,
    }


def _scene(name: str, steps: Sequence[Step]) -> dict[str, Any]:
    """All parts of a scene as one; frames count from its start."""
    parts: list[SegmentFacts] = [parse_facts("segment", step.facts) for step in steps if step.state == DONE]
    view: dict[str, Any] = {"scene": name, "black": [], "frozen": [], "problems": []}
    view |= {"overlapping_captions": 0, "overflowing_captions": 0}
    begin = 0
    for facts in parts:
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
