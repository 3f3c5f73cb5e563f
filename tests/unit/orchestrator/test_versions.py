"""Edits, restores and resumes: what runs again, what is reused, and what the record says meanwhile."""

from dataclasses import replace
from typing import Any

import pytest

from common.contracts.job import DONE, READY, RUNNING, SKIPPED, WAITING, Failure
from common.contracts.names import StepName
from common.contracts.request import VideoRequest
from orchestrator.engine.knowledge import Knowledge
from orchestrator.planners.rules import UNNAMED, plan
from orchestrator.workflow import Policy, decide
from tests.support.sim import CANVAS, Sim

NEVER = Failure(code="unusable", message="not ever")
SCENES: list[dict[str, Any]] = [
    {"narration": "One boat leaves the harbour.", "show": "a harbour"},
    {"narration": "Nobody knows where it goes.", "show": "the open sea"},
    {"narration": "It comes back at night.", "show": "a lighthouse"},
]


def film(**fields: Any) -> Sim:
    """A film with cuts only, so that no scene depends on another."""
    return Sim(VideoRequest(**({"scenes": SCENES, "transition": "cut"} | fields)))


def edited(sim: Sim, **changes: Any) -> list[str]:
    """The steps that run for an edit."""
    before = len(sim.ran)
    sim.edit(**changes)
    sim.run()
    assert sim.job.state == "completed"
    return sim.run_names(before)


def states(sim: Sim) -> dict[str, str]:
    return {name: step.state for name, step in sim.job.steps.items()}


# edits


def test_a_new_narration_is_spoken_and_rendered_and_the_other_scenes_stay() -> None:
    sim = film().run()
    ran = edited(sim, scenes=[{"id": "s2", "narration": "Everybody knows where it goes."}])
    assert ran == ["assemble", "mix", "plan", "publish", "search:s2.1", "segment:s2.0", "speak:s2"]
    assert sim.job.version == 2
    new = {name for name, step in sim.job.steps.items() if step.ran_version == 2}
    assert new == set(ran), "what was not made ready for this version was reused"


def test_another_picture_for_a_shot_leaves_the_sound_as_it_is() -> None:
    sim = film().run()
    ran = edited(sim, shots=[{"id": "s1.1", "candidate": "pexels:2"}])
    assert ran == ["assemble", "plan", "publish", "segment:s1.0"], "another scene has fetched the clip before"
    assert sim.spec("acquire:s1.1").candidate.id == "pexels:2"


def test_a_shot_that_is_to_show_something_else_is_cast_anew() -> None:
    sim = film(scenes=[{"show": "a harbour", "duration": 4}, {"show": "a harbour", "duration": 4}]).run()
    sim.edit(shots=[{"id": "s2.1", "candidate": "pexels:2"}])
    sim.run()
    assert sim.spec("acquire:s2.1").candidate.id == "pexels:2"
    sim.edit(shots=[{"id": "s2.1", "show": "a harbour by night"}])
    sim.run()
    assert sim.spec("acquire:s2.1").candidate.id == "pexels:1", "the best that the other shot has not taken"
    assert sim.spec("acquire:s1.1").candidate.id == "pexels:0"


def test_a_shot_never_shows_again_what_the_user_does_not_want() -> None:
    sim = film(scenes=[{"show": "a harbour"}]).run()
    sim.edit(shots=[{"id": "s1.1", "another": True}], avoid={"s1.1": ["pexels:0"]})
    sim.run()
    assert sim.spec("acquire:s1.1").candidate.id == "pexels:1"
    sim.edit(shots=[{"id": "s1.1", "another": True}], avoid={"s1.1": ["pexels:1"]})
    sim.run()
    assert sim.spec("acquire:s1.1").candidate.id == "pexels:2"


def test_the_seed_of_a_shot_goes_into_its_search_alone() -> None:
    sim = film(seed=5).run()
    edited(sim, shots=[{"id": "s1.1", "seed": 77}])
    assert [sim.spec(f"search:s{number}.1").query.seed for number in (1, 2, 3)] == [77, 5, 5]


def test_without_a_voice_the_usual_one_of_the_language_speaks_whatever_the_request_said() -> None:
    sim = film(voice="en-gb").run()
    edited(sim, voice=None)
    assert sim.spec("speak:s1").voice is None


