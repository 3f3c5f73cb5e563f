"""What a reader sees of a job, from records made by hand."""

from collections.abc import Mapping
from typing import Any

import pytest

from api.views.progress import current_step, progress
from api.views.scenes import candidate_view, scene_view
from api.views.status import log_line, status_view, steps_view, versions_view
from common.contracts.base import Contract, ObjectRef
from common.contracts.footage import Candidate, Footage, Provenance, WebFile
from common.contracts.job import Event, Failure, Job, Pins, Step, Version
from common.contracts.steps import UNRENDERABLE, CastFacts, Rejection
from common.contracts.storyboard import Scene, Shot, Storyboard

REF = ObjectRef(key="local/x/y/z", sha256="0" * 64, size=1, media_type="x/y")
ASSET = "ast_" + "1" * 32
BOARD = Storyboard(
    title="Waves",
    scenes=tuple(
        Scene(id=name, narration="Words.", shots=(Shot(id=f"{name}.1", show="sea"),), estimate=3.0)
        for name in ("s1", "s2")
    ),
)
ORIGIN = WebFile(url="https://example.org/clip.mp4")
NAMES = [f"{kind}:{scene}{part}" for scene in ("s1", "s2") for kind, part in (
    ("speak", ""), ("search", ".1"), ("acquire", ".1"), ("segment", ".0")
)] + ["mix", "assemble", "publish"]  # fmt: skip


def step(name: str, state: str = "done", facts: Contract | None = None, **fields: Any) -> Step:
    text = facts.model_dump_json() if facts is not None else ""
    return Step(
        name, state=state, facts=text, **{"ran_version": 1, "progress": 1.0 if state == "done" else 0.0, **fields}
    )


def job(*steps: Step, **fields: Any) -> Job:
    usual: dict[str, Any] = {"state": "rendering", "storyboard": REF, "started": 1}
    every = {one.name: one for one in steps}
    return Job(id="job_1", owner="local", request=REF, created=1, deadline=2, steps=every, **{**usual, **fields})


def footage(provider: str, credit: str = "") -> Footage:
    return Footage(kind="video", media=REF, provenance=Provenance(provider=provider, credit=credit))


def cast(chosen: Mapping[str, str] | None = None, **rejected: str) -> Step:
    """`s1__1="own:x"`: that was rejected for shot s1.1 as broken."""
    lost = {
        shot.replace("__", "."): (Rejection(candidate=name, why="it is broken."),) for shot, name in rejected.items()
    }
    return step("cast", facts=CastFacts(chosen=dict(chosen or {}), rejected=lost))


# steps of a version


def test_steps_are_reused_done_again_running_again_or_waiting() -> None:
    found = steps_view(
        job(
            step("speak:s1", ran_version=1),
            step("speak:s2", ran_version=2),
            step("search:s1.1", ran_version=2, reused=True),
            step("acquire:s1.1", "running", ran_version=2),
            step("acquire:s2.1", "ready", ran_version=2),
            step("mix", "waiting"),
            step("segment:s9.0", "skipped"),
            step("segment:s1.0", "failed", ran_version=2),
            cast(),
            version=2,
        )
    )
    assert found == {
        "reused": ["speak:s1", "search:s1.1"],
        "done_again": ["speak:s2"],
        "running_again": ["acquire:s1.1", "acquire:s2.1"],
        "waiting": ["mix"],
    }


def test_in_a_first_version_only_the_work_of_other_jobs_is_reused() -> None:
    found = steps_view(job(step("speak:s1"), step("speak:s2", reused=True)))
    assert (found["reused"], found["done_again"]) == (["speak:s2"], ["speak:s1"])


# progress


@pytest.mark.parametrize("state", ["completed", "partial"])
def test_a_film_is_all_there_is_to_be_done(state: str) -> None:
    assert progress(job(state=state)) == 100


def test_until_it_is_planned_a_new_version_shows_no_progress_of_the_old_one() -> None:
    old = [step(name) for name in NAMES]
    assert progress(job(*old, step("plan", "ready", ran_version=2), storyboard=None, version=2)) == 0
    assert progress(job(*old, step("plan", "running", ran_version=2, progress=0.5), storyboard=None, version=2)) == 2


def test_what_is_reused_counts_and_what_is_done_again_begins_anew() -> None:
    steps = [step(name) for name in NAMES[:-3]]
    late = [step(name, "waiting", progress=1.0, ran_version=1) for name in NAMES[-3:]]
    shown = progress(job(*steps, *late, version=2))
    assert shown == progress(job(*steps, *[step(name, "waiting") for name in NAMES[-3:]]))
    assert 5 < shown < 99


