"""Which toolchains a job takes, keeps and gives up; and whole jobs through a roll-out."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from api.views.status import voices_view
from common.contracts.job import DONE, READY, RUNNING, Failure, Passed, Pins, Step, VoiceCast, WorkerInfo
from common.contracts.kinds import NEEDS_BUILD, tool_of, toolchain
from common.contracts.names import StepName
from common.contracts.preview import PreviewRequest
from common.contracts.request import VideoRequest
from common.contracts.voice import Gender, Speaker, SpeechEngine, Voice, engines_of
from orchestrator.engine.capabilities import Fleet, Pinning
from orchestrator.engine.speakers import Speakers
from tests.support.sim import LEASE, Sim

PATIENCE = 60_000
NOW = 10_000_000


def renderers(*builds: str, recipe: str = "1") -> dict[str, set[str]]:
    return {kind: {f"{recipe}/{build}" for build in builds} for kind in NEEDS_BUILD}


def pinning(fleet: Fleet, pins: Pins | None = None, *steps: Step) -> Pinning:
    return Pinning(fleet, pins or Pins(), {step.name: step for step in steps}, NOW, PATIENCE)


def test_the_orchestrators_own_recipe_comes_first_then_the_least() -> None:
    own = toolchain("search")
    assert pinning(Fleet(live={"search": {"0", own, "7"}})).toolchain_for("search") == own
    assert pinning(Fleet(live={"search": {"9", "7"}})).toolchain_for("search") == "7"


def test_without_workers_a_step_waits_for_what_this_code_would_offer_but_a_tool_must_be_known() -> None:
    job = pinning(Fleet())
    assert job.toolchain_for("search") == toolchain("search")
    assert not job.waits
    assert job.toolchain_for("segment") is None
    assert job.waits
    job.waits = False
    assert chosen(job, None) == ""
    assert job.waits
    assert job.pins == Pins(toolchains={"search": toolchain("search")})


def test_all_that_is_rendered_comes_from_one_build() -> None:
    others = {kind: {"1/b", "1/c"} for kind in NEEDS_BUILD - {"segment"}}
    live = {"segment": {"1/a", "1/b"}, **others}
    job = pinning(Fleet(live=live))
    assert {job.toolchain_for(kind) for kind in sorted(NEEDS_BUILD)} == {"1/b"}
    assert job.pins.build == "b"
    assert pinning(Fleet(live={"segment": {"1/a"}})).toolchain_for("segment") is None


def test_a_build_with_this_codes_recipe_is_better_than_an_older_one() -> None:
    mixed = {kind: {"0/a", toolchain(kind, "b")} for kind in NEEDS_BUILD}
    assert pinning(Fleet(live=mixed)).toolchain_for("segment") == toolchain("segment", "b")


@pytest.mark.parametrize(
    ("steps", "seen", "moves"),
    [
        ([Step("segment:s1.0", state=READY)], NOW - PATIENCE - 1, True),
        ([Step("segment:s1.0", state=READY)], 0, True),
        ([Step("segment:s1.0", state=READY)], NOW - PATIENCE + 1, False),
        ([Step("segment:s1.0", state=DONE)], 0, False),
        ([Step("segment:s1.0", state=READY), Step("mix", state=RUNNING, lease=NOW + 1)], 0, False),
        ([Step("segment:s1.0", state=READY), Step("mix", state=RUNNING, lease=NOW - 1)], 0, True),
        ([Step("search:s1.1", state=READY)], 0, False),
    ],
    ids=["long ago", "never", "just now", "nobody waits", "still runs", "ran out", "another kind"],
)
def test_a_job_gives_up_an_offer_that_is_away_for_long_while_a_step_waits_for_it(
    steps: list[Step], seen: int, moves: bool
) -> None:
    pins = Pins(toolchains=dict.fromkeys(NEEDS_BUILD, "1/old"), build="old")
    fleet = Fleet(last_seen={kind: {"1/old": seen} for kind in NEEDS_BUILD}, live=renderers("new"))
    job = pinning(fleet, pins, *steps)
    assert job.toolchain_for("segment") == ("1/new" if moves else "1/old")
    assert job.pins.build == ("new" if moves else "old")


def test_an_offer_is_kept_when_there_is_no_other() -> None:
    pins = Pins(toolchains={"segment": "7", "search": "7"})
    job = pinning(Fleet(), pins, Step("segment:s1.0", state=READY), Step("search:s1.1", state=READY))
    assert [job.toolchain_for(kind) for kind in ("segment", "search")] == ["7", "7"]
    assert chosen(pinning(Fleet(), spoken(None, "b-1"), waiting("b-1")), None) == "b-1"


# speech engines


def engine(name: str, *voices: str, version: str = "1") -> SpeechEngine:
    """Voices of two letters are languages."""
    about = (Voice(id=voice, name=voice, language=voice if len(voice) == 2 else "") for voice in voices)
    return SpeechEngine(name=name, version=version, voices=tuple(about))


GERMAN, ENGLISH, BOTH = engine("a", "de", "anna"), engine("b", "en", "bob"), engine("c", "de", "en", "carl")


def speakers(*engines: SpeechEngine, seen: int = 0, gone: tuple[SpeechEngine, ...] = ()) -> Fleet:
    """A fleet with these engines, in order of preference; others were `seen` at a time."""
    live = {toolchain("speak", one.tool) for one in engines}
    last = dict.fromkeys(live, NOW) | {toolchain("speak", one.tool): seen for one in gone}
    return Fleet({"speak": last}, {"speak": live}, (), engines)


def chosen(job: Pinning, voice: str | None, language: str = "en") -> str:
    cast = Speakers(job).cast(Speaker(voice, language))
    return tool_of(cast.chain) if cast is not None else ""


def spoken(voice: str | None, tool: str, language: str = "en", **more: Any) -> Pins:
    """Pins of a job in which this engine speaks for this voice."""
    cast = VoiceCast(toolchain("speak", tool), tool.partition("-")[0], language=language)
    return Pins(casts={Speaker(voice, language).key: cast}, **more)


def waiting(tool: str) -> Step:
    return Step("speak:s1", state=READY, toolchain=toolchain("speak", tool))


@pytest.mark.parametrize(
    ("voice", "language", "first"),
    [
        (None, "en", "c-1"),
        (None, "de", "c-1"),
        (None, "de-AT", "c-1"),
        ("bob", "en", "b-1"),
        ("Anna", "de", "a-1"),
        ("anna", "en", "c-1"),
        ("EN", "de", "c-1"),
        ("nobody", "en", "c-1"),
        (None, "xx", "c-1"),
    ],
    ids=str,
)
def test_the_preferred_engine_that_has_voice_and_language_speaks_or_the_first_says_what_it_lacks(
    voice: str | None, language: str, first: str
) -> None:
    assert chosen(pinning(speakers(BOTH, ENGLISH, GERMAN)), voice, language) == first


def test_the_preference_of_the_fleet_decides_between_engines_with_the_language() -> None:
    assert chosen(pinning(speakers(ENGLISH, BOTH)), None) == "b-1"
    assert chosen(pinning(speakers(BOTH, ENGLISH)), None) == "c-1"


def test_a_job_keeps_its_engine_when_a_better_one_comes() -> None:
    assert chosen(pinning(speakers(BOTH, ENGLISH), spoken("en", "b-1"), waiting("b-1")), "en") == "b-1"


def test_an_engine_that_lacks_the_voice_gives_way_to_one_that_has_it_and_the_pace_is_fitted_anew() -> None:
    pins = spoken("de", "b-1", pace=1.1, paced="abc")
    job = pinning(speakers(ENGLISH, GERMAN), pins, Step("speak:s1", state=DONE))
    assert chosen(job, "de") == "a-1"
    assert (job.pins.pace, job.pins.paced) == (1.1, "")


def test_each_speaker_has_an_engine_of_their_own() -> None:
    job = pinning(speakers(ENGLISH, GERMAN))
    assert [chosen(job, voice) for voice in ("bob", "anna", None)] == ["b-1", "b-1", "b-1"], "anna speaks no English"
    assert [chosen(job, voice) for voice in ("bob", "a/de", "en")] == ["b-1", "a-1", "b-1"]
    assert {key: cast.voice for key, cast in job.pins.casts.items()} == {
        "bob en": "bob",
        "anna en": "anna",
        "en": None,
        "a/de en": "de",
        "en en": "en",
    }


def test_a_voice_that_nobody_lists_moves_no_job() -> None:
    pins = spoken("de+f3", "b-1", paced="abc")
    job = pinning(speakers(GERMAN, ENGLISH), pins)
    assert (chosen(job, "de+f3"), job.pins) == ("b-1", pins)


@pytest.mark.parametrize(("seen", "engine"), [(NOW - PATIENCE + 1, "b-1"), (NOW - PATIENCE - 1, "c-1"), (0, "c-1")])
def test_an_engine_that_is_away_for_long_gives_way_to_another_that_has_the_voice(seen: int, engine: str) -> None:
    job = pinning(speakers(GERMAN, BOTH, seen=seen, gone=(ENGLISH,)), spoken("en", "b-1"), waiting("b-1"))
    assert chosen(job, "en") == engine


def test_a_speaker_whose_engine_is_away_moves_although_the_step_of_another_one_runs() -> None:
    runs = Step("speak:s2", state=RUNNING, lease=NOW + 1, toolchain=toolchain("speak", "c-1"))
    job = pinning(speakers(GERMAN, BOTH, gone=(ENGLISH,)), spoken("en", "b-1"), waiting("b-1"), runs)
    assert chosen(job, "en") == "c-1"


def test_an_engine_that_is_away_is_waited_for_while_no_other_has_the_voice() -> None:
    job = pinning(speakers(GERMAN, seen=0, gone=(ENGLISH,)), spoken("bob", "b-1"), waiting("b-1"))
    assert chosen(job, "bob") == "b-1"
    assert job.waits


def test_a_new_job_waits_a_while_for_an_engine_that_has_just_gone_if_no_other_has_the_voice() -> None:
    job = pinning(speakers(GERMAN, seen=NOW - PATIENCE + 1, gone=(ENGLISH,)))
    assert (chosen(job, "bob"), job.waits) == ("", True)
    assert chosen(pinning(speakers(GERMAN, seen=NOW - PATIENCE - 1, gone=(ENGLISH,))), "bob") == "a-1"
    assert chosen(pinning(speakers(GERMAN, seen=NOW - 1, gone=(ENGLISH,))), "anna", "de") == "a-1"


def test_of_two_versions_of_an_engine_a_job_keeps_the_one_it_has() -> None:
    new = engine("b", "en", version="2")
    assert chosen(pinning(speakers(ENGLISH, new)), None) == "b-1"
    assert chosen(pinning(speakers(ENGLISH, new), spoken(None, "b-2")), None) == "b-2"


def test_a_worker_of_the_release_before_keeps_its_jobs_and_gets_no_new_ones() -> None:
    fleet = replace(speakers(ENGLISH), live={"speak": {"1", toolchain("speak", "b-1")}})
    of_before = Speakers(pinning(fleet, Pins(toolchains={"speak": "1"}))).cast(Speaker(None, "en"))
    assert of_before is not None
    assert of_before.chain == "1"
    assert chosen(pinning(fleet), "bob") == "b-1"


def test_a_job_of_the_release_before_keeps_its_engine_and_is_taken_over_with_any_name_of_a_voice() -> None:
    pins = Pins(toolchains={"speak": toolchain("speak", "c-1")})
    assert chosen(pinning(speakers(ENGLISH, BOTH), pins), None) == "c-1"
    pins = Pins(toolchains={"speak": "1"})
    step = Step("speak:s1", state=READY, toolchain="1")
    assert chosen(pinning(speakers(ENGLISH), pins, step), "en-us+f3") == "b-1"


# neutral names, and engines that cannot speak


def gendered(name: str, **voices: Gender) -> SpeechEngine:
    """Voices that speak English; one named `de` speaks German."""
    tongues = {voice: "de" if voice == "de" else "en-US" for voice in voices}
    about = (Voice(id=id, name=id, language=tongues[id], gender=gender) for id, gender in voices.items())
    return SpeechEngine(name=name, version="1", voices=tuple(about))


MEN, WOMEN = gendered("m", bob="male", de="male"), gendered("w", ann="female", amy="female")


@pytest.mark.parametrize(
    ("voice", "language", "tool", "id"),
    [
        ("en-US-neutral", "en-US", "m-1", None),
        ("en-neutral", "en", "m-1", None),
        ("en-US-female", "en", "w-1", "ann"),
        ("EN-us-Male", "en-us", "m-1", "bob"),
        ("de-DE-female", "de-DE", "m-1", None),
        ("w/amy", "en", "w-1", "amy"),
        ("M/Bob", "en", "m-1", "bob"),
    ],
)
def test_a_neutral_name_is_the_best_voice_that_there_is(voice: str, language: str, tool: str, id: str | None) -> None:
    job = pinning(speakers(MEN, WOMEN))
    assert chosen(job, voice, language) == tool
    assert job.pins.casts[Speaker(voice, language).key].voice == id


def passed_over(job: Pinning, voice: str | None, *whys: str) -> list[str]:
    """The engines that speak for the voice, after each failed with its reason."""
    found = [chosen(job, voice)]
    for why in whys:
        if not Speakers(job).pass_over(Speaker(voice, "en"), why):
            return [*found, "nobody"]
        found.append(chosen(job, voice))
    return found


def test_an_engine_that_cannot_speak_gives_way_to_the_next_and_the_record_says_why() -> None:
    job = pinning(speakers(WOMEN, MEN, GERMAN, BOTH), Pins(paced="abc"))
    assert passed_over(job, None, "403", "silence", "half") == ["w-1", "m-1", "c-1", "nobody"]
    assert job.pins.casts["en"].passed == (Passed("w-1", "w", "403"), Passed("m-1", "m", "silence"))
    assert job.pins.paced == ""


@pytest.mark.parametrize(("voice", "like"), [("amy", "ann"), ("w/ann", "ann"), ("bob", None)])
def test_in_the_place_of_a_voice_speaks_one_of_its_gender_if_there_is_one(voice: str, like: str | None) -> None:
    others = gendered("o", tom="male", ann="female") if like else gendered("o", eve="female")
    job = pinning(speakers(WOMEN, MEN, others))
    passed_over(job, voice, "403")
    cast = job.pins.casts[Speaker(voice, "en").key]
    assert cast.voice == like
    assert chosen(job, voice) == cast.chain.partition("/")[2], "it stays there, though it lacks the voice"


def test_an_engine_that_was_passed_over_is_not_taken_again_when_its_successor_goes() -> None:
    job = pinning(speakers(WOMEN, MEN))
    passed_over(job, None, "403")
    later = pinning(speakers(WOMEN, BOTH, gone=(MEN,)), job.pins, waiting("m-1"))
    assert chosen(later, None) == "c-1"


@pytest.mark.parametrize("workers", list(itertools.permutations(range(3))), ids=str)
def test_an_engine_stands_where_the_worker_puts_it_that_likes_it_least(workers: tuple[int, ...]) -> None:
    lists = [[GERMAN, ENGLISH], [ENGLISH], [BOTH, GERMAN]]
    fleet = [
        WorkerInfo(str(number), "whisper_worker", 1, {"speech": [one.model_dump() for one in lists[number]]})
        for number in workers
    ]
    assert [one.name for one in engines_of(fleet)] == ["c", "a", "b"]


def test_a_worker_that_describes_its_engines_in_a_form_of_its_own_is_passed_over() -> None:
    strange = [{"name": "a", "version": "2", "voices": [], "colour": "red"}, {"name": "b"}, "c"]
    workers = [WorkerInfo("w", "s", 1, {"speech": strange}), WorkerInfo("v", "s", 1, {"voices": ["f3"]})]
    assert engines_of(workers) == ()


# whole jobs


def of_engine(sim: Sim) -> set[str]:
    return {tool_of(step.toolchain) for name, step in sim.job.steps.items() if StepName(name).kind == "speak"}


def test_an_edit_to_a_voice_of_another_engine_speaks_all_of_the_film_with_that_engine() -> None:
    sim = Sim(REQUEST)
    sim.engines = (ENGLISH, GERMAN)
    sim.run()
    assert of_engine(sim) == {"b-1"}
    sim.edit(voice="anna")
    sim.run()
    assert (sim.job.state, of_engine(sim)) == ("completed", {"b-1"}), "anna speaks no English"
    sim.edit(voice="de")
    before = len(sim.ran)
    sim.run()
    assert (sim.job.state, of_engine(sim)) == ("completed", {"a-1"})
    assert {"speak:s1", "speak:s2"} <= set(sim.ran[before:])
    sim.edit(voice="bob")
    sim.run()
    assert of_engine(sim) == {"b-1"}


def test_the_same_words_are_known_of_the_same_engine_only() -> None:
    sim = Sim(REQUEST)
    sim.engines = (ENGLISH, BOTH)
    sim.run(until=lambda sim: "mix" in sim.job.steps)
    first = {name: step.fingerprint for name, step in sim.job.steps.items() if StepName(name).kind == "speak"}
    other = Sim(REQUEST)
    other.engines = (BOTH, ENGLISH)
    other.run()
    assert all(other.job.steps[name].fingerprint != work for name, work in first.items())


@pytest.mark.parametrize("target", [None, 9.0])
def test_an_engine_that_takes_over_speaks_every_scene(target: float | None) -> None:
    sim = Sim(REQUEST.model_copy(update={"duration_target": target}))
    sim.engines = (ENGLISH,)
    sim.run(until=lambda sim: "speak:s2" in sim.names(READY))
    token = sim.claim("speak:s1")
    assert token is not None
    assert sim.commit("speak:s1", token)
    sim.engines = (BOTH,)
    started = sim.now
    sim.run()
    assert sim.now - started >= sim.rules.repin_ms
    assert (sim.job.state, of_engine(sim)) == ("completed", {"c-1"})
    assert bool(sim.job.pins.paced) == (target is not None)


def test_a_film_with_a_target_is_fitted_to_the_engine_that_took_over() -> None:
    sim = Sim(REQUEST.model_copy(update={"duration_target": 9.0}))
    sim.engines = (ENGLISH, GERMAN)
    sim.run()
    before = len(sim.ran)
    sim.edit(voice="de")
    sim.run(until=lambda sim: of_engine(sim) == {"a-1"})
    assert sim.job.pins.paced == ""
    sim.run()
    assert (sim.job.state, bool(sim.job.pins.paced)) == ("completed", True)
    assert sim.ran[before:].count("speak:s1") == 1, "its pace fits as it is"


REQUEST = VideoRequest(script="Bees are small. Bees matter to us all. Without them most orchards would be bare.")


def half_rendered() -> Sim:
    """The sound and one segment are done, the other segment is not."""
    sim = Sim(REQUEST)
    sim.run(until=lambda sim: len([n for n in sim.names(READY) if StepName(n).kind == "segment"]) == 2)
    for step in ("segment:s1.0", "mix"):
        token = sim.claim(step)
        assert token is not None
        assert sim.commit(step, token)
    return sim


def test_a_short_absence_of_its_build_changes_nothing() -> None:
    sim = half_rendered()
    sim.builds = {"build-2"}
    before = len(sim.ran)
    for _ in range(5):
        sim.now += 10_000
        sim.look()
        assert not sim.work_off()
    sim.builds = {"build-1", "build-2"}
    sim.run()
    assert sim.job.state == "completed"
    assert sim.job.pins.build == "build-1"
    assert set(sim.runs.values()) == {1}
    assert sim.run_names(before) == ["assemble", "publish", "segment:s2.0"]


def test_a_job_whose_build_is_gone_for_good_is_rendered_by_another_and_nothing_else_is_done_again() -> None:
    sim = half_rendered()
    sim.builds = {"build-2"}
    before = len(sim.ran)
    sim.look()
    started = sim.now
    sim.run()
    assert sim.now - started >= sim.rules.repin_ms
    assert sim.job.state == "completed"
    assert sim.run_names(before) == sorted(["segment:s1.0", "segment:s2.0", "mix", "assemble", "publish"])
    made = {step.toolchain for name, step in sim.job.steps.items() if StepName(name).kind in NEEDS_BUILD}
    assert {one.partition("/")[2] for one in made} == {"build-2"}


def test_a_step_that_runs_holds_the_job_to_its_build() -> None:
    sim = half_rendered()
    token = sim.claim("segment:s2.0")
    assert token is not None
    sim.builds = {"build-2"}
    for _ in range(20):
        sim.now += LEASE - 1
        assert sim.beat("segment:s2.0", token, 0.5)
        sim.look()
    assert sim.job.pins.build == "build-1"
    assert sim.commit("segment:s2.0", token)
    sim.run()
    assert (sim.job.state, sim.job.pins.build) == ("completed", "build-2")


def test_a_job_is_finished_by_workers_with_a_newer_recipe() -> None:
    sim = Sim(REQUEST)
    sim.run(until=lambda sim: "speak:s2" in sim.names(READY))
    sim.recipes = {"speak": "99"}
    sim.run()
    assert sim.job.state == "completed"
    assert {step.toolchain for name, step in sim.job.steps.items() if StepName(name).kind == "speak"} == {"99/test-1"}


def test_a_film_that_is_only_to_be_published_needs_no_renderer() -> None:
    sim = Sim(REQUEST)
    sim.run(until=lambda sim: "publish" in sim.names(READY))
    before = len(sim.ran)
    sim.builds = {"build-2"}
    sim.now += 10 * sim.rules.repin_ms
    sim.run()
    assert (sim.job.state, sim.ran[before:]) == ("completed", ["publish"])


def test_a_step_that_gets_ready_for_an_absent_renderer_is_looked_at_soon() -> None:
    sim = half_rendered()
    assert "mix" in sim.names(DONE) or sim.work_off()
    while not {"mix", "segment:s2.0"} <= set(sim.names(DONE)):
        sim.look()
        sim.work_off()
    sim.builds = {"build-2"}
    sim.now += 10 * sim.rules.repin_ms
    first = sim.look()
    assert first is not None
    assert sim.names(READY) == ["assemble"]
    assert first.change.look <= sim.now + 1_000
    sim.now = first.change.look
    sim.look()
    assert sim.job.pins.build == "build-2"


def test_nobody_looks_out_for_workers_that_no_step_waits_for() -> None:
    sim = half_rendered()
    sim.recipes = {"speak": "99"}
    decision = sim.look()
    assert decision is not None
    assert decision.change.look > sim.now + 1_000


def test_nothing_is_rendered_before_a_renderer_is_there() -> None:
    sim = Sim(REQUEST)
    sim.builds = set()
    for _ in range(20):
        decision = sim.look()
        sim.builds = {"build-1"}  # whatever needs no build can be done
        for name in sim.names(READY):
            token = sim.claim(name)
            assert token is not None
            sim.commit(name, token)
        sim.builds = set()
    assert not any(StepName(name).kind == "segment" and step.state != "waiting" for name, step in sim.job.steps.items())
    assert decision is not None
    assert decision.change.look <= sim.now + 1_000, "it looks out for a renderer"
    sim.builds = {"build-1"}
    assert sim.run().job.state == "completed"


def refusing(sim: Sim, *tools: str, code: str = "voice_unavailable") -> Callable[[str, Any], Failure | None]:
    """The engines that cannot speak."""
    failure = Failure(code=code, message="it answered 403")
    return lambda name, spec: failure if tool_of(sim.job.steps[name].toolchain) in tools else None


@pytest.mark.parametrize("target", [None, 9.0])
def test_a_film_is_spoken_by_the_next_engine_when_the_first_refuses_in_the_middle_of_it(target: float | None) -> None:
    sim = Sim(REQUEST.model_copy(update={"duration_target": target}))
    sim.engines = (ENGLISH, BOTH)
    sim.run(until=lambda sim: "speak:s2" in sim.names(READY))
    token = sim.claim("speak:s1")
    assert token is not None
    assert sim.commit("speak:s1", token)
    sim.run(refusing(sim, "b-1"))
    assert (sim.job.state, of_engine(sim)) == ("completed", {"c-1"}), "one film, one voice"
    (said,) = voices_view(sim.job)
    assert (said["engine"], said["instead_of"]) == ("c", [{"engine": "b", "why": "it answered 403"}])


@pytest.mark.parametrize("policy", ["fail", "fallback"])
def test_a_film_that_no_engine_can_speak_ends_as_any_other_scene_that_cannot_be_made(policy: Any) -> None:
    sim = Sim(REQUEST.model_copy(update={"on_scene_failure": policy}))
    sim.engines = (ENGLISH, BOTH)
    sim.run(refusing(sim, "b-1", "c-1"))
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert "it answered 403" in sim.job.failure.message
    assert sim.ran.count("speak:s1") <= 2, "each engine is asked once"


def test_an_engine_that_fails_in_two_scenes_at_once_gives_way_to_the_next_and_not_to_the_one_after_it() -> None:
    sim = Sim(REQUEST)
    sim.engines = (ENGLISH, BOTH, BOTH.model_copy(update={"name": "d"}))
    sim.run(refusing(sim, "b-1"))
    assert {"speak:s1", "speak:s2"} <= set(sim.ran), "both have failed before anybody looked"
    assert (sim.job.state, of_engine(sim)) == ("completed", {"c-1"})


def mumbling(sim: Sim, *tools: str) -> Callable[[str, Any], Failure | None]:
    """The engines that speak, but are not understood; that is put up with where the step is lenient."""
    failure = Failure(code="misread", message="half of it is heard as something else")

    def fails(name: str, spec: Any) -> Failure | None:
        return failure if tool_of(sim.job.steps[name].toolchain) in tools and not spec.lenient else None

    return fails


def test_an_engine_that_is_not_understood_gives_way_to_the_next() -> None:
    sim = Sim(REQUEST)
    sim.engines = (ENGLISH, BOTH)
    sim.run(mumbling(sim, "b-1"))
    assert (sim.job.state, of_engine(sim)) == ("completed", {"c-1"})
    (said,) = voices_view(sim.job)
    assert said["instead_of"] == [{"engine": "b", "why": "half of it is heard as something else"}]


def test_where_nobody_is_understood_the_last_engine_is_taken_as_it_is() -> None:
    sim = Sim(REQUEST)
    sim.engines = (ENGLISH, BOTH)
    sim.run(mumbling(sim, "b-1", "c-1"))
    assert (sim.job.state, of_engine(sim)) == ("completed", {"c-1"})
    assert sim.job.pins.casts["en"].lenient


def test_one_that_is_not_understood_is_better_than_one_that_does_not_speak() -> None:
    sim = Sim(REQUEST)
    sim.engines = (ENGLISH, BOTH)
    refuses, mumbles = refusing(sim, "c-1"), mumbling(sim, "b-1")
    sim.run(lambda name, spec: refuses(name, spec) or mumbles(name, spec))
    assert (sim.job.state, of_engine(sim)) == ("completed", {"b-1"})
    assert [one.engine for one in sim.job.pins.casts["en"].passed] == ["c"]
    sim.edit(speed=0.8)
    sim.run(refusing(sim, "b-1", "c-1"))
    assert sim.job.state == "failed", "it is not asked for ever"


@pytest.mark.parametrize("code", ["bad_text", "failed", "object_missing"])
def test_another_engine_is_not_asked_for_what_is_no_fault_of_the_first(code: str) -> None:
    sim = Sim(REQUEST)
    sim.engines = (ENGLISH, BOTH)
    sim.run(refusing(sim, "b-1", code=code))
    assert (sim.job.state, of_engine(sim)) == ("failed", {"b-1"})


def test_a_preview_is_spoken_by_the_next_engine_too() -> None:
    sim = Sim(PreviewRequest(text="Hello"))  # type: ignore[arg-type]
    sim.job = replace(sim.job, kind="voice_preview")
    sim.engines = (ENGLISH, BOTH)
    sim.run(refusing(sim, "b-1"))
    assert (sim.job.state, of_engine(sim)) == ("completed", {"c-1"})


def test_each_scene_has_its_voice_and_an_edit_of_one_speaks_that_scene_only() -> None:
    scenes = [{"narration": "Bees are small."}, {"narration": "Bees matter.", "voice": "a/de"}]
    sim = Sim(VideoRequest.model_validate({"scenes": scenes}))
    sim.engines = (ENGLISH, GERMAN)
    sim.run()
    assert [tool_of(sim.job.steps[f"speak:s{number}"].toolchain) for number in (1, 2)] == ["b-1", "a-1"]
    before = len(sim.ran)
    sim.edit(scenes=[{"id": "s2", "voice": "bob"}])
    sim.run()
    assert [name for name in sim.ran[before:] if name.startswith("speak")] == ["speak:s2"]
    assert {key: cast.engine for key, cast in sim.job.pins.casts.items()} == {"en": "b", "bob en": "b"}
    sim.edit(scenes=[{"id": "s2", "voice": None}])
    sim.run()
    assert list(sim.job.pins.casts) == ["en"], "nobody asks for the other voice any more"


def test_speed_and_pitch_are_those_of_the_version() -> None:
    sim = Sim(REQUEST.model_copy(update={"speed": 1.5, "pitch": -2.0}))
    sim.run()
    assert [manner(sim, "speak:s1")] == [(1.5, -2.0)]
    sim.edit(speed=0.8)
    sim.run()
    assert [manner(sim, "speak:s1")] == [(0.8, -2.0)]
    sim.edit(speed=None, pitch=None)
    sim.run()
    assert [manner(sim, "speak:s1")] == [(1.5, -2.0)]


def manner(sim: Sim, step: str) -> tuple[float, float]:
    """Pace and pitch of the work that was last done."""
    spec = sim.specs[sim.job.steps[step].fingerprint]
    return spec.pace, spec.pitch