def test_a_scene_that_is_to_last_shorter_keeps_what_was_found_for_it() -> None:
    sim = film(scenes=[{"show": "a harbour", "duration": 9}, {"show": "a pier"}]).run()
    assert "search:s1.1" not in edited(sim, scenes=[{"id": "s1", "duration": 6}])
    assert "search:s1.1" not in edited(sim, scenes=[{"id": "s1", "duration": 9}])
    assert "search:s1.1" in edited(sim, scenes=[{"id": "s1", "duration": 12}])


def test_another_voice_speaks_everything_again() -> None:
    sim = film().run()
    ran = edited(sim, voice="en-gb")
    assert {name for name in ran if StepName(name).kind == "speak"} == {"speak:s1", "speak:s2", "speak:s3"}
    assert not any(StepName(name).kind in ("search", "acquire") for name in ran)
    assert sim.spec("speak:s1").voice == "en-gb"


def test_the_voice_of_the_request_speaks_as_long_as_the_storyboard_has_none() -> None:
    sim = film(voice="en-us").run()
    assert sim.spec("speak:s1").voice == "en-us"


def test_scenes_in_another_order_are_rendered_again_only_at_the_ends() -> None:
    sim = film(scenes=[*SCENES, {"narration": "The end.", "show": "a pier"}]).run()
    ran = edited(sim, order=["s1", "s3", "s2", "s4"])
    # Before the last sentence the voice rests longer: s3 did, and s2 does now.
    assert ran == ["assemble", "mix", "plan", "publish", "segment:s2.0", "segment:s3.0"]
    ran = edited(sim, order=["s3", "s1", "s2", "s4"])
    assert ran == ["assemble", "mix", "plan", "publish", "segment:s1.0", "segment:s3.0"]


def test_the_steps_of_a_dropped_scene_are_put_away_and_come_back_unharmed() -> None:
    sim = film().run()
    ran = edited(sim, drop=["s2"])
    assert ran == ["assemble", "mix", "plan", "publish", "segment:s1.0"], "s1 now stands before the last sentence"
    assert {state for name, state in states(sim).items() if "s2" in name} == {SKIPPED}
    before = len(sim.ran)
    sim.restore(1)
    sim.run()
    assert sim.ran[before:] == ["publish"]
    assert set(states(sim).values()) == {DONE, SKIPPED}
    assert [name for name, state in states(sim).items() if state == SKIPPED] == ["plan"]


def test_new_scenes_are_made_and_old_ones_reused() -> None:
    sim = film().run()
    ran = edited(sim, add=[{"narration": "A storm comes up.", "show": "a storm", "after": "s1"}])
    assert [name for name in ran if "s4" not in name] == ["assemble", "mix", "plan", "publish"]
    assert [ref.scene for ref in sim.spec("assemble").segments] == ["s1", "s4", "s2", "s3"]


# what the record says


def test_while_an_edit_is_made_the_record_says_what_waits_and_what_is_reused() -> None:
    sim = film().run()
    sim.edit(scenes=[{"id": "s2", "narration": "Everybody knows where it goes."}])
    sim.look()
    assert (sim.job.decided_version, sim.job.storyboard) == (2, None)
    assert {name for name, state in states(sim).items() if state != DONE} == {"plan"}, "nothing is known yet"
    sim.work_off()
    sim.look()
    assert sim.job.storyboard is not None
    assert {name for name, state in states(sim).items() if state == READY} == {"speak:s2", "search:s2.1"}
    waiting = {name for name, state in states(sim).items() if state == WAITING}
    assert waiting == {"acquire:s2.1", "segment:s2.0", "mix", "assemble", "publish"}
    assert all(sim.job.steps[name].facts for name in waiting), "what they have done is kept"
    reused = {
        name for name, step in sim.job.steps.items() if step.state == DONE and step.ran_version < 2 and name != "cast"
    }
    assert reused == {
        *(f"{kind}:s{number}.1" for kind in ("search", "acquire") for number in (1, 3)),
        *(f"{name}:s{number}{end}" for name, end in (("speak", ""), ("segment", ".0")) for number in (1, 3)),
    }