def test_steps_that_no_longer_belong_do_not_count() -> None:
    kept = [step(name, "waiting") for name in NAMES[:8]]
    gone = [step(f"segment:s{number}.0", "skipped") for number in range(3, 9)]
    assert progress(job(*kept, *gone, version=2)) == progress(job(*kept, version=2))
    ended = {"state": "cancelled", "version": 2}
    assert progress(job(*kept, *gone, **ended), BOARD) == progress(job(*kept, **ended))


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_the_end_of_a_job_does_not_move_the_bar(state: str) -> None:
    done = [step(name) for name in NAMES[:5]]
    before = progress(job(*done, *[step(name, "waiting", ran_version=0) for name in NAMES[5:]]))
    rest = [step(name, "skipped", ran_version=0) for name in NAMES[5:]]
    assert progress(job(*done, *rest, state=state)) == before
    assert progress(job(*done, *rest, state=state), BOARD) == before


def test_leaving_a_scene_out_moves_the_bar_only_forward() -> None:
    half = [step(name) for name in NAMES[4:7]] + [step("segment:s2.0", "running", progress=0.6)]
    rest = [step(name, "waiting", ran_version=0) for name in NAMES if name not in {one.name for one in half}]
    before = progress(job(*half, *rest))
    gone = [step(one.name, "failed" if one.state == "running" else "skipped", progress=one.progress) for one in half]
    assert progress(job(*gone, *rest, pins=Pins(left_out={"s2": "why"}))) >= before


def test_a_search_that_becomes_necessary_late_does_not_move_the_bar_back() -> None:
    own = [step(name) for name in NAMES if not name.startswith(("search", "acquire", "segment"))]
    pending = [step("segment:s1.0", "waiting")]
    before = progress(job(*own, *pending, step("acquire:s1.1", "running", progress=0.9)))
    searched = [step("acquire:s1.1", "waiting", progress=0.9), step("search:s1.1", "ready")]
    assert progress(job(*own, *pending, *searched)) == before


def test_a_scene_that_proves_to_be_long_does_not_move_the_bar_back() -> None:
    spoken = [step(name) for name in NAMES if name.startswith(("speak", "search", "acquire"))]
    rest = [step(name, "waiting") for name in NAMES if name not in {one.name for one in spoken}]
    parts = [step(f"segment:s1.{number}", "waiting") for number in (1, 2)] + [step("scene:s1", "waiting")]
    for board in (None, BOARD):
        assert progress(job(*spoken, *rest), board) == progress(job(*spoken, *rest, *parts), board)


@pytest.mark.parametrize("board", [None, BOARD])
def test_each_part_of_a_scene_moves_the_bar(board: Storyboard | None) -> None:
    rest = [step(name, "waiting") for name in NAMES if name != "segment:s1.0"]
    shown = []
    for done in range(4):
        parts = [step(f"segment:s1.{number}", "done" if number < done else "waiting") for number in range(3)]
        shown.append(progress(job(*rest, *parts), board))
    assert shown == sorted(set(shown))


# words


def test_a_job_that_was_not_let_in_says_what_it_waits_for() -> None:
    assert current_step(job(state="queued", started=0)) == "waiting for a place"
    assert current_step(job(state="queued", started=5)) == "queued"
    assert current_step(job(step("plan", "ready"), state="queued", started=5)) == "queued"
    assert current_step(job(step("plan", "running"), state="planning", started=5)) == "planning"


def test_a_step_that_waits_out_an_outage_says_for_what() -> None:
    full = Failure(code="disk_full", message="the disk of the worker is full", retryable=True, outage=True)
    slow = Failure(code="throttled", message="Pexels is busy", retryable=True)
    steps = [step("speak:s1"), step("acquire:s1.1", "ready", failure=slow), step("segment:s1.0", "ready", failure=full)]
    assert status_view(job(*steps), BOARD, ())["waiting_for"] == "the disk of the worker is full"
    assert status_view(job(*steps[:2]), BOARD, ())["waiting_for"] is None
    assert status_view(job(*steps, state="cancelled"), BOARD, ())["waiting_for"] is None


