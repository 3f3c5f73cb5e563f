"""What becomes of a film of which something cannot be made."""

import json
from dataclasses import replace
from typing import Any

import pytest

from common.contracts.job import DONE, FAILED, READY, SKIPPED, WAITING, Failure, Step
from common.contracts.kinds import parse_facts
from common.contracts.names import StepName, keys_in
from common.contracts.request import VideoRequest
from common.contracts.steps import CastFacts
from orchestrator.engine.attempts import Rules
from orchestrator.engine.memo import Memo
from tests.support.sim import LEASE, Sim, Trouble

NEVER = Failure(code="unusable", message="not ever")
AGAIN = Failure(code="temporarily_unavailable", message="not now", retryable=True)
OUTAGE = Failure(code="storage_unavailable", message="the store is away", retryable=True, outage=True)
OWN = {"asset": "ast_" + "0" * 32}
THREE = [
    {"narration": "One boat leaves.", "show": "a harbour"},
    {"narration": "Nobody knows where it goes.", "media": OWN},
    {"narration": "It comes back at night.", "show": "a lighthouse"},
]


def film(policy: str, scenes: list[dict[str, Any]] | None = None) -> Sim:
    """A film with cuts only, so that no scene depends on another."""
    return Sim(VideoRequest(scenes=scenes or THREE, on_scene_failure=policy, transition="cut"))


def failing(*names: str, kinds: str = "any") -> Trouble:
    """These steps fail for good; with `kinds`, only for footage of these kinds."""

    def trouble(name: str, spec: Any) -> Failure | None:
        if name not in names:
            return None
        shown = {clip.footage.kind for clip in spec.timeline.clips} if StepName(name).kind == "segment" else {"any"}
        return NEVER if kinds == "any" or kinds in shown else None

    return trouble


def casting(sim: Sim) -> CastFacts:
    facts: CastFacts = parse_facts("cast", sim.job.steps["cast"].facts)
    return facts


def rejected(sim: Sim, shot: str) -> list[tuple[str, str]]:
    return [(one.candidate, one.why) for one in casting(sim).rejected.get(shot, ())]


def shown(sim: Sim) -> list[str]:
    """The scenes of the film, in order."""
    return [ref.scene for ref in sim.spec("assemble").segments]


# stock footage, under every policy


@pytest.mark.parametrize("policy", ["fail", "fallback", "partial"])
def test_a_candidate_that_cannot_be_had_is_replaced_and_scenery_comes_last(policy: str) -> None:
    sim = film(policy, [{"show": "a harbour"}])
    sim.run(lambda name, spec: NEVER if StepName(name).kind == "acquire" and not spec.candidate.painted else None)
    assert sim.job.state == "completed"
    assert '"kind":"scenery"' in sim.job.steps["acquire:s1.1"].facts
    assert rejected(sim, "s1.1") == [(f"pexels:{number}", NEVER.message) for number in range(3)]


def test_a_failed_search_gives_scenery_instead_of_a_failed_job() -> None:
    sim = film("fail", [{"show": "a harbour"}]).run(failing("search:s1.1"))
    assert sim.job.state == "completed"
    assert '"kind":"scenery"' in sim.job.steps["acquire:s1.1"].facts


# own media


def test_policy_fail_names_the_scene_whose_media_is_unusable() -> None:
    sim = film("fail").run(failing("acquire:s2.1"))
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert (sim.job.failure.code, sim.job.failure.step) == (NEVER.code, "acquire:s2.1")
    assert sim.job.failure.message == f"scene 2: {NEVER.message}"


def test_policy_fallback_finds_other_footage_for_media_that_is_unusable_and_says_so() -> None:
    def trouble(name: str, spec: Any) -> Failure | None:
        return NEVER if StepName(name).kind == "acquire" and spec.candidate.own else None

    sim = film("fallback").run(trouble)
    assert sim.job.state == "completed"
    assert shown(sim) == ["s1", "s2", "s3"]
    assert rejected(sim, "s2.1") == [(f"own:{OWN['asset']}", NEVER.message)]
    assert casting(sim).chosen["s2.1"].startswith("pexels:")
    query = sim.spec("search:s2.1").query
    assert query.show == THREE[1]["narration"]
    assert query.terms, "the words to search for come from what is said"


