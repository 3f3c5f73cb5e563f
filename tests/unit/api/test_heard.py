"""The result tells how well the narrations were heard, and what timed their words."""

from typing import Any

import pytest

from api.views.quality import quality_view
from api.views.scenes import scene_view
from common.contracts.narration import Narration
from common.contracts.request import VideoRequest
from common.contracts.storyboard import Storyboard
from common.documents import read_document
from tests.support.sim import Sim

SCENES = [{"narration": "The tide comes."}, {"narration": "The tide goes."}, {"show": "the sea"}]


def film(monkeypatch: pytest.MonkeyPatch, rates: dict[str, float | None]) -> Sim:
    """A film whose narrations were heard so, by their texts."""
    speak = Sim._speak

    def heard(sim: Sim, spec: Any) -> Narration:
        return speak(sim, spec).model_copy(update={"misread": rates[spec.text], "timed_by": "engine"})

    monkeypatch.setattr(Sim, "_speak", heard)
    return Sim(VideoRequest.model_validate({"scenes": SCENES})).run()


def test_the_quality_has_the_mean_and_the_worst_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = film(monkeypatch, {"The tide comes.": 0.1, "The tide goes.": 0.4})
    view = quality_view(sim.job, ["s1", "s2", "s3"])
    assert view["misread"] == {"mean": 0.25, "worst": 0.4, "scene": "s2"}
    assert [scene["misread"] for scene in view["scenes"]] == [0.1, 0.4, None]


def test_where_nobody_listened_there_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = film(monkeypatch, {"The tide comes.": None, "The tide goes.": None})
    assert quality_view(sim.job, ["s1", "s2", "s3"])["misread"] is None


def test_a_scene_says_what_timed_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = film(monkeypatch, {"The tide comes.": 0.1, "The tide goes.": None})
    assert sim.job.storyboard is not None
    story = read_document(Storyboard, sim.objects[sim.job.storyboard.key])
    views = [scene_view(sim.job, scene) for scene in story.scenes]
    assert [(view.get("timed_by"), view.get("misread")) for view in views] == [
        ("engine", 0.1),
        ("engine", None),
        (None, None),
    ]
