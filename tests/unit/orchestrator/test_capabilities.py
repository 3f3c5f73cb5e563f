"""Which toolchains a job takes, keeps and gives up; and whole jobs through a roll-out."""

import itertools
from dataclasses import replace

import pytest

from common.contracts.job import DONE, READY, RUNNING, Pins, Step, WorkerInfo
from common.contracts.kinds import NEEDS_BUILD, tool_of, toolchain
from common.contracts.names import StepName
from common.contracts.request import VideoRequest
from common.contracts.voice import SpeechEngine, Voice, engines_of
from orchestrator.engine.capabilities import Fleet, Pinning, Speaker
from tests.support.sim import LEASE, Sim

PATIENCE = 60_000
NOW = 10_000_000


def renderers(*builds: str, recipe: str = "1") -> dict[str, set[str]]:
    return {kind: {f"{recipe}/{build}" for build in builds} for kind in NEEDS_BUILD}


def pinning(fleet: Fleet, pins: Pins | None = None, *steps: Step) -> Pinning:
    return Pinning(fleet, pins or Pins(), {step.name: step for step in steps}, NOW, PATIENCE, Speaker(None, "en"))


def test_the_orchestrators_own_recipe_comes_first_then_the_least() -> None:
    own = toolchain("search")
    assert pinning(Fleet(live={"search": {"0", own, "7"}})).toolchain_for("search") == own
    assert pinning(Fleet(live={"search": {"9", "7"}})).toolchain_for("search") == "7"


def test_without_workers_a_step_waits_for_what_this_code_would_offer_but_a_tool_must_be_known() -> None:
    job = pinning(Fleet())
    assert job.toolchain_for("search") == toolchain("search")
    assert not job.waits
    assert job.toolchain_for("segment") is None
    assert job.toolchain_for("speak") is None
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
        ([Step("speak:s1", state=READY)], 0, False),
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
    pins = Pins(toolchains={"speak": "7", "search": "7"})
    job = pinning(Fleet(), pins, Step("speak:s1", state=READY), Step("search:s1.1", state=READY))
    assert [job.toolchain_for(kind) for kind in ("speak", "search")] == ["7", "7"]


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
    job.speaker = Speaker(voice, language)
    return tool_of(job.toolchain_for("speak") or "")


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
    pins = Pins(toolchains={"speak": toolchain("speak", "b-1")})
    assert chosen(pinning(speakers(BOTH, ENGLISH), pins, Step("speak:s1", state=READY)), "en") == "b-1"


def test_a_voice_of_another_engine_moves_the_job_there_at_once_and_its_pace_is_fitted_anew() -> None:
    pins = Pins(toolchains={"speak": toolchain("speak", "b-1"), "plan": "1"}, pace=1.1, paced="abc")
    job = pinning(speakers(ENGLISH, GERMAN), pins, Step("speak:s1", state=DONE))
    assert chosen(job, "de") == "a-1"
    assert job.pins == Pins(toolchains={"speak": toolchain("speak", "a-1"), "plan": "1"}, pace=1.1)


def test_a_voice_that_nobody_lists_moves_no_job() -> None:
    pins = Pins(toolchains={"speak": toolchain("speak", "b-1")}, paced="abc")
    job = pinning(speakers(GERMAN, ENGLISH), pins)
    assert (chosen(job, "de+f3"), job.pins) == ("b-1", pins)


@pytest.mark.parametrize(("seen", "engine"), [(NOW - PATIENCE + 1, "b-1"), (NOW - PATIENCE - 1, "c-1"), (0, "c-1")])
def test_an_engine_that_is_away_for_long_gives_way_to_another_that_has_the_voice(seen: int, engine: str) -> None:
    pins = Pins(toolchains={"speak": toolchain("speak", "b-1")})
    job = pinning(speakers(GERMAN, BOTH, seen=seen, gone=(ENGLISH,)), pins, Step("speak:s1", state=READY))
    assert chosen(job, "en") == engine


def test_an_engine_that_is_away_is_waited_for_while_no_other_has_the_voice() -> None:
    pins = Pins(toolchains={"speak": toolchain("speak", "b-1")})
    job = pinning(speakers(GERMAN, seen=0, gone=(ENGLISH,)), pins, Step("speak:s1", state=READY))
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
    pins = Pins(toolchains={"speak": toolchain("speak", "b-2")})
    assert chosen(pinning(speakers(ENGLISH, new), pins), None) == "b-2"


def test_a_worker_of_the_release_before_keeps_its_jobs_and_gets_no_new_ones() -> None:
    fleet = replace(speakers(ENGLISH), live={"speak": {"1", toolchain("speak", "b-1")}})
    assert pinning(fleet, Pins(toolchains={"speak": "1"})).toolchain_for("speak") == "1"
    assert chosen(pinning(fleet), "bob") == "b-1"
    assert pinning(replace(fleet, live={"speak": {"1"}}, engines=())).toolchain_for("speak") == "1"


def test_a_job_of_the_release_before_is_taken_over_with_any_name_of_a_voice() -> None:
    pins = Pins(toolchains={"speak": "1"})
    job = pinning(speakers(ENGLISH), pins, Step("speak:s1", state=READY))
    assert chosen(job, "en-us+f3") == "b-1"


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
