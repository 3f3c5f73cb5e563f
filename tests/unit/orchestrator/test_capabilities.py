"""Which toolchains a job takes, keeps and gives up; and whole jobs through a roll-out."""

import pytest

from common.contracts.job import DONE, READY, RUNNING, Pins, Step
from common.contracts.kinds import NEEDS_BUILD, toolchain
from common.contracts.names import StepName
from common.contracts.request import VideoRequest
from orchestrator.engine.capabilities import Fleet, Pinning
from tests.support.sim import LEASE, Sim

PATIENCE = 60_000
NOW = 10_000_000


def renderers(*builds: str, recipe: str = "1") -> dict[str, set[str]]:
    return {kind: {f"{recipe}/{build}" for build in builds} for kind in NEEDS_BUILD}


def pinning(fleet: Fleet, pins: Pins | None = None, *steps: Step) -> Pinning:
    return Pinning(fleet, pins or Pins(), {step.name: step for step in steps}, NOW, PATIENCE)


def test_the_orchestrators_own_recipe_comes_first_then_the_least() -> None:
    own = toolchain("speak")
    assert pinning(Fleet(live={"speak": {"0", own, "7"}})).toolchain_for("speak") == own
    assert pinning(Fleet(live={"speak": {"9", "7"}})).toolchain_for("speak") == "7"


def test_without_workers_a_step_waits_for_what_this_code_would_offer_but_a_build_must_be_known() -> None:
    job = pinning(Fleet())
    assert job.toolchain_for("speak") == toolchain("speak")
    assert job.toolchain_for("segment") is None
    assert job.pins == Pins(toolchains={"speak": toolchain("speak")})


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
    pins = Pins(toolchains={"speak": "7"})
    assert pinning(Fleet(), pins, Step("speak:s1", state=READY)).toolchain_for("speak") == "7"


# whole jobs

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
    assert {step.toolchain for name, step in sim.job.steps.items() if StepName(name).kind == "speak"} == {"99"}


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