def test_media_nobody_says_anything_about_is_replaced_by_what_the_film_is_about() -> None:
    def trouble(name: str, spec: Any) -> Failure | None:
        return NEVER if StepName(name).kind == "acquire" and spec.candidate.own else None

    sim = film("fallback", [THREE[0], {"media": OWN}]).run(trouble)
    query = sim.spec("search:s2.1").query
    assert sim.job.state == "completed"
    assert "media" not in " ".join((query.show, *query.terms))
    assert "harbour" in " ".join(query.terms)


def test_policy_partial_leaves_the_scene_out_and_says_why() -> None:
    sim = film("partial").run(failing("acquire:s2.1"))
    assert sim.job.state == "partial"
    assert sim.job.failure is None
    assert sim.job.pins.left_out == {"s2": f"scene 2: {NEVER.message}"}
    assert shown(sim) == ["s1", "s3"]
    steps = sim.job.steps
    assert (steps["acquire:s2.1"].state, steps["acquire:s2.1"].failure) == (FAILED, NEVER)
    assert (steps["segment:s2.0"].state, steps["speak:s2"].state) == (SKIPPED, SKIPPED)


# narrations and segments


@pytest.mark.parametrize("step", ["speak:s2", "segment:s2.0"])
def test_policy_fail_names_the_scene_that_cannot_be_made(step: str) -> None:
    sim = film("fail").run(failing(step))
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert (sim.job.failure.message, sim.job.failure.step) == (f"scene 2: {NEVER.message}", step)


@pytest.mark.parametrize("step", ["speak:s1", "segment:s1.0"])
def test_policy_partial_gives_the_other_scenes_the_ends_of_the_film(step: str) -> None:
    sim = film("partial").run(failing(step))
    assert sim.job.state == "partial"
    assert shown(sim) == ["s2", "s3"]
    offsets = {name: sim.spec(name).timeline.voice_offset for name in ("segment:s2.0", "segment:s3.0")}
    assert offsets == {"segment:s2.0": 14_400, "segment:s3.0": 0}
    assert sim.spec("mix").frames == sum(sim.spec(name).timeline.frames for name in offsets)


def test_policy_fallback_leaves_out_a_scene_that_cannot_be_spoken() -> None:
    sim = film("fallback").run(failing("speak:s3"))
    assert (sim.job.state, shown(sim)) == ("partial", ["s1", "s2"])


def test_a_segment_that_cannot_be_rendered_gets_other_footage() -> None:
    sim = film("fallback")
    sim.run(until=lambda sim: "segment:s1.0" in sim.names(READY))
    poison, footage = casting(sim).chosen["s1.1"], sim.job.steps["acquire:s1.1"].facts

    def trouble(name: str, spec: Any) -> Failure | None:
        return NEVER if name == "segment:s1.0" and sim.job.steps["acquire:s1.1"].facts == footage else None

    sim.run(trouble)
    assert sim.job.state == "completed"
    assert rejected(sim, "s1.1") == [(poison, f"it could not be rendered: {NEVER.message}")]
    assert casting(sim).chosen["s1.1"].startswith("pexels:")
    assert casting(sim).chosen["s1.1"] != poison


def test_a_segment_that_fails_twice_gets_scenery() -> None:
    sim = film("fallback").run(failing("segment:s1.0", kinds="video"))
    assert sim.job.state == "completed"
    assert len(rejected(sim, "s1.1")) == 2
    assert casting(sim).chosen["s1.1"].startswith("scenery:")


def test_a_segment_with_own_media_that_cannot_be_rendered_gets_other_footage_then_scenery() -> None:
    sim = film("fallback").run(failing("segment:s2.0", kinds="video"))
    assert sim.job.state == "completed"
    assert [candidate.partition(":")[0] for candidate, _ in rejected(sim, "s2.1")] == ["own", "pexels"]
    assert casting(sim).chosen["s2.1"].startswith("scenery:")


def test_only_the_shot_that_is_to_blame_is_replaced_be_it_the_next_scene_s() -> None:
    sim = Sim(VideoRequest(scenes=THREE, on_scene_failure="fallback", transition="crossfade"))
    blamed = NEVER.model_copy(update={"subject": "s2.1"})
    sim.run(lambda name, spec: blamed if name == "segment:s1.0" and not casting(sim).rejected else None)
    assert sim.job.state == "completed"
    assert {shot: len(why) for shot, why in casting(sim).rejected.items()} == {"s2.1": 1}


