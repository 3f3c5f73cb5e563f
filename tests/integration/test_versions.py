"""New versions of a video over HTTP: edits, other pictures, old versions, and jobs that were given up.

Redis, the record, the reconciler and the step runner are real; the steps only pretend (tests/support/pipeline.py).
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.edit import waiting
from api.http.app import create_app
from common.contracts.job import Job, Step
from common.errors import Permanent
from common.jobs.archive import archive
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from common.storage.s3 import S3Storage
from tests.integration.test_http import accepted, png, problem_of
from tests.support.api_server import api_server
from tests.support.pipeline import Pipeline
from tests.support.redis_server import RedisServer
from tests.support.s3_server import s3_server
from tests.support.waiting import eventually

FOREIGN = "job_" + "f" * 32
LONG = "The harbour wakes before the sun, while the first boats leave in the dark, and the gulls follow them out."
SCENES = [
    {"narration": LONG},
    {"narration": "By noon the quay is empty.", "show": "empty quay"},
    {"show": "gulls over the water"},
]


@pytest.fixture
def pipeline(quick: Settings, store: JobStore, storage: MemoryStorage) -> Pipeline:
    return Pipeline(quick, store, storage)


@pytest.fixture
def film(client: FlaskClient, pipeline: Pipeline) -> str:
    """A job of three scenes that is completed. They are cut, so that none shows anything of the one before."""
    job_id = accepted(client, scenes=SCENES, music="none", transition="cut")
    assert pipeline.run(job_id).state == "completed"
    pipeline.ran.clear()
    return job_id


def edit(client: FlaskClient, job_id: str, version: int = 1, **changes: Any) -> TestResponse:
    return client.patch(f"/mcp/storyboard/{job_id}", json={"version": version, **changes})


def changed(client: FlaskClient, pipeline: Pipeline, reply: Callable[[], TestResponse]) -> dict[str, Any]:
    """The answer to a change that is planned while its request waits."""
    with pipeline.alive():
        found = reply()
    assert found.status_code == 202, found.get_data(as_text=True)
    assert found.headers["Location"] == f"/mcp/status/{found.json['job_id']}"
    return dict(found.json)


def status(client: FlaskClient, job_id: str) -> dict[str, Any]:
    return dict(client.get(f"/mcp/status/{job_id}").json)


def forgotten(store: JobStore, storage: MemoryStorage, settings: Settings, job_id: str) -> None:
    """The job has been over for so long that only its manifest is left."""
    archive(store, storage, replace(settings, keep_job_seconds=0.0), job_id)
    assert eventually(lambda: store.forget(job_id))
    assert store.load(job_id) is None


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody moves jobs on while a request waits, so it need not wait."""
    monkeypatch.setattr(waiting, "PLAN_SECONDS", 0.0)


# edits


def test_an_edit_says_what_is_reused_and_runs_only_the_rest(client: FlaskClient, pipeline: Pipeline, film: str) -> None:
    pipeline.held = ("speak",)
    answer = changed(
        client, pipeline, lambda: edit(client, film, scenes=[{"id": "s2", "narration": "At noon it is quiet."}])
    )
    assert (answer["job_id"], answer["version"]) == (film, 2)
    steps = answer["steps"]
    assert {"segment:s1.0", "segment:s3.0", "speak:s1", "search:s2.1", "acquire:s2.1"} <= set(steps["reused"])
    assert steps["running_again"] == ["speak:s2"]
    assert steps["done_again"] == ["plan"]
    assert set(steps["waiting"]) == {"segment:s2.0", "mix", "assemble", "publish"}
    assert status(client, film)["steps"] == steps
    pipeline.held = ()
    assert pipeline.run(film).state == "completed"
    assert sorted(pipeline.ran) == ["assemble", "mix", "plan", "publish", "segment:s2.0", "speak:s2"]
    after = status(client, film)["steps"]
    assert sorted(after["done_again"]) == sorted(pipeline.ran)
    assert after["reused"] == steps["reused"]
    assert after["running_again"] == after["waiting"] == []
    assert client.get(f"/mcp/result/{film}").json["version"] == 2


def test_an_edit_of_an_old_version_is_refused_and_names_the_newest(
    client: FlaskClient, film: str, at_once: None
) -> None:
    assert edit(client, film, drop=["s1"]).status_code == 202
    found = problem_of(edit(client, film, drop=["s2"]), 409)
    assert found["code"] == "stale_version"
    assert found["detail"].endswith("that is 2")


def test_an_answer_does_not_wait_for_ever_for_an_orchestrator_that_is_away(
    client: FlaskClient, film: str, at_once: None
) -> None:
    answer = edit(client, film, drop=["s1"]).json
    assert answer["steps"] is None
    assert "once the version is planned" in answer["message"]


def test_a_running_job_can_be_edited_and_nothing_stale_is_rendered(
    client: FlaskClient, pipeline: Pipeline, at_once: None
) -> None:
    job_id = accepted(client, scenes=SCENES, music="none")
    pipeline.held = ("segment",)
    pipeline.run(job_id, lambda job: job.steps.get("acquire:s3.1") is not None and job.state == "rendering")
    assert edit(client, job_id, drop=["s3"], order=["s2", "s1"]).status_code == 202
    pipeline.held = ()
    pipeline.run(job_id)
    assert [scene["id"] for scene in client.get(f"/mcp/result/{job_id}").json["scenes"]] == ["s2", "s1"]
    assert pipeline.ran.count("segment:s3.0") <= 1
    found = problem_of(client.get(f"/mcp/result/{job_id}?version=1"), 409)
    assert found["code"] == "superseded"
    assert len(client.get(f"/mcp/storyboard/{job_id}?version=1").json["scenes"]) == 3


def test_scenes_can_be_added_and_a_voice_chosen(client: FlaskClient, pipeline: Pipeline, film: str) -> None:
    changes = {"add": [{"narration": "Then it rains.", "after": "s1"}], "voice": "de"}
    changed(client, pipeline, lambda: edit(client, film, **changes))
    pipeline.run(film)
    board = client.get(f"/mcp/storyboard/{film}").json
    assert [scene["id"] for scene in board["scenes"]] == ["s1", "s4", "s2", "s3"]
    assert (board["voice"], board["version"]) == ("de", 2)
    assert {"speak:s1", "speak:s2", "speak:s4"} <= set(pipeline.ran)