def test_steps_that_no_longer_belong_are_not_counted_in_words_either() -> None:
    steps = [step("segment:s1.0"), step("segment:s2.0", "running"), step("segment:s3.0", "skipped")]
    assert current_step(job(*steps)) == "rendering 1/2"


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        ("wish", {"wish": "edit", "version": 2}, "asked to edit (version 2)"),
        ("wish", {"wish": "resume", "version": 1}, "asked to resume"),
        ("step", {"step": "mix", "state": "done", "reused": True}, "mix done (reused)"),
        ("step", {"step": "mix", "state": "ready"}, None),
        (
            "step",
            {"step": "acquire:s1.1", "state": "deferred", "message": "X is at it"},
            "acquire:s1.1 deferred: X is at it",
        ),
        ("step", {"step": "acquire:s1.1", "state": "running", "attempt": 1, "again": True}, None),
        ("step", {"step": "acquire:s1.1", "state": "deferred"}, None),
    ],
)
def test_events_become_lines_for_people(kind: str, data: dict[str, Any], message: str | None) -> None:
    line = log_line(Event(7, 1, kind, data))
    assert (line and line["message"]) == message


# scenes


@pytest.mark.parametrize(
    ("shot", "provider", "cast_step", "why"),
    [
        (Shot(id="s1.1", show="sea"), "pexels", cast(), "found on Pexels"),
        (Shot(id="s1.1", show="sea"), "scenery", cast(), "a generated background"),
        (Shot(id="s1.1", show="sea"), "elsewhere", cast(), "found on elsewhere"),
        (Shot(id="s1.1", show="sea", media={"asset": ASSET}), "upload", cast(), "your own file"),
        (Shot(id="s1.1", show="sea", pick="pexels:7"), "pexels", cast({"s1.1": "pexels:7"}), "and chosen by you"),
        (Shot(id="s1.1", show="sea", pick="pexels:7"), "pexels", cast({"s1.1": "pexels:8"}), "found on Pexels"),
        (
            Shot(id="s1.1", show="sea", media={"asset": ASSET}),
            "pexels",
            cast(s1__1=f"own:{ASSET}"),
            "your file could not be used (it is broken); found on Pexels instead",
        ),
        (
            Shot(id="s1.1", show="sea", media={"url": "https://x.example/a.mp4"}),
            "scenery",
            cast(s1__1="own:https://x.example/a.mp4"),
            "the media at your address could not be used (it is broken); a generated background instead",
        ),
        (
            Shot(id="s1.1", show="sea"),
            "pexels",
            cast(s1__1="pexels:3"),
            "pexels:3 could not be used (it is broken); found on Pexels instead",
        ),
        (Shot(id="s1.1", show="sea"), "pexels", cast(s1__1=f"own:{ASSET}"), "found on Pexels"),
    ],
)
def test_a_shot_says_why_it_shows_what_it_shows(shot: Shot, provider: str, cast_step: Step, why: str) -> None:
    scene = Scene(id="s1", shots=(shot,), estimate=3.0)
    view = scene_view(job(step("acquire:s1.1", facts=footage(provider)), cast_step), scene)
    told = view["shots"][0]["why"]
    assert told == why or (why.startswith("and ") and told.endswith(why))


@pytest.mark.parametrize("state", ["deferred", "unknown", "running", "ready"])
def test_a_shot_whose_footage_is_made_elsewhere_says_by_whom(state: str) -> None:
    waits = step("acquire:s1.1", state, ticket="t1", note="the far studio is at work on it")
    film = job(step("speak:s1"), waits, state="gathering")
    view = scene_view(film, BOARD.scenes[0])
    assert view["shots"][0]["waits_for"] == "the far studio is at work on it"
    assert (view["state"], current_step(film)) == ("fetching footage", "fetching footage")
    assert "acquire:s1.1" in steps_view(film)["running_again"]


def test_a_preview_shows_the_progress_of_its_one_step() -> None:
    preview = {"kind": "voice_preview", "storyboard": None}
    assert progress(job(step("speak", "running", progress=0.5), state="gathering", **preview)) == 50
    assert progress(job(step("speak"), state="gathering", **preview)) == 99
    assert progress(job(step("speak"), state="completed", **preview)) == 100
    assert progress(job(state="queued", **preview)) == 0


def test_a_scene_that_was_left_out_says_why() -> None:
    scene = BOARD.scenes[0]
    one = job(step("segment:s1.0", "failed", progress=0.4), state="partial", pins=Pins(left_out={"s1": "it is torn"}))
    view = scene_view(one, scene)
    assert (view["state"], view["problem"], view["progress"]) == ("left out", "it is torn", 0)
    assert "problem" not in scene_view(one, BOARD.scenes[1])