@pytest.mark.parametrize("policy", ["fail", "fallback", "partial"])
def test_a_damaged_watermark_costs_no_footage(policy: str) -> None:
    torn = Failure(code="bad_media", message="the watermark cannot be read")
    sim = Sim(VideoRequest(scenes=THREE, on_scene_failure=policy, watermark={"asset": "ast_" + "0" * 32}))
    sim.run(lambda name, spec: torn if name == "mark" else None)
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert (sim.job.failure.message, sim.job.failure.step) == (torn.message, "mark"), "it is no scene's fault"
    assert casting(sim).rejected == {}
    assert not [name for name in sim.ran if name.startswith("segment")]


def test_a_scene_that_cannot_even_be_painted_is_left_out() -> None:
    sim = film("fallback").run(failing("segment:s1.0"))
    assert sim.job.state == "partial"
    assert sim.job.pins.left_out == {"s1": f"scene 1: {NEVER.message}"}
    assert shown(sim) == ["s2", "s3"]


def test_what_could_not_be_rendered_in_one_scene_stays_in_another() -> None:
    sim = film("fallback", [{"show": "a harbour"}, {"show": "a harbour"}]).run()
    sim.edit(shots=[{"id": f"s{number}.1", "candidate": "pexels:2"} for number in (1, 2)])
    sim.run(failing("segment:s1.0", kinds="video"))
    assert sim.job.state == "completed"
    assert rejected(sim, "s1.1") == [("pexels:2", f"it could not be rendered: {NEVER.message}")]
    assert casting(sim).chosen == {"s1.1": "pexels:0", "s2.1": "pexels:2"}


def test_what_failed_under_the_old_words_says_nothing_about_the_new_ones() -> None:
    sim = film("fallback", [{"show": "a harbour"}, {"show": "a pier"}]).run(failing("segment:s1.0", kinds="video"))
    assert casting(sim).chosen["s1.1"].startswith("scenery:"), "two that cannot be rendered are enough"
    sim.edit(shots=[{"id": "s1.1", "show": "a lighthouse"}])
    sim.run()
    assert rejected(sim, "s1.1") == []
    assert casting(sim).chosen["s1.1"].startswith("pexels:")


@pytest.mark.parametrize("nothing", [None, []])
def test_what_failed_is_tried_again_when_the_user_says_so(nothing: object) -> None:
    bad = "pexels:0"
    sim = film("fallback", [{"show": "a harbour"}]).run(
        lambda name, spec: NEVER if StepName(name).kind == "acquire" and spec.candidate.id == bad else None
    )
    assert rejected(sim, "s1.1") == [(bad, NEVER.message)]
    sim.edit(shots=[{"id": "s1.1", "seed": 3}])
    sim.run()
    assert rejected(sim, "s1.1") == [(bad, NEVER.message)], "nobody took it back"
    sim.edit(shots=[{"id": "s1.1", "avoid": nothing}])
    sim.run()
    assert rejected(sim, "s1.1") == []
    assert casting(sim).chosen["s1.1"] == bad


def test_own_media_that_could_not_be_used_is_tried_again_when_it_is_given_again() -> None:
    sim = film("fallback")
    sim.run(lambda name, spec: NEVER if name == "acquire:s2.1" and spec.candidate.own else None)
    assert casting(sim).chosen["s2.1"].startswith("pexels:")
    sim.edit(scenes=[{"id": "s2", "narration": "Nobody."}])
    sim.run()
    assert rejected(sim, "s2.1"), "other words are no other file"
    sim.edit(scenes=[{"id": "s2", "media": OWN}])
    sim.run()
    assert rejected(sim, "s2.1") == []
    assert sim.spec("acquire:s2.1").candidate.own


# the film as a whole


@pytest.mark.parametrize("policy", ["fail", "fallback", "partial"])
@pytest.mark.parametrize("step", ["plan", "mix", "assemble", "publish"])
def test_what_concerns_the_whole_film_fails_the_job(policy: str, step: str) -> None:
    sim = film(policy).run(failing(step))
    assert sim.job.state == "failed"
    assert sim.job.failure == NEVER.model_copy(update={"step": step})