MISFITS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "request", "changes nothing"),
    ({"drop": ["s9"]}, "drop[0]", "no s9"),
    ({"drop": ["s1", "s1"]}, "drop[1]", "second time"),
    ({"drop": ["s1", "s2", "s3"]}, "drop", "at least one scene"),
    ({"drop": ["first"]}, "drop[0]", "such as s1;"),
    ({"shots": [{"id": "s1", "seed": 1}]}, "shots[0].id", "such as s1.2;"),
    ({"order": ["s1", "s2"]}, "order", "s3 is missing"),
    ({"order": ["s1", "s2", "s3", "s3"]}, "order", "s3 is named twice"),
    ({"drop": ["s3"], "order": ["s1", "s2", "s3"]}, "order", "s3 is no scene that stays"),
    ({"add": [{"show": "x", "after": "s9"}]}, "add[0].after", "no s9"),
    ({"add": [{"after": "s1"}]}, "add[0]", "narration, show, media or recording"),
    ({"add": [{"show": "x"}] * 198}, "add", "201 scenes"),
    ({"add": [{"narration": "x" * 2000}] * 25}, "add", "characters together"),
    ({"scenes": [{"id": "s9", "narration": "x"}]}, "scenes[0].id", "no s9"),
    ({"scenes": [{"id": "s1", "show": "x"}, {"id": "s1", "show": "y"}]}, "scenes[1].id", "second time"),
    ({"scenes": [{"id": "s1"}]}, "scenes[0]", "changes nothing"),
    ({"scenes": [{"id": "s1", "narration": "x" * 2001}]}, "scenes[0].narration", "2000"),
    ({"scenes": [{"id": "s1", "media": {"asset": "ast_" + "0" * 32}}]}, "scenes[0].media.asset", "no asset"),
    ({"shots": [{"id": "s1.9", "seed": 1}]}, "shots[0].id", "no s1.9"),
    ({"shots": [{"id": "s1.1"}]}, "shots[0]", "changes nothing"),
    ({"shots": [{"id": "s1.1", "candidate": "pexels:none"}]}, "shots[0].candidate", "none of the 4"),
    ({"shots": [{"id": "s1.1", "show": "x", "candidate": "y"}]}, "shots[0]", "give one of"),
    ({"shots": [{"id": "s1.1", "seed": 3}], "scenes": [{"id": "s1", "show": "x"}]}, "shots[0]", "new shots"),
    ({"shots": [{"id": "s1.1", "media": {"asset": "ast_" + "0" * 32}}]}, "shots[0].media.asset", "no asset"),
    ({"voice": "nobody"}, "voice", "nobody"),
]


def test_an_edit_that_does_not_fit_is_refused_by_the_field(client: FlaskClient, film: str) -> None:
    for changes, field, word in MISFITS:
        found = problem_of(edit(client, film, **changes), 422)
        assert found["errors"][0]["field"] == field, (changes, found["errors"])
        assert word in found["errors"][0]["message"], (changes, found["errors"])
    assert status(client, film)["version"] == 1


def test_every_fault_of_an_edit_is_named_at_once(client: FlaskClient, film: str) -> None:
    found = problem_of(edit(client, film, drop=["s7", "s8"], voice="nobody", shots=[{"id": "s9.1", "seed": 1}]), 422)
    assert [error["field"] for error in found["errors"]] == ["drop[0]", "drop[1]", "shots[0].id", "voice"]
    assert "1 more" in found["detail"]


def test_null_takes_away_what_was_given(client: FlaskClient, pipeline: Pipeline, at_once: None) -> None:
    asset = client.post("/mcp/assets", data=png()).json["asset_id"]
    job_id = accepted(
        client,
        voice="de",
        scenes=[
            {"narration": LONG, "duration": 30},
            {"narration": "A pier.", "media": {"asset": asset}},
            {"narration": "By noon it is quiet.", "show": "empty quay"},
        ],
    )
    pipeline.run(job_id)
    before = client.get(f"/mcp/storyboard/{job_id}").json
    assert before["scenes"][0]["estimate"] == before["scenes"][0]["min_seconds"] == 30
    changes = [{"id": "s1", "duration": None}, {"id": "s2", "media": None}, {"id": "s3", "show": None}]
    assert edit(client, job_id, scenes=changes, voice=None).status_code == 202
    pipeline.run(job_id)
    after = client.get(f"/mcp/storyboard/{job_id}").json
    assert after["voice"] is None
    assert after["scenes"][0]["min_seconds"] is None
    assert after["scenes"][0]["estimate"] < 30, "it tells how long the scene will be now"
    assert [scene["shots"][0]["media"] for scene in after["scenes"]] == [None] * 3
    assert after["scenes"][1]["shots"][0]["terms"], "something is searched for instead"
    assert after["scenes"][2]["shots"][0]["show"] == "By noon it is quiet."
    job = pipeline.store.load(job_id)
    assert job is not None
    assert {name for name in pipeline.ran[-99:] if name.startswith("search")} >= {"search:s2.1", "search:s3.1"}


def test_null_leaves_no_scene_with_nothing_to_film(client: FlaskClient, film: str) -> None:
    for field, changes in {
        "scenes[0]": {"scenes": [{"id": "s3", "show": None}]},
        "shots[0].show": {"shots": [{"id": "s3.1", "show": None}]},
    }.items():
        (error,) = problem_of(edit(client, film, **changes), 422)["errors"]
        assert error["field"] == field
    assert status(client, film)["version"] == 1


SO_ALREADY: list[dict[str, Any]] = [
    {"scenes": [{"id": "s2", "narration": " By noon  the quay is empty. ", "show": "empty quay"}]},
    {"scenes": [{"id": "s1", "duration": None, "media": None, "show": None, "transition": None}]},
    {"quality": None, "mood": None},
    {"order": ["s1", "s2", "s3"], "voice": None},
    {"shots": [{"id": "s3.1", "avoid": None, "candidate": None, "seed": None, "another": False}]},
    {"shots": [{"id": "s3.1", "show": "gulls over the water", "avoid": []}]},
]


@pytest.mark.parametrize("changes", SO_ALREADY)
def test_an_edit_that_changes_nothing_makes_no_version_and_says_so(
    client: FlaskClient, film: str, changes: dict[str, Any]
) -> None:
    reply = edit(client, film, **changes)
    assert (reply.status_code, reply.json["changed"], reply.json["version"]) == (200, False, 1)
    assert "no new version" in reply.json["message"]
    assert len(client.get(f"/mcp/versions/{film}").json["versions"]) == 1


@pytest.mark.parametrize(
    "given",
    [{"scenes": [{"id": "s2", "transition": "wipe"}]}, {"quality": "high"}, {"mood": "calm"}],
)
def test_what_an_edit_gave_can_be_taken_back(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None, given: dict[str, Any]
) -> None:
    nothing = {key: [{"id": "s2", "transition": None}] if key == "scenes" else None for key in given}
    for version, changes in ((2, given), (3, nothing)):
        assert edit(client, film, version=version - 1, **changes).json["version"] == version
        pipeline.run(film)
        again = edit(client, film, version=version, **changes)
        assert (again.json["changed"], again.json["version"]) == (False, version)


def test_words_that_are_shown_because_they_are_said_are_not_yet_asked_for(
    client: FlaskClient, pipeline: Pipeline, at_once: None
) -> None:
    job_id = accepted(client, scenes=[{"narration": "A pier."}])
    pipeline.run(job_id)
    asked = {"scenes": [{"id": "s1", "show": "A pier."}]}
    assert edit(client, job_id, **asked).json["changed"] is True


def test_what_has_no_storyboard_cannot_be_edited(client: FlaskClient) -> None:
    assert problem_of(edit(client, accepted(client), drop=["s1"]), 409)["code"] == "not_finished"


# other pictures