def test_a_step_that_waited_is_done_again_without_running_when_its_inputs_come_out_the_same() -> None:
    sim = film().run()
    sim.edit(scenes=[{"id": "s2", "narration": "Everybody knows where it goes."}])
    sim.run(until=lambda sim: sim.job.steps["acquire:s2.1"].state == WAITING)
    before = len(sim.ran)
    sim.run()
    assert "acquire:s2.1" not in sim.ran[before:]
    step = sim.job.steps["acquire:s2.1"]
    assert (step.state, step.ran_version, step.reused) == (DONE, 1, False)


def test_looks_in_between_change_nothing_and_tell_nothing() -> None:
    sim = film().run()
    sim.edit(scenes=[{"id": "s2", "narration": "Everybody knows where it goes."}])
    while not sim.job.terminal:
        sim.look()
        decision = None if sim.job.terminal else sim.look()
        assert decision is None or not (decision.change.steps or decision.change.events or decision.change.head)
        sim.work_off()


def test_an_edit_of_a_running_job_leaves_running_steps_alone_until_they_have_other_work() -> None:
    sim = film()
    sim.run(until=lambda sim: {"segment:s1.0", "segment:s2.0"} <= set(sim.names(READY)))
    kept, changed = sim.claim("segment:s1.0"), sim.claim("segment:s2.0")
    assert kept is not None
    assert changed is not None
    sim.edit(scenes=[{"id": "s2", "narration": "Everybody knows where it goes."}])
    sim.look()
    assert states(sim)["segment:s2.0"] == RUNNING
    token = sim.claim("plan")
    assert token is not None
    sim.commit("plan", token)
    sim.look()
    assert sim.beat("segment:s1.0", kept, 0.5)
    assert not sim.beat("segment:s2.0", changed, 0.5), "its holder is told that it has lost it"
    assert sim.commit("segment:s1.0", kept)
    sim.run()
    assert sim.job.state == "completed"
    assert sim.ran.count("segment:s1.0") == 1


# versions


def test_restoring_a_version_runs_nothing_but_its_publication() -> None:
    sim = film().run()
    first = sim.versions[1]
    edited(sim, scenes=[{"id": "s2", "narration": "Everybody knows where it goes."}])
    before = len(sim.ran)
    sim.restore(1)
    sim.run()
    assert sim.job.state == "completed"
    assert sim.ran[before:] == ["publish"]
    assert sim.job.storyboard == first.storyboard
    restored = sim.versions[3].ending
    assert {**restored, "finished": 0} == {**first.ending, "finished": 0}
    assert restored["video"] != sim.versions[2].ending["video"]


@pytest.mark.parametrize("target", [3.0, 20.0])
def test_restoring_brings_back_the_pace_that_was_found_for_a_target(target: float) -> None:
    sim = film(duration_target=target).run()
    pace = sim.job.pins.pace
    long = "Everybody knows where it goes, and nobody wants to hear about it any more at all. " * 2
    edited(sim, scenes=[{"id": "s2", "narration": long}])
    before = len(sim.ran)
    sim.restore(1)
    sim.run()
    assert sim.ran[before:] == ["publish"]
    assert sim.job.pins.pace == pace


def test_a_target_finds_a_new_pace_for_new_words_only() -> None:
    scenes = [{"narration": "word " * 40, "show": "a harbour"}]
    sim = film(scenes=scenes, duration_target=15).run()
    slow = sim.job.pins.pace
    ran = edited(sim, shots=[{"id": "s1.1", "candidate": "pexels:2"}])
    assert "speak:s1" not in ran
    edited(sim, scenes=[{"id": "s1", "narration": "word " * 49}])
    assert sim.job.pins.pace > slow


def test_without_a_target_the_pace_stays() -> None:
    sim = film().run()
    edited(sim, scenes=[{"id": "s1", "narration": "word " * 60}])
    assert sim.job.pins.pace == 1.0


def test_restoring_keeps_out_what_was_left_out_and_an_edit_tries_it_again() -> None:
    def trouble(name: str, spec: Any) -> Failure | None:
        return NEVER if name == "speak:s2" and "Nobody" in spec.text else None

    sim = film(on_scene_failure="partial").run(trouble)
    assert sim.job.state == "partial"
    sim.edit(scenes=[{"id": "s2", "narration": "Everybody knows where it goes."}])
    sim.run(trouble)
    assert sim.job.state == "completed"
    before = len(sim.ran)
    sim.restore(1)
    sim.run(trouble)
    assert sim.job.state == "partial"
    assert sim.ran[before:] == ["publish"]