@pytest.mark.parametrize("policy", ["fallback", "partial"])
def test_a_film_without_any_scene_fails_with_the_first_reason(policy: str) -> None:
    def trouble(name: str, spec: Any) -> Failure | None:
        scene = name.partition(":")[2][:2]
        return NEVER.model_copy(update={"message": f"no {scene}"}) if StepName(name).kind == "segment" else None

    sim = film(policy).run(trouble)
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert sim.job.failure.message == "scene 1: no s1"
    assert len(sim.job.pins.left_out) == 3


def test_scenes_are_counted_as_they_stand_in_the_film() -> None:
    sim = film("partial").run()
    sim.edit(order=["s3", "s1", "s2"])
    sim.run(failing("segment:s3.0"))
    assert sim.job.pins.left_out == {"s3": f"scene 1: {NEVER.message}"}


def test_a_film_once_left_incomplete_is_tried_again_when_resumed() -> None:
    sim = film("partial").run(failing("segment:s2.0"))
    before = len(sim.ran)
    sim.resume()
    sim.run()
    assert sim.job.state == "completed"
    assert sim.run_names(before) == [
        "assemble",
        "mix",
        "publish",
        "segment:s1.0",
        "segment:s2.0",
    ], "the film has become longer, and the rest before its last sentence has moved"


def test_a_failed_job_runs_only_what_is_missing_when_resumed() -> None:
    sim = film("fail").run(failing("segment:s2.0"))
    done = {name for name, step in sim.job.steps.items() if step.state == DONE}
    before = len(sim.ran)
    sim.resume()
    sim.run()
    assert sim.job.state == "completed"
    assert not done & set(sim.ran[before:])
    assert "segment:s2.0" in sim.ran[before:]


def test_what_failed_stays_visible_when_the_job_ends() -> None:
    sim = film("fail").run(failing("plan"))
    assert sim.job.state == "failed"
    assert sim.job.steps["plan"].state == FAILED


# attempts


def test_attempts_are_counted_and_capped() -> None:
    sim = film("fail")
    sim.run(lambda name, spec: AGAIN if name == "plan" else None)
    assert sim.job.steps["plan"].attempt == sim.rules.max_attempts
    assert sim.job.failure is not None
    assert (sim.job.failure.code, sim.job.failure.message) == (AGAIN.code, AGAIN.message)


def test_restarts_of_workers_do_not_use_up_the_attempts_of_a_step() -> None:
    sim = Sim(VideoRequest(scenes=THREE), rules=Rules(max_attempts=2, max_losses=6))
    sim.look()
    for _ in range(5):
        assert sim.claim("plan") is not None
        sim.now += LEASE + 1
        sim.look()
    assert (sim.job.steps["plan"].attempt, sim.job.steps["plan"].losses) == (0, 5)
    assert sim.run().job.state == "completed"


def test_a_step_that_kills_every_worker_ends_its_job() -> None:
    sim = Sim(VideoRequest(scenes=THREE), rules=Rules(max_losses=4))
    sim.look()
    deaths = 0
    while sim.claim("plan") is not None:
        deaths += 1
        sim.now += LEASE + 1  # the worker dies
        sim.look()
    assert deaths == 4
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert sim.job.failure.code == "worker_lost"


def test_a_search_that_kills_every_worker_gives_scenery() -> None:
    sim = Sim(VideoRequest(scenes=[{"show": "a harbour"}]), rules=Rules(max_losses=2))
    for _ in range(60):
        sim.look()
        for name in sim.names(READY):
            token = sim.claim(name)
            if token is not None and StepName(name).kind != "search":
                sim.commit(name, token)
        sim.now += LEASE + 1
    assert sim.job.state == "completed"
    assert sim.runs[sim.job.steps["search:s1.1"].fingerprint] == 2


def test_a_retry_waits_for_its_backoff_and_for_what_the_provider_asked() -> None:
    sim = film("fail")
    sim.look()
    token = sim.claim("plan")
    assert token is not None
    sim.fail("plan", token, AGAIN.model_copy(update={"retry_after": 60.0}))
    sim.look()
    assert sim.job.steps["plan"].state == READY
    assert sim.claim("plan") is None
    sim.now += 60_000
    assert sim.claim("plan") is not None


