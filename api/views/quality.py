"""The quality report of a film: what was measured in picture and sound while it was made. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from api.views.film_state import facts_of, narration_of, segments_of
from common.contracts.job import DONE, Job, Step
from common.contracts.names import Kind
from common.contracts.narration import Narration
from common.contracts.steps import MixFacts, SegmentFacts
from common.contracts.timeline import Span


def quality_view(job: Job, scenes: Iterable[str]) -> dict[str, Any]:
    """The report on a film that shows these scenes. Spans are `[first frame, frame after the last]`."""
    mix: MixFacts = facts_of(job.steps[Kind.MIX])
    shown = list(scenes)
    views = [_scene(scene, segments_of(job, scene)) for scene in shown]
    misread = {scene: narration_of(job, scene) for scene in shown}
    for view in views:
        view["misread"] = _rate(misread[view["scene"]])
    problems = [*mix.report.problems, *(f"{view['scene']}: {text}" for view in views for text in view["problems"])]
    return {
        "passed": not problems,
        "problems": problems,
        "loudness": mix.loudness,
        "true_peak": mix.true_peak,
        "silent": _spans(mix.report.silent),
        "clipped_samples": mix.report.clipped,
        "misread": _misread({scene: _rate(narration) for scene, narration in misread.items()}),
        "scenes": views,
    }


def _rate(narration: Narration | None) -> float | None:
    return narration.misread if narration is not None else None


def _misread(rates: Mapping[str, float | None]) -> dict[str, Any] | None:
    """Mean and worst word error rate with which the narrations were heard; None if nobody listened."""
    known = {scene: rate for scene, rate in rates.items() if rate is not None}
    if not known:
        return None
    worst = max(known, key=lambda scene: known[scene])
    return {"mean": round(sum(known.values()) / len(known), 3), "worst": known[worst], "scene": worst}


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