def test_what_failed_and_was_not_edited_is_not_tried_without_end() -> None:
    def trouble(name: str, spec: Any) -> Failure | None:
        return NEVER if name == "segment:s2.0" else None

    sim = film(on_scene_failure="partial").run(trouble)
    sim.edit(scenes=[{"id": "s1", "narration": "Two boats leave the harbour."}])
    sim.run(trouble)
    assert sim.job.state == "partial"
    assert sim.ran.count("segment:s2.0") == 2, "once for each version"


def test_a_cancelled_job_runs_only_what_is_missing_when_resumed() -> None:
    sim = film()
    sim.run(until=lambda sim: "segment:s1.0" in sim.names(READY))
    done = [name for name, state in states(sim).items() if state == DONE]
    sim.cancel()
    sim.look()
    assert sim.job.state == "cancelled"
    before = len(sim.ran)
    sim.resume()
    sim.run()
    assert sim.job.state == "completed"
    assert not set(done) & set(sim.ran[before:])


def test_a_finished_version_says_what_came_of_it() -> None:
    sim = film().run()
    told = sim.versions[1].ending
    facts = sim.job.steps["assemble"].facts
    assert told["state"] == "completed"
    assert str(told["video"]) in facts
    assert str(told["thumbnail"]) in facts
    assert told["seconds"] == sim.job.pins.seconds > 0
    assert told["finished"] == sim.job.finished == sim.now
    failed = film(on_scene_failure="fail").run(lambda name, spec: NEVER if name == "mix" else None)
    assert failed.versions[1].ending == {
        "state": "failed",
        "finished": failed.now,
        "video": "",
        "thumbnail": "",
        "seconds": 0.0,
    }


# one scene at a time


def test_a_scene_is_rendered_before_the_others_are_spoken() -> None:
    sim = film()
    sim.run(until=lambda sim: "speak:s1" in sim.names(READY))
    while "segment:s1.0" not in sim.names(READY):
        for name in sim.names(READY):
            if name not in ("speak:s2", "speak:s3"):
                token = sim.claim(name)
                assert token is not None
                sim.commit(name, token)
        sim.look()
    assert states(sim)["speak:s2"] == states(sim)["speak:s3"] == READY
    assert states(sim)["mix"] == WAITING
    assert sim.spec("segment:s1.0").voice is not None
    before = len(sim.ran)
    assert sim.run().job.state == "completed"
    assert sim.ran[before:].count("segment:s1.0") == 1


def test_with_a_target_no_scene_is_rendered_before_all_are_spoken() -> None:
    sim = film(duration_target=20)
    sim.run(until=lambda sim: "speak:s1" in sim.names(READY))
    for _ in range(10):
        for name in sim.names(READY):
            if name != "speak:s2":
                token = sim.claim(name)
                assert token is not None
                sim.commit(name, token)
        sim.look()
    assert not any(StepName(name).kind == "segment" and state != WAITING for name, state in states(sim).items())
    assert sim.run().job.state == "completed"


def test_a_job_that_was_not_let_in_is_only_cancelled_or_ended() -> None:
    sim = Sim(VideoRequest(scenes=SCENES), timeout=5_000)
    sim.job = replace(sim.job, started=0)
    decision = decide(sim.job, Knowledge(sim.objects), sim.fleet, Policy(CANVAS, sim.rules), sim.now)
    assert decision.change.look == sim.job.deadline
    assert not any((decision.change.steps, decision.change.head, decision.missing, decision.unknown))
    sim.now += 5_000
    sim.look()
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert sim.job.failure.code == "deadline"
    assert "turn" in sim.job.failure.message
    assert "QUEUE_SECONDS" in sim.job.failure.message


def test_the_planner_says_of_bare_media_what_the_film_takes_for_nothing() -> None:
    story = plan(VideoRequest(scenes=[{"media": {"asset": "ast_" + "0" * 32}}]))
    assert story.scenes[0].shots[0].show == UNNAMED