@pytest.mark.parametrize(("pause", "timeout"), [(60.5, 3_600_000), (50.0, 45_000)], ids=["long", "past the deadline"])
def test_footage_that_is_to_be_had_too_late_is_replaced(pause: float, timeout: int) -> None:
    slow = AGAIN.model_copy(update={"retry_after": pause})
    sim = Sim(VideoRequest(scenes=[{"show": "a harbour"}]), timeout=timeout)
    start = sim.now
    sim.run(lambda name, spec: slow if name == "acquire:s1.1" and not spec.candidate.painted else None)
    assert sim.job.state == "completed"
    assert sim.now - start < 1000 * pause, "nobody waited for it"
    assert '"kind":"scenery"' in sim.job.steps["acquire:s1.1"].facts


# outages


def test_an_outage_of_our_own_costs_no_attempt_however_long_it_lasts() -> None:
    sim = film("fail")
    sim.look()
    for _ in range(50):
        token = sim.claim("plan")
        assert token is not None
        sim.fail("plan", token, OUTAGE)
        sim.look()
        assert sim.claim("plan") is None, "it pauses"
        sim.now += sim.rules.outage_ms
    step = sim.job.steps["plan"]
    assert (step.state, step.attempt, step.losses) == (READY, 0, 0)
    assert sim.run().job.state == "completed"


def test_an_outage_lasts_until_the_deadline_at_most() -> None:
    sim = Sim(VideoRequest(scenes=THREE), timeout=20_000)
    sim.run(lambda name, spec: OUTAGE)
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert sim.job.failure.code == "deadline"


# objects that are gone


@pytest.mark.parametrize(
    ("lost", "again"),
    [
        ("speak:s1", ["speak:s1", "mix", "segment:s1.0"]),
        ("acquire:s1.1", ["acquire:s1.1", "segment:s1.0"]),
        ("acquire:s2.1", ["acquire:s2.1", "segment:s2.0"]),
        ("segment:s1.0", ["segment:s1.0"]),
        ("mix", ["mix"]),
    ],
)
def test_what_is_gone_is_made_again_with_what_depends_on_it(lost: str, again: list[str]) -> None:
    sim = film("fail")
    sim.run(until=lambda sim: sim.names(READY) == ["assemble"])
    before = len(sim.ran)
    sim.lose(lost)
    if lost.startswith(("speak", "acquire")):
        sim.lose("segment:s2.0" if lost.endswith("s2.1") else "segment:s1.0")  # so that somebody misses it
    sim.run()
    assert sim.job.state == "completed"
    assert set(sim.ran[before:]) == {*again, "assemble", "publish"}
    assert sim.job.steps[lost].attempt == 1
    assert sim.job.steps["assemble"].attempt == 1, "to miss something is no fault of the step"


def test_where_all_parts_are_gone_one_step_fails_and_all_others_are_looked_after() -> None:
    sim = Sim(
        VideoRequest(
            scenes=[{"narration": f"Boat {number} leaves.", "show": "a harbour"} for number in "123456"],
            transition="cut",
        )
    )
    sim.run(until=lambda sim: sim.names(READY) == ["assemble"])
    for name in sim.names(DONE):
        if StepName(name).kind in ("speak", "acquire", "segment", "mix") and '"key"' in sim.job.steps[name].facts:
            sim.lose(name)
    failed: list[list[str]] = []
    while not sim.job.terminal:
        sim.look()
        sim.work_off()
        failed += [names] if (names := sorted(sim.names(FAILED))) else []
    assert sim.job.state == "completed"
    assert failed == [["assemble"]]


@pytest.mark.parametrize("change", ["edit", "restore"])
def test_in_a_new_version_nothing_fails_for_want_of_old_parts(change: str) -> None:
    sim = film("fail").run()
    sim.edit(scenes=[{"id": "s1", "narration": "One boat sails."}])
    sim.run()
    for key in [key for key in sim.objects if key.split("/")[1] not in ("request", "edit", "storyboard")]:
        del sim.objects[key]
    before = len(sim.ran)
    if change == "edit":
        sim.edit(scenes=[{"id": "s3", "narration": "It is back at night."}])
    else:
        sim.restore(1)
    while not sim.job.terminal:
        sim.look()
        assert sim.job.terminal or sim.work_off()
        assert not sim.names(FAILED)
    assert sim.job.state == "completed"
    ran = sim.ran[before:]
    assert {"assemble", "mix", "speak:s2", "segment:s2.0"} <= set(ran)
    assert len(ran) == len(set(ran)), "nothing is made twice"