def regenerate(client: FlaskClient, job_id: str, scene: str, **wanted: Any) -> TestResponse:
    return client.post(f"/mcp/scenes/{job_id}/{scene}/regenerate", json=wanted)


def shown(client: FlaskClient, job_id: str, scene: str) -> list[str]:
    shots = client.get(f"/mcp/scenes/{job_id}/{scene}").json["shots"]
    return [candidate["id"] for shot in shots for candidate in shot["candidates"] if candidate["shown"]]


def test_another_picture_is_shown_and_only_its_scene_is_rendered(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None
) -> None:
    seen = [shown(client, film, "s3")]
    for version in (2, 3):
        reply = client.post(f"/mcp/scenes/{film}/s3/regenerate")
        assert reply.json["version"] == version
        pipeline.run(film)
        seen.append(shown(client, film, "s3"))
    assert len({tuple(one) for one in seen}) == 3
    assert {step for step in pipeline.ran if step.startswith("segment")} == {"segment:s3.0"}
    assert "search:s3.1" not in pipeline.ran, "what was found before is enough"


def test_a_chosen_candidate_is_shown_and_the_answer_says_why(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None
) -> None:
    scene = client.get(f"/mcp/scenes/{film}/s3").json
    (shot,) = scene["shots"]
    assert [candidate["shown"] for candidate in shot["candidates"]] == [True, False, False, False]
    assert shot["candidates"][0]["credit"].startswith("Video pexels:")
    choice = shot["candidates"][2]["id"]
    assert regenerate(client, film, "s3", candidate=choice, version=1).status_code == 202
    pipeline.run(film)
    assert shown(client, film, "s3") == [choice]
    assert "chosen by you" in client.get(f"/mcp/scenes/{film}/s3").json["shots"][0]["why"]


def test_a_scene_can_be_searched_for_anew(client: FlaskClient, pipeline: Pipeline, film: str, at_once: None) -> None:
    assert regenerate(client, film, "s1", shot="s1.2", query="red lamps").status_code == 202
    pipeline.run(film)
    shots = client.get(f"/mcp/scenes/{film}/s1").json["shots"]
    assert shots[1]["show"] == "red lamps"
    assert "red-lamps" in shown(client, film, "s1")[1]
    assert [step for step in pipeline.ran if step.startswith("search")] == ["search:s1.2"]


def test_another_seed_for_a_clip_is_refused_with_what_would_help(client: FlaskClient, pipeline: Pipeline) -> None:
    asset = client.post("/mcp/assets", data=png()).json["asset_id"]
    job_id = accepted(client, scenes=[{"show": "gulls"}, {"media": {"asset": asset}}])
    pipeline.run(job_id)
    for scene, shows in (("s1", "pexels:gulls-0"), ("s2", "media of your own")):
        for reply, field in (
            (regenerate(client, job_id, scene, seed=7), "seed"),
            (edit(client, job_id, shots=[{"id": f"{scene}.1", "seed": 7}]), "shots[0].seed"),
        ):
            (error,) = problem_of(reply, 422)["errors"]
            assert error["field"] == field
            assert shows in error["message"]
            assert "candidate, or a query" in error["message"]
    assert status(client, job_id)["version"] == 1


def test_another_seed_changes_the_painted_shots_of_a_scene_and_no_others(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None
) -> None:
    painted = client.get(f"/mcp/scenes/{film}/s1").json["shots"][1]["candidates"][-1]["id"]
    assert painted.startswith("scenery:")
    regenerate(client, film, "s1", shot="s1.2", candidate=painted)
    pipeline.run(film)
    before = shown(client, film, "s1")
    assert regenerate(client, film, "s1", seed=7).status_code == 202
    pipeline.run(film)
    after = shown(client, film, "s1")
    assert after == [before[0], "scenery:ocean:sunset:7", *before[2:]], "a clip would score higher"
    again = regenerate(client, film, "s1", seed=7)
    assert (again.status_code, again.json["changed"]) == (200, False)


def test_other_words_may_bring_back_what_was_disliked_under_the_old_ones(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None
) -> None:
    first = shown(client, film, "s3")
    regenerate(client, film, "s3")
    pipeline.run(film)
    (shot,) = client.get(f"/mcp/scenes/{film}/s3").json["shots"]
    assert shot["avoid"] == first
    assert shot["notes"] == [f"not shown because you did not want it: {first[0]}"]
    edit(client, film, version=2, shots=[{"id": "s3.1", "show": "gulls"}])
    pipeline.run(film)
    edit(client, film, version=3, shots=[{"id": "s3.1", "show": "gulls over the water"}])
    pipeline.run(film)
    assert shown(client, film, "s3") == first
    (shot,) = client.get(f"/mcp/scenes/{film}/s3").json["shots"]
    assert (shot["avoid"], shot["notes"]) == ([], [])


@pytest.mark.parametrize("nothing", [None, []])
def test_dislikes_can_be_taken_back(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None, nothing: object
) -> None:
    first = shown(client, film, "s3")
    regenerate(client, film, "s3")
    pipeline.run(film)
    assert shown(client, film, "s3") != first
    assert edit(client, film, version=2, shots=[{"id": "s3.1", "avoid": nothing}]).status_code == 202
    pipeline.run(film)
    assert shown(client, film, "s3") == first


def test_dislikes_can_be_named(client: FlaskClient, pipeline: Pipeline, film: str, at_once: None) -> None:
    found = [one["id"] for one in client.get(f"/mcp/scenes/{film}/s3").json["shots"][0]["candidates"]]
    edit(client, film, shots=[{"id": "s3.1", "avoid": [found[0], found[1]]}])
    pipeline.run(film)
    assert shown(client, film, "s3") == [found[2]]


def test_what_proved_unusable_is_told_and_tried_again_when_the_user_says_so(
    client: FlaskClient, pipeline: Pipeline, at_once: None
) -> None:
    job_id = accepted(client, scenes=[{"show": "gulls"}])
    pipeline.trouble["acquire:s1.1"] = Permanent("it is broken")
    pipeline.run(job_id, lambda job: "pexels:gulls-1" in job.steps.get("cast", Step("")).facts)
    pipeline.trouble.clear()
    pipeline.run(job_id)
    (shot,) = client.get(f"/mcp/scenes/{job_id}/s1").json["shots"]
    assert "could not be used (it is broken)" in shot["why"]
    assert shot["candidates"][0]["unusable"] == "it is broken"
    refused = problem_of(regenerate(client, job_id, "s1", candidate="pexels:gulls-0"), 422)
    assert '"avoid": null' in refused["errors"][0]["message"]
    wish = {"id": "s1.1", "avoid": None, "candidate": "pexels:gulls-0"}
    assert edit(client, job_id, shots=[wish]).status_code == 202
    pipeline.run(job_id)
    assert shown(client, job_id, "s1") == ["pexels:gulls-0"]
    assert status(client, job_id)["scenes"][0]["shots"][0]["why"] == "found on Pexels, and chosen by you"