def test_while_a_job_goes_on_a_step_that_failed_is_no_failed_scene() -> None:
    failed = step("search:s1.1", "failed", failure=Failure(code="x", message="y"))
    speaking = step("speak:s1", "running")
    assert scene_view(job(failed, speaking), BOARD.scenes[0])["state"] == "speaking"
    assert scene_view(job(failed, speaking, state="failed"), BOARD.scenes[0])["state"] == "failed"


def test_a_scene_that_failed_says_why_and_what_ended_the_job_first() -> None:
    steps = [
        step("search:s1.1", "failed", failure=Failure(code="x", message="nothing was found")),
        step("segment:s1.0", "failed", failure=Failure(code="x", message="it is torn")),
    ]
    ended = Failure(code="x", message="scene 1: it is torn", step="segment:s1.0")
    view = scene_view(job(*steps, state="failed", failure=ended), BOARD.scenes[0])
    assert (view["state"], view["problem"]) == ("failed", "it is torn")
    assert "problem" not in scene_view(job(*steps, step("speak:s1", "running")), BOARD.scenes[0])
    assert "problem" not in scene_view(job(*steps, state="failed", failure=ended), BOARD.scenes[1])


def test_of_a_new_version_a_scene_shows_its_own_progress() -> None:
    waiting = step("segment:s1.0", "waiting", progress=1.0, ran_version=1)
    assert scene_view(job(waiting, version=2), BOARD.scenes[0])["progress"] == 0


def test_a_candidate_says_whether_it_is_shown_or_proved_unusable() -> None:
    provenance = Provenance(provider="pexels", credit="Video by A on Pexels")
    names = ("pexels:1", "pexels:2", "pexels:3")
    one = job(cast({"s1.1": "pexels:2"}, s1__1="pexels:1"))
    clip = Candidate(id="", kind="video", score=0.51234, origin=ORIGIN, provenance=provenance)
    views = [candidate_view(one, "s1.1", clip.model_copy(update={"id": name})) for name in names]
    assert [view["shown"] for view in views] == [False, True, False]
    assert [view["unusable"] for view in views] == ["it is broken.", None, None]
    assert (views[0]["score"], views[0]["credit"]) == (0.512, "Video by A on Pexels")


def test_what_could_not_be_had_for_one_shot_is_unusable_for_all_and_what_could_not_be_rendered_is_not() -> None:
    one = job(cast(s1__1="pexels:1"))
    torn = step("cast", facts=CastFacts(rejected={"s1.1": (Rejection(candidate="pexels:1", why=f"{UNRENDERABLE}x"),)}))
    clip = Candidate(id="pexels:1", kind="video", score=0.5, origin=ORIGIN, provenance=Provenance(provider="pexels"))
    assert candidate_view(one, "s2.1", clip)["unusable"] == "it is broken."
    assert candidate_view(job(torn), "s2.1", clip)["unusable"] is None
    assert candidate_view(job(torn), "s1.1", clip)["unusable"] == f"{UNRENDERABLE}x"


def test_a_shot_names_what_it_does_not_show_because_nobody_wants_it() -> None:
    shot = Shot(id="s1.1", show="sea", avoid=("pexels:1", "pexels:2"))
    view = scene_view(
        job(step("acquire:s1.1", facts=footage("pexels")), cast()), Scene(id="s1", shots=(shot,), estimate=3)
    )
    assert view["shots"][0]["avoid"] == ["pexels:1", "pexels:2"]
    assert view["shots"][0]["notes"] == ["not shown because you did not want it: pexels:1, pexels:2"]


def test_a_status_names_its_version_and_lane() -> None:
    view = status_view(job(version=3, lane="regenerate"), BOARD, ())
    assert (view["version"], view["lane"], view["total_scenes"]) == (3, "regenerate", 2)


def test_the_version_being_worked_on_has_the_state_of_the_job() -> None:
    versions = {
        1: Version(1, at=1, state="completed", finished=2, seconds=6.0),
        2: Version(2, at=3, cause="edit", state="superseded", finished=4),
        3: Version(3, at=5, cause="restore"),
    }
    views = versions_view(job(version=3, versions=versions))
    assert [view["status"] for view in views] == ["completed", "superseded", "rendering"]
    assert [view["current"] for view in views] == [False, False, True]
    assert [view["duration"] for view in views] == [6.0, None, None]