def test_what_is_there_is_looked_for_once() -> None:
    sim = film("fail").run()
    sim.edit(scenes=[{"id": "s1", "narration": "One boat sails."}])
    asked: list[frozenset[str]] = []
    decide = sim.decide

    def listen(known: dict[str, str | None], vanished: frozenset[str], seen: set[str]) -> Any:
        decision = decide(known, vanished, seen)
        asked.extend([decision.doubted] if decision.doubted else [])
        return decision

    sim.decide = listen  # type: ignore[method-assign]
    sim.run(until=lambda sim: sim.names(READY) == ["speak:s1"])
    kept = {"speak:s2", "speak:s3", "segment:s2.0", "segment:s3.0", "acquire:s1.1"}
    assert asked == [frozenset(key for name in kept for key in keys_in(sim.job.steps[name].facts))]


def test_a_first_version_that_reuses_nothing_asks_for_nothing() -> None:
    sim = film("fail")
    decide = sim.decide

    def listen(known: dict[str, str | None], vanished: frozenset[str], seen: set[str]) -> Any:
        decision = decide(known, vanished, seen)
        assert not decision.doubted
        return decision

    sim.decide = listen  # type: ignore[method-assign]
    assert sim.run().job.state == "completed"


def test_work_whose_objects_are_gone_is_forgotten() -> None:
    sim = film("fail")
    sim.run(until=lambda sim: sim.names(READY) == ["assemble"])
    gone = sim.lose("mix")
    work = sim.job.steps["mix"].fingerprint
    assert gone in sim.work[work]
    sim.run()
    assert gone not in sim.work[work]


def test_a_result_that_another_job_has_made_meanwhile_is_taken() -> None:
    sim = film("fail")
    sim.run(until=lambda sim: sim.names(READY) == ["assemble"])
    other = Sim(sim.request)
    other.objects, other.stored = sim.objects, 1_000
    other.run(until=lambda sim: "mix" in sim.names(DONE))
    sim.lose("mix")
    step = sim.job.steps["mix"]
    sim.work[step.fingerprint] = other.job.steps["mix"].facts
    before = len(sim.ran)
    sim.run()
    assert sim.job.state == "completed"
    assert "mix" not in sim.ran[before:]
    assert sim.job.steps["mix"].facts == other.job.steps["mix"].facts


def test_what_is_lost_again_and_again_ends_the_job() -> None:
    sim = film("fail")
    for _ in range(200):
        sim.look()
        if sim.job.terminal:
            break
        sim.work_off()
        if "mix" in sim.names(DONE):
            sim.lose("mix")
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert sim.job.failure.code == "object_missing"
    assert sim.ran.count("mix") == sim.rules.max_losses


@pytest.mark.parametrize("lost", ["plan", "search:s1.1"])
def test_a_body_the_orchestrator_itself_cannot_read_is_made_again(lost: str) -> None:
    sim = film("fail")
    sim.run(until=lambda sim: lost in sim.names(DONE))
    sim.lose(lost)
    before = len(sim.ran)
    sim.run()
    assert sim.job.state == "completed"
    assert lost in sim.ran[before:]


def test_without_its_request_a_job_fails_and_says_so() -> None:
    sim = film("fallback")
    del sim.objects[sim.job.request.key]
    sim.run()
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert "the stored request is no longer there" in sim.job.failure.message


@pytest.mark.parametrize(
    ("schema", "why"), [("request.9", "has the schema request.9, and this release reads"), ("x", "is damaged")]
)
def test_a_request_that_another_release_wrote_fails_the_job_in_a_sentence(schema: str, why: str) -> None:
    sim = film("fallback").run(until=lambda sim: "plan" in sim.names(DONE))
    request = json.loads(sim.objects[sim.job.request.key])
    sim.objects[sim.job.request.key] = json.dumps({**request, "schema": schema}).encode()
    sim.memo = Memo()
    sim.run()
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert sim.job.failure.code == "unreadable_document"
    assert why in sim.job.failure.message