def test_own_media_that_failed_is_tried_again_when_it_is_given_again(
    client: FlaskClient, pipeline: Pipeline, at_once: None
) -> None:
    media = {"asset": client.post("/mcp/assets", data=png()).json["asset_id"]}
    job_id = accepted(client, scenes=[{"narration": "A boat leaves.", "media": media}])
    pipeline.trouble["acquire:s1.1"] = Permanent("it is broken")
    pipeline.run(job_id, lambda job: "search:s1.1" in job.steps)
    pipeline.trouble.clear()
    pipeline.run(job_id)
    assert edit(client, job_id, scenes=[{"id": "s1", "media": media}]).status_code == 202
    pipeline.run(job_id)
    (shot,) = status(client, job_id)["scenes"][0]["shots"]
    assert (shot["notes"], shot["footage"]["provider"]) == ([], "upload")
    assert edit(client, job_id, version=2, scenes=[{"id": "s1", "media": media}]).json["changed"] is False


def test_a_wish_without_a_version_is_carried_out_whoever_else_changes_the_video(
    client: FlaskClient, store: JobStore, pipeline: Pipeline, film: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    revise, others = store.revise, iter([{"voice": "de"}, {"voice": "en"}])

    def overtaken(job_id: str, version: int, *change: Any) -> str:
        if (other := next(others, None)) is not None:
            with monkeypatch.context() as patch:
                patch.setattr(store, "revise", revise)
                assert edit(client, job_id, version, **other).status_code == 202
        return revise(job_id, version, *change)

    monkeypatch.setattr(store, "revise", overtaken)
    with pipeline.alive():
        reply = regenerate(client, film, "s3")
        assert (reply.status_code, reply.json["version"]) == (202, 4)
        others = iter([{"voice": "de"}])
        assert client.post(f"/mcp/versions/{film}/1/restore").json["version"] == 6
        others = iter([{"voice": "de"}])
        assert problem_of(regenerate(client, film, "s3", version=6), 409)["code"] == "stale_version"
    assert next(others, None) is None


def test_painted_pictures_are_painted_anew(
    quick: Settings, store: JobStore, client: FlaskClient, at_once: None
) -> None:
    storage = MemoryStorage()
    client = create_app(quick, store, storage).test_client()
    painted = Pipeline(quick, store, storage, sources=("scenery",))
    job_id = accepted(client, scenes=SCENES)
    painted.run(job_id)
    assert shown(client, job_id, "s3") == ["scenery:ocean:sunset:0"]
    regenerate(client, job_id, "s3")
    painted.run(job_id)
    assert shown(client, job_id, "s3") == ["scenery:ocean:sunset:1"]
    regenerate(client, job_id, "s3", seed=77)
    painted.run(job_id)
    assert shown(client, job_id, "s3") == ["scenery:ocean:sunset:77"]


MISPLACED: list[tuple[str, dict[str, Any], int, str]] = [
    ("s9", {}, 404, "unknown_scene"),
    ("s1", {"shot": "s2.1"}, 422, "shot"),
    ("s1", {"candidate": "pexels:none"}, 422, "candidate"),
    ("s1", {"candidate": "a", "query": "b"}, 422, "candidate"),
    ("s1", {"version": 7}, 409, "stale_version"),
    ("s1", {"colour": "red"}, 422, "colour"),
]


def test_a_wish_for_another_picture_that_does_not_fit_is_refused(client: FlaskClient, film: str) -> None:
    for scene, wanted, status_code, word in MISPLACED:
        found = problem_of(regenerate(client, film, scene, **wanted), status_code)
        assert word == (found["errors"][0]["field"] if status_code == 422 else found["code"]), wanted


def test_a_candidate_of_two_shots_needs_to_be_told_which_it_is_for(
    client: FlaskClient, pipeline: Pipeline, at_once: None
) -> None:
    job_id = accepted(client, scenes=[{"narration": LONG, "show": "boats"}])
    pipeline.run(job_id)
    choice = client.get(f"/mcp/scenes/{job_id}/s1").json["shots"][0]["candidates"][2]["id"]
    found = problem_of(regenerate(client, job_id, "s1", candidate=choice), 422)
    assert found["errors"][0]["field"] == "shot"
    assert regenerate(client, job_id, "s1", candidate=choice, shot="s1.2").status_code == 202


def test_a_scene_that_shows_nothing_yet_has_nothing_to_be_replaced(client: FlaskClient, pipeline: Pipeline) -> None:
    job_id = accepted(client, scenes=SCENES)
    pipeline.held = ("search",)
    pipeline.run(job_id, lambda job: "speak:s1" in job.steps)
    assert problem_of(regenerate(client, job_id, "s1"), 409)["code"] == "not_finished"


# scenes by themselves


def test_a_scene_can_be_fetched_as_soon_as_it_is_rendered(client: FlaskClient, pipeline: Pipeline) -> None:
    job_id = accepted(client, scenes=SCENES)
    pipeline.held = ("segment:s2", "segment:s3", "mix")
    pipeline.run(
        job_id, lambda job: job.steps.get("segment:s1.0") is not None and job.steps["segment:s1.0"].progress == 1
    )
    links = {scene["id"]: scene["download_url"] for scene in status(client, job_id)["scenes"]}
    assert links["s2"] is links["s3"] is None
    reply = client.get(links["s1"])
    assert reply.status_code == 302
    assert "/segment/" in reply.headers["Location"]
    assert f"filename={job_id}-s1.mp4" in reply.headers["Location"]
    assert client.get(f"/mcp/scenes/{job_id}/s1").json["download_url"] == links["s1"]
    assert problem_of(client.get(f"/mcp/scenes/{job_id}/s2/video"), 409)["code"] == "not_finished"
    assert problem_of(client.get(f"/mcp/scenes/{job_id}/s9/video"), 404)["code"] == "unknown_scene"


def test_of_a_scene_that_will_not_come_it_is_told_how_to_get_it(client: FlaskClient, pipeline: Pipeline) -> None:
    partial = accepted(client, scenes=SCENES, on_scene_failure="partial")
    pipeline.trouble["segment:s2.0"] = Permanent("the picture is torn")
    assert pipeline.run(partial).state == "partial"
    found = problem_of(client.get(f"/mcp/scenes/{partial}/s2/video"), 409)
    assert found["code"] == "left_out"
    assert "the picture is torn" in found["detail"]
    assert f"POST /mcp/resume/{partial}" in found["detail"]

    failed = accepted(client, scenes=[*SCENES, {"show": "the end"}], on_scene_failure="fail")
    assert pipeline.run(failed).state == "failed"
    found = problem_of(client.get(f"/mcp/scenes/{failed}/s2/video"), 409)
    assert found["code"] == "failed"
    assert f"POST /mcp/resume/{failed}" in found["detail"]

    pipeline.trouble.clear()
    pipeline.held = ("segment",)
    stopped = accepted(client, scenes=[{"show": "another sea"}])
    pipeline.run(stopped, lambda job: job.state == "rendering")
    waiting = problem_of(client.get(f"/mcp/scenes/{stopped}/s1/video"), 409)
    assert (waiting["code"], "poll" in waiting["detail"]) == ("not_finished", True)
    client.post(f"/mcp/cancel/{stopped}")
    pipeline.run(stopped)
    found = problem_of(client.get(f"/mcp/scenes/{stopped}/s1/video"), 409)
    assert (found["code"], "poll" in found["detail"]) == ("cancelled", False)
    assert f"POST /mcp/resume/{stopped}" in found["detail"]


def test_a_scene_of_an_old_version_that_never_came_is_to_be_had_by_going_back(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None
) -> None:
    pipeline.held = ("segment", "speak")
    edit(client, film, scenes=[{"id": "s2", "narration": "Quiet."}])
    pipeline.run(film, lambda job: job.storyboard is not None)
    client.post(f"/mcp/cancel/{film}")
    pipeline.run(film)
    pipeline.held = ()
    edit(client, film, version=2, scenes=[{"id": "s2", "narration": "Loud."}])
    pipeline.run(film)
    found = problem_of(client.get(f"/mcp/scenes/{film}/s2/video?version=2"), 409)
    assert found["code"] == "cancelled"
    assert f"POST /mcp/versions/{film}/2/restore" in found["detail"]
    assert client.post(f"/mcp/versions/{film}/2/restore").status_code == 202
    pipeline.run(film)
    assert client.get(f"/mcp/scenes/{film}/s2/video").status_code == 302


def test_the_scene_of_an_old_version_can_still_be_fetched(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None
) -> None:
    old = status(client, film)["scenes"][1]["download_url"]
    before = client.get(old).headers["Location"]
    edit(client, film, scenes=[{"id": "s2", "narration": "Quiet."}])
    pipeline.run(film)
    assert client.get(old).headers["Location"] == before
    assert client.get(status(client, film)["scenes"][1]["download_url"]).headers["Location"] != before


def test_of_an_old_film_whose_parts_were_collected_the_film_is_still_there(
    client: FlaskClient, film: str, storage: MemoryStorage
) -> None:
    for kind in ("segment", "candidates", "footage", "narration", "mix"):
        for stored in list(storage.list("assets", f"local/{kind}/")):
            storage.delete("assets", stored.key)
    assert client.get(f"/mcp/result/{film}").status_code == 200
    assert problem_of(client.get(f"/mcp/scenes/{film}/s1/video"), 404)["code"] == "no_longer_kept"
    assert client.get(f"/mcp/scenes/{film}/s1").json["shots"][0]["candidates"] == []


def test_an_edit_of_an_old_film_makes_anew_what_was_collected(
    client: FlaskClient, pipeline: Pipeline, film: str, storage: MemoryStorage, at_once: None
) -> None:
    for kind in ("segment", "candidates", "footage", "narration", "mix"):
        for stored in list(storage.list("assets", f"local/{kind}/")):
            storage.delete("assets", stored.key)
    assert edit(client, film, scenes=[{"id": "s2", "narration": "Quiet."}]).status_code == 202
    assert pipeline.run(film).state == "completed"
    assert client.get(f"/mcp/scenes/{film}/s2/video").status_code == 302


# old versions


def test_old_versions_stay_readable_and_can_be_restored_without_work(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None
) -> None:
    first = client.get(f"/mcp/result/{film}").json
    assert edit(client, film, drop=["s1"], voice="de").status_code == 202
    assert problem_of(client.get(f"/mcp/result/{film}"), 409)["code"] == "not_finished"
    pipeline.run(film)
    second = client.get(f"/mcp/result/{film}").json
    assert (len(second["scenes"]), second["version"]) == (2, 2)

    old = client.get(f"/mcp/result/{film}?version=1").json
    for same in ("duration", "frames", "scenes", "loudness", "credits", "note"):
        assert old[same] == first[same]
    assert old["video_url"].startswith("s3://assets/local/film/"), "the public name has the newest version"
    assert second["video_url"] == first["video_url"] == f"s3://videos/{film}/output.mp4"
    assert len(client.get(f"/mcp/storyboard/{film}?version=1").json["scenes"]) == 3

    pipeline.ran.clear()
    answer = client.post(f"/mcp/versions/{film}/1/restore")
    assert (answer.status_code, answer.json["version"]) == (202, 3)
    pipeline.run(film)
    assert pipeline.ran == ["publish"], "everything else was there"
    third = client.get(f"/mcp/result/{film}").json
    for same in ("duration", "frames", "loudness", "credits", "note"):
        assert third[same] == first[same]

    versions = client.get(f"/mcp/versions/{film}").json["versions"]
    assert [one["version"] for one in versions] == [1, 2, 3]
    assert [one["cause"] for one in versions] == ["request", "edit", "restore"]
    assert [one["current"] for one in versions] == [False, False, True]
    assert [one["status"] for one in versions] == ["completed"] * 3
    assert versions[0]["download_url"] == versions[2]["download_url"] == old["download_url"]
    assert versions[0]["duration"] == first["duration"]


def test_a_picture_restored_is_the_picture_that_was(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None
) -> None:
    before = shown(client, film, "s3")
    regenerate(client, film, "s3")
    pipeline.run(film)
    assert shown(client, film, "s3") != before
    client.post(f"/mcp/versions/{film}/1/restore")
    pipeline.run(film)
    assert shown(client, film, "s3") == before


def test_a_restore_of_what_is_there_already_makes_no_version(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None
) -> None:
    def restore() -> tuple[int, bool, int]:
        reply = client.post(f"/mcp/versions/{film}/1/restore")
        return reply.status_code, reply.json["changed"], reply.json["version"]

    assert restore() == (200, False, 1)
    edit(client, film, drop=["s1"])
    pipeline.run(film)
    assert restore() == (202, True, 3)
    pipeline.run(film)
    assert restore() == (200, False, 3), "version 3 is as version 1 was"
    assert len(client.get(f"/mcp/versions/{film}").json["versions"]) == 3


def test_a_restore_can_be_guarded_like_an_edit(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None
) -> None:
    where = f"/mcp/versions/{film}/1/restore"
    edit(client, film, drop=["s1"])
    pipeline.run(film)
    assert problem_of(client.post(where, json={"version": 1}), 409)["code"] == "stale_version"
    assert problem_of(client.post(where, json={"version": "two"}), 422)["errors"][0]["field"] == "version"
    assert problem_of(client.post(where, json={"versoin": 2}), 422)["errors"][0]["field"] == "versoin"
    assert problem_of(client.post(where, data=b"version=2"), 415)["code"] == "unsupported_media_type"
    assert client.post(where, json={"version": 2}).json["version"] == 3


def test_the_film_of_the_last_good_version_is_named_while_there_is_no_newer_one(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None
) -> None:
    where = client.get(f"/mcp/result/{film}").json["download_url"]
    pipeline.held = ("mix",)

    def found(code: str) -> dict[str, Any]:
        problem = problem_of(client.get(f"/mcp/result/{film}"), 409)
        assert problem["code"] == code
        assert f"/mcp/result/{film}?version=1" in problem["detail"]
        return dict(problem["last_good_version"])

    edit(client, film, drop=["s1"])
    running = found("not_finished")
    assert (running["version"], running["download_url"]) == (1, where)
    assert client.get(running["result"]).json["version"] == 1
    pipeline.run(film, lambda job: job.storyboard is not None)
    client.post(f"/mcp/cancel/{film}")
    pipeline.run(film)
    assert found("cancelled") == running
    pipeline.held = ()
    pipeline.trouble["mix"] = Permanent("out of tune")
    client.post(f"/mcp/resume/{film}")
    pipeline.run(film)
    assert found("failed") == running
    pipeline.trouble.clear()
    client.post(f"/mcp/resume/{film}")
    pipeline.run(film)
    assert client.get(f"/mcp/result/{film}").json["version"] == 2


def test_a_job_without_any_film_names_none(client: FlaskClient, pipeline: Pipeline) -> None:
    job_id = accepted(client, scenes=SCENES)
    assert problem_of(client.get(f"/mcp/result/{job_id}"), 409)["last_good_version"] is None


# the same request once more


def wishes(job_id: str) -> dict[str, Callable[[FlaskClient, dict[str, str]], TestResponse]]:
    return {
        "edit": lambda client, key: client.patch(
            f"/mcp/storyboard/{job_id}", json={"version": 1, "drop": ["s1"]}, headers=key
        ),
        "regenerate": lambda client, key: client.post(f"/mcp/scenes/{job_id}/s3/regenerate", headers=key),
        "restore": lambda client, key: client.post(f"/mcp/versions/{job_id}/1/restore", headers=key),
        "same": lambda client, key: client.patch(
            f"/mcp/storyboard/{job_id}", json={"version": 1, "order": ["s1", "s2", "s3"]}, headers=key
        ),
    }


@pytest.mark.parametrize("name", ["edit", "regenerate", "restore", "same"])
def test_a_wish_that_is_repeated_with_its_key_is_answered_as_before(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None, name: str
) -> None:
    key, wish = {"Idempotency-Key": "once"}, wishes(film)[name]
    first = wish(client, key)
    pipeline.run(film)
    again = wish(client, key)
    edit(client, film, version=again.json["version"], voice="de")
    pipeline.run(film)
    for repeat in (again, wish(client, key)):
        assert repeat.status_code == first.status_code
        assert [repeat.json[word] for word in ("job_id", "version", "changed")] == [
            first.json[word] for word in ("job_id", "version", "changed")
        ]
        assert "known already" in repeat.json["message"]
    assert status(client, film)["version"] == first.json["version"] + 1
    for other in wishes(film).keys() - {name}:
        assert problem_of(wishes(film)[other](client, key), 422)["code"] == "idempotency_key_reused"
    made = client.post("/mcp/generate", json={"prompt": "x"}, headers=key)
    assert problem_of(made, 422)["code"] == "idempotency_key_reused"


def test_a_resume_that_is_repeated_with_its_key_resumes_once(
    client: FlaskClient, pipeline: Pipeline, at_once: None
) -> None:
    key = {"Idempotency-Key": "once"}
    job_id = accepted(client, scenes=SCENES, on_scene_failure="partial")
    pipeline.trouble["segment:s2.0"] = Permanent("the picture is torn")
    pipeline.run(job_id)
    pipeline.trouble.clear()
    for _ in range(2):
        reply = client.post(f"/mcp/resume/{job_id}", headers=key)
        assert (reply.status_code, reply.json["version"]) == (202, 2), "a better film is a version of its own"
    pipeline.run(job_id)
    assert client.post(f"/mcp/resume/{job_id}", headers=key).json["version"] == 2
    assert problem_of(client.post(f"/mcp/resume/{job_id}"), 409)["code"] == "completed"
    causes = [one["cause"] for one in client.get(f"/mcp/versions/{job_id}").json["versions"]]
    assert causes == ["request", "resume"]
    other = client.post(f"/mcp/scenes/{job_id}/s1/regenerate", headers=key)
    assert problem_of(other, 422)["code"] == "idempotency_key_reused"


def test_two_that_come_at_once_with_one_key_are_one(
    client: FlaskClient, store: JobStore, film: str, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is let in after the first was looked up, and before it is written."""
    key, revise = {"Idempotency-Key": "once"}, store.revise
    answers: list[TestResponse] = []

    def overtaken(job_id: str, version: int, *change: Any) -> str:
        monkeypatch.setattr(store, "revise", revise)
        answers.append(wishes(film)["regenerate"](client, key))
        return revise(job_id, version, *change)

    monkeypatch.setattr(store, "revise", overtaken)
    answers.append(wishes(film)["regenerate"](client, key))
    assert [reply.status_code for reply in answers] == [202, 202]
    assert [reply.json["version"] for reply in answers] == [2, 2]
    assert status(client, film)["version"] == 2


def test_a_version_that_was_superseded_can_be_restored_too(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None
) -> None:
    edit(client, film, drop=["s1"])
    pipeline.held = ("segment", "mix", "assemble")
    pipeline.run(film, lambda job: job.storyboard is not None)
    edit(client, film, version=2, drop=["s2"])
    pipeline.run(film, lambda job: job.storyboard is not None)
    pipeline.held = ()
    assert client.post(f"/mcp/versions/{film}/2/restore").json["version"] == 4
    pipeline.run(film)
    assert [scene["id"] for scene in client.get(f"/mcp/result/{film}").json["scenes"]] == ["s2", "s3"]
    states = [one["status"] for one in client.get(f"/mcp/versions/{film}").json["versions"]]
    assert states == ["completed", "superseded", "superseded", "completed"]


NOT_THERE: list[tuple[str, str, int, str]] = [
    ("post", "/mcp/versions/{}/9/restore", 404, "unknown_version"),
    ("post", "/mcp/versions/{}/\u0661/restore", 404, "unknown_version"),
    ("post", "/mcp/versions/{}/one/restore", 404, "unknown_version"),
    ("post", "/mcp/versions/{}/-1/restore", 404, "unknown_version"),
    ("get", "/mcp/result/{}?version=9", 404, "unknown_version"),
    ("get", "/mcp/storyboard/{}?version=0", 404, "unknown_version"),
    ("get", "/mcp/storyboard/{}?version=one", 422, "invalid_request"),
    ("post", "/mcp/resume/{}", 409, "completed"),
]


def test_what_there_is_no_version_for_is_a_problem(client: FlaskClient, film: str) -> None:
    for method, path, status_code, code in NOT_THERE:
        assert problem_of(getattr(client, method)(path.format(film)), status_code)["code"] == code, path


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/mcp/resume/{}"),
        ("patch", "/mcp/storyboard/{}"),
        ("post", "/mcp/scenes/{}/s1/regenerate"),
        ("get", "/mcp/scenes/{}/s1"),
        ("get", "/mcp/scenes/{}/s1/video"),
        ("get", "/mcp/versions/{}"),
        ("post", "/mcp/versions/{}/1/restore"),
    ],
)
@pytest.mark.parametrize("job_id", ["job_" + "0" * 32, FOREIGN, "..", "nobody"])
def test_there_is_nothing_to_change_in_an_unknown_job(client: FlaskClient, method: str, path: str, job_id: str) -> None:
    reply = getattr(client, method)(
        path.format(job_id), json={"version": 1, "drop": ["s1"]} if "storyb" in path else {}
    )
    assert problem_of(reply, 404)["code"] in ("unknown_job", "not_found")


# what was given up


def test_a_failed_job_is_resumed_and_does_only_what_is_missing(client: FlaskClient, pipeline: Pipeline) -> None:
    job_id = accepted(client, scenes=SCENES, on_scene_failure="fail")
    pipeline.trouble["segment:s2.0"] = Permanent("the disk speaks in tongues")
    assert pipeline.run(job_id).state == "failed"
    assert status(client, job_id)["scenes"][1]["problem"] == "the disk speaks in tongues"
    assert "problem" not in status(client, job_id)["scenes"][0]
    done = {step for step in pipeline.ran if step not in ("segment:s2.0", "mix")}
    pipeline.trouble.clear()
    pipeline.ran.clear()
    reply = client.post(f"/mcp/resume/{job_id}")
    assert (reply.status_code, reply.headers["Location"]) == (202, f"/mcp/status/{job_id}")
    assert problem_of(client.post(f"/mcp/resume/{job_id}"), 409)["code"] == "still_running"
    assert pipeline.run(job_id).state == "completed"
    assert done.isdisjoint(pipeline.ran)
    assert status(client, job_id)["version"] == 1


def test_a_cancelled_job_is_resumed(client: FlaskClient, pipeline: Pipeline) -> None:
    job_id = accepted(client, scenes=SCENES)
    pipeline.held = ("segment",)
    pipeline.run(job_id, lambda job: job.state == "rendering")
    client.post(f"/mcp/cancel/{job_id}")
    assert pipeline.run(job_id).state == "cancelled"
    pipeline.held = ()
    assert client.post(f"/mcp/resume/{job_id}").status_code == 202
    assert pipeline.run(job_id).state == "completed"
    assert pipeline.ran.count("plan") == 1


def test_a_job_that_was_never_let_in_can_be_cancelled(quick: Settings, store: JobStore, storage: MemoryStorage) -> None:
    settings = replace(quick, max_concurrent_jobs=1)
    client, pipeline = create_app(settings, store, storage).test_client(), Pipeline(settings, store, storage)
    pipeline.held = ("plan",)
    first, second = accepted(client), accepted(client)
    pipeline.turn()
    waits = next(one for one in (first, second) if status(client, one)["current_step"] == "waiting for a place")
    assert status(client, waits)["status"] == "queued"
    client.post(f"/mcp/cancel/{waits}")
    assert pipeline.run(waits).state == "cancelled"


def test_a_partial_film_tells_which_scene_is_missing_and_is_whole_after_a_resume(
    client: FlaskClient, pipeline: Pipeline
) -> None:
    job_id = accepted(client, scenes=SCENES, on_scene_failure="partial")
    pipeline.trouble["segment:s2.0"] = Permanent("the picture is torn")
    assert pipeline.run(job_id).state == "partial"
    result = client.get(f"/mcp/result/{job_id}").json
    assert result["status"] == "partial"
    assert [one["scene"] for one in result["left_out"]] == ["s2"]
    assert "the picture is torn" in result["left_out"][0]["why"]
    view = status(client, job_id)
    assert view["overall_progress"] == 100
    assert view["scenes"][1]["state"] == "left out"
    assert "the picture is torn" in view["scenes"][1]["problem"]
    pipeline.trouble.clear()
    assert client.post(f"/mcp/resume/{job_id}").status_code == 202
    assert pipeline.run(job_id).state == "completed"
    assert client.get(f"/mcp/result/{job_id}").json["left_out"] == []


def test_media_that_cannot_be_used_is_replaced_and_the_shot_says_so(client: FlaskClient, pipeline: Pipeline) -> None:
    asset = client.post("/mcp/assets", data=png()).json["asset_id"]
    job_id = accepted(client, scenes=[{"narration": "A boat leaves.", "media": {"asset": asset}}])
    pipeline.trouble["acquire:s1.1"] = Permanent("it is broken")
    pipeline.run(job_id, lambda job: "search:s1.1" in job.steps)
    pipeline.trouble.clear()
    assert pipeline.run(job_id).state == "completed"
    (shot,) = status(client, job_id)["scenes"][0]["shots"]
    assert shot["why"] == "your file could not be used (it is broken); found on Pexels instead"
    assert shot["notes"] == ["your file could not be used (it is broken)"]


# progress


def test_progress_never_goes_back_within_a_version(
    client: FlaskClient, pipeline: Pipeline, film: str, at_once: None
) -> None:
    edit(client, film, drop=["s3"], scenes=[{"id": "s2", "narration": "Quiet."}])
    highest = -1

    def watched(job: Job) -> bool:
        nonlocal highest
        now = status(client, film)["overall_progress"]
        assert now >= highest
        highest = now
        return job.terminal

    pipeline.run(film, watched)
    assert highest == 100


# jobs that Redis has forgotten


def test_a_forgotten_job_is_read_from_its_manifest(
    client: FlaskClient, pipeline: Pipeline, film: str, store: JobStore, storage: MemoryStorage, quick: Settings
) -> None:
    paths = [f"/mcp/{what}/{film}" for what in ("status", "result", "storyboard", "versions")] + [
        f"/mcp/scenes/{film}/s3",
        f"/mcp/status/{film}?after=3",
        "/mcp/jobs",
    ]
    before = {path: client.get(path).json for path in paths}
    forgotten(store, storage, quick, film)
    assert {path: client.get(path).json for path in paths} == before
    assert client.get(f"/mcp/scenes/{film}/s1/video").status_code == 302
    assert problem_of(client.post(f"/mcp/cancel/{film}"), 409)["code"] == "already_ended"


def test_a_forgotten_job_can_be_edited_and_its_log_goes_on(
    client: FlaskClient,
    pipeline: Pipeline,
    film: str,
    store: JobStore,
    storage: MemoryStorage,
    quick: Settings,
    at_once: None,
) -> None:
    forgotten(store, storage, quick, film)
    assert edit(client, film, drop=["s2"]).status_code == 202
    assert pipeline.run(film).state == "completed"
    rendered = [step for step in pipeline.ran if step.startswith("segment")]
    assert rendered == ["segment:s1.0"], "the last scene is used again; the one before it now rests before the end"
    logs = client.get(f"/mcp/status/{film}?after=0").json["logs"]
    assert logs[0]["seq"] == 1
    assert "asked to edit (version 2)" in [line["message"] for line in logs]
    assert [one["status"] for one in client.get(f"/mcp/versions/{film}").json["versions"]] == ["completed"] * 2
    assert len(client.get(f"/mcp/result/{film}?version=1").json["scenes"]) == 3


def test_a_forgotten_failure_can_be_resumed(
    client: FlaskClient, pipeline: Pipeline, store: JobStore, storage: MemoryStorage, quick: Settings
) -> None:
    job_id = accepted(client, scenes=SCENES, on_scene_failure="fail")
    pipeline.trouble["segment:s2.0"] = Permanent("the disk speaks in tongues")
    pipeline.run(job_id)
    forgotten(store, storage, quick, job_id)
    assert problem_of(client.get(f"/mcp/result/{job_id}"), 409)["code"] == "failed"
    pipeline.trouble.clear()
    assert client.post(f"/mcp/resume/{job_id}").status_code == 202
    assert pipeline.run(job_id).state == "completed"


def test_forgotten_and_present_jobs_are_listed_together_in_order(
    client: FlaskClient, pipeline: Pipeline, store: JobStore, storage: MemoryStorage, quick: Settings
) -> None:
    made = [accepted(client, scenes=[{"show": f"sea {number}"}]) for number in range(6)]
    for job_id in made:
        pipeline.run(job_id)
    for job_id in (made[0], made[3], made[4]):
        forgotten(store, storage, quick, job_id)
    archive(store, storage, quick, made[1])  # both here and there
    seen: list[str] = []
    query = "/mcp/jobs?limit=2&status=completed"
    while query:
        page = client.get(query).json
        seen += [job["job_id"] for job in page["jobs"]]
        query = page["next_cursor"] and f"/mcp/jobs?limit=2&status=completed&cursor={page['next_cursor']}"
    assert seen == sorted(made, reverse=True)


# the whole of it once over real parts


@pytest.mark.slow
def test_edit_and_restore_over_the_real_service_and_store(
    redis_here: RedisServer, tmp_path: Any, store: JobStore
) -> None:
    (tmp_path / "objects").mkdir()
    with s3_server(tmp_path / "objects") as s3:
        settings = replace(s3, state_url=redis_here.url, broker_url=redis_here.url)
        pipeline = Pipeline(settings, store, S3Storage(settings))
        with api_server(settings, tmp_path / "api.log") as url, pipeline.alive():
            ask = requests.Session()
            job_id = ask.post(f"{url}/mcp/generate", json={"scenes": SCENES}).json()["job_id"]

            def ended(version: int) -> dict[str, Any]:
                def look() -> dict[str, Any] | None:
                    now = ask.get(f"{url}/mcp/status/{job_id}").json()
                    return now if now["status"] == "completed" and now["version"] == version else None

                return eventually(look)

            first = ended(1)
            film = ask.get(ask.get(f"{url}/mcp/result/{job_id}").json()["download_url"]).content
            scene = ask.get(first["scenes"][0]["download_url"])
            assert scene.status_code == 200
            assert scene.content.startswith(b"segment s")
            assert scene.headers["Content-Disposition"] == f'attachment; filename="{job_id}-s1.mp4"'
            edited = ask.patch(f"{url}/mcp/storyboard/{job_id}", json={"version": 1, "drop": ["s3"]})
            assert edited.json()["steps"]["reused"], edited.text
            ended(2)
            assert ask.get(ask.get(f"{url}/mcp/result/{job_id}").json()["download_url"]).content != film
            old = ask.get(f"{url}/mcp/result/{job_id}?version=1").json()
            assert ask.get(old["download_url"]).content == film
            assert ask.post(f"{url}/mcp/versions/{job_id}/1/restore").status_code == 202
            ended(3)
            assert ask.get(ask.get(f"{url}/mcp/result/{job_id}").json()["download_url"]).content == film
            ask.close()


# what the store has lost


def test_a_version_without_its_manifest_says_so_and_keeps_its_film(
    client: FlaskClient, pipeline: Pipeline, film: str, storage: MemoryStorage, at_once: None
) -> None:
    assert edit(client, film, voice="de").status_code == 202
    pipeline.run(film)
    for stored in storage.list("assets", "local/manifest/"):
        storage.delete("assets", stored.key)
    problem = problem_of(client.get(f"/mcp/result/{film}?version=1"), 404)
    assert problem["code"] == "no_longer_kept"
    assert f"/mcp/versions/{film}" in problem["detail"]
    assert client.get(f"/mcp/versions/{film}").json["versions"][0]["download_url"]
    assert client.get(f"/mcp/storyboard/{film}?version=1").status_code == 200


def test_a_damaged_manifest_is_a_problem_of_its_job_alone(
    client: FlaskClient, store: JobStore, storage: MemoryStorage, quick: Settings, film: str
) -> None:
    forgotten(store, storage, quick, film)
    (stored,) = storage.list("assets", "local/manifest/")
    storage.put_bytes("assets", stored.key, storage.get_bytes("assets", stored.key)[:100], "application/json")
    another = accepted(client)
    assert [job["job_id"] for job in client.get("/mcp/jobs").json["jobs"]] == [another]
    assert problem_of(client.get(f"/mcp/status/{film}"), 404)["code"] == "damaged"


def test_wishes_that_are_refused_do_not_bring_a_forgotten_job_back(
    client: FlaskClient, store: JobStore, storage: MemoryStorage, quick: Settings, film: str
) -> None:
    forgotten(store, storage, quick, film)
    assert edit(client, film, drop=["s99"]).status_code == 422
    assert edit(client, film, 7, voice="de").status_code == 409
    assert regenerate(client, film, "s99").status_code == 404
    assert client.post(f"/mcp/versions/{film}/1/restore").json["changed"] is False
    assert client.post(f"/mcp/resume/{film}").status_code == 409
    assert store.load(film) is None


def test_an_answer_tells_no_steps_before_the_storyboard_is_known(
    client: FlaskClient, store: JobStore, film: str, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The orchestrator has looked, but planning takes its time."""
    load = store.load

    def looked(job_id: str) -> Job | None:
        job = load(job_id)
        return replace(job, decided_version=job.version) if job is not None else None

    monkeypatch.setattr(store, "load", looked)
    assert edit(client, film, voice="de").json["steps"] is None


@pytest.mark.parametrize("field", ["drop", "order"])
def test_a_list_of_scenes_has_an_end(client: FlaskClient, film: str, field: str) -> None:
    problem = problem_of(edit(client, film, **{field: ["s1"] * 201}), 422)
    assert [error["field"] for error in problem["errors"]] == [field]


def test_a_restore_makes_known_only_what_others_may_have(
    client: FlaskClient, store: JobStore, pipeline: Pipeline, film: str, at_once: None
) -> None:
    job = store.load(film)
    assert job is not None
    noted = json.loads(job.steps["search:s2.1"].facts) | {"notes": [{"provider": "pexels", "problem": "throttled"}]}
    step = json.loads(store.scripts.client.hget(f"job:{film}", "step:search:s2.1")) | {"facts": json.dumps(noted)}
    store.scripts.client.hset(f"job:{film}", "step:search:s2.1", json.dumps(step))
    assert edit(client, film, voice="de").status_code == 202
    pipeline.run(film)
    for key in store.scripts.client.scan_iter("work:local:*"):
        store.scripts.client.delete(key)
    assert client.post(f"/mcp/versions/{film}/1/restore").status_code == 202
    works = [job.steps[name].fingerprint for name in ("search:s2.1", "acquire:s2.1")]
    private, public = store.known_work("local", works).values()
    assert private is None
    assert public is not None