@pytest.mark.parametrize("made", ["plan", "search:s1.1"])
def test_a_document_of_another_release_that_a_step_has_made_is_made_again(made: str) -> None:
    sim = film("fail").run(until=lambda sim: made in sim.names(DONE))
    (key,) = keys_in(sim.job.steps[made].facts)
    sim.objects[key] = json.dumps({**json.loads(sim.objects[key]), "schema": "other.1"}).encode()
    sim.memo = Memo()
    before = len(sim.ran)
    sim.run()
    assert sim.job.state == "completed"
    assert made in sim.ran[before:]


@pytest.mark.parametrize("also", ["", " local/asset/other/media"])
def test_an_upload_that_is_gone_concerns_its_scene_only(also: str) -> None:
    gone = AGAIN.model_copy(update={"missing": f"local/asset/{OWN['asset']}/media{also}"})
    sim = film("partial").run(lambda name, spec: gone if name == "acquire:s2.1" else None)
    assert sim.job.state == "partial"
    assert "upload it again" in json.dumps(sim.job.pins.left_out)
    assert sim.ran.count("acquire:s2.1") == 1


@pytest.mark.parametrize("edits", [0, 1])
def test_a_storyboard_that_cannot_be_restored_fails_the_job(edits: int) -> None:
    sim = film("fallback").run()
    story = sim.job.storyboard
    assert story is not None
    for _ in range(edits):
        sim.edit(voice="en-gb")
        sim.run()
    del sim.objects[story.key]
    sim.restore(1)
    sim.run()
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert "storyboard" in sim.job.failure.message


def test_a_search_whose_result_is_lost_again_and_again_gives_scenery() -> None:
    sim = film("fail", [{"show": "a harbour"}])
    for _ in range(200):
        sim.look()
        if sim.job.terminal:
            break
        sim.work_off()
        if "search:s1.1" in sim.names(DONE) and sim.ran.count("search:s1.1") <= sim.rules.max_losses:
            sim.lose("search:s1.1")
    assert sim.job.state == "completed"
    assert sim.spec("acquire:s1.1").candidate.painted


# what goes on beside


def test_a_step_that_nobody_wants_any_more_is_taken_from_its_holder() -> None:
    sim = film("partial")
    sim.run(until=lambda sim: "segment:s2.0" in sim.names(READY))
    token = sim.claim("segment:s2.0")
    assert token is not None
    for name in ("mix", "segment:s1.0", "segment:s3.0"):
        if name in sim.names(READY):
            other = sim.claim(name)
            assert other is not None
            sim.commit(name, other)
    pins = replace(sim.job.pins, left_out={"s2": "scene 2: it was left out"})
    sim.job = replace(sim.job, pins=pins)
    sim.look()
    assert sim.job.steps["segment:s2.0"].state == SKIPPED
    assert not sim.beat("segment:s2.0", token, 0.5)
    assert not sim.commit("segment:s2.0", token)


def test_a_look_at_a_step_of_no_scene_puts_it_away() -> None:
    sim = film("fail")
    sim.run(until=lambda sim: "segment:s1.0" in sim.names(READY))
    orphan = Step("segment:s9.0", state="running", fingerprint="gone", token=99, lease=sim.now - 1)
    sim.job = replace(sim.job, steps={**sim.job.steps, orphan.name: orphan})
    decision = sim.look()
    assert decision is not None
    assert decision.change.look > sim.now + 1_000, "it does not make the reconciler spin"
    assert sim.job.steps[orphan.name].state == SKIPPED
    assert WAITING in {step.state for step in sim.job.steps.values()}


def test_a_result_that_is_known_but_whose_objects_are_gone_is_made_anew() -> None:
    first = Sim(VideoRequest(scenes=THREE)).run()
    assert first.job.state == "completed"
    for name in list(first.job.steps):
        if StepName(name).kind in ("plan", "search"):
            first.lose(name)
    second = Sim(VideoRequest(scenes=THREE))
    second.work, second.objects = dict(first.work), {**first.objects, **second.objects}
    second.run()
    assert second.job.state == "completed", second.job.failure
    ran = {StepName(name).kind for name in second.run_names(0)}
    assert {"plan", "search"} <= ran
    assert "speak" not in ran, "what is still there is used"
