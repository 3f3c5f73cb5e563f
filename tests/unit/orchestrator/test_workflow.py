"""`decide` through histories good and bad: what holds in all of them, and that all of them end."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts.job import DONE, FAILED, READY, RUNNING, TERMINAL, Failure, Step
from common.contracts.request import VideoRequest
from common.contracts.steps import kind_of
from common.jobs.views import progress
from orchestrator.board import Rules
from orchestrator.film import Fleet
from tests.support.sim import FLEET, LEASE, Sim

AGAIN = Failure(code="temporarily_unavailable", message="not now", retryable=True)
NEVER = Failure(code="failed", message="not ever")

REQUESTS = [
    VideoRequest(prompt="A beautiful sunset over the ocean with waves crashing on the beach"),
    VideoRequest(script="Bees are small. Bees matter to us all. Without them most orchards would be bare."),
    VideoRequest(scenes=[{"show": "a harbour"}, {"narration": "One boat leaves.", "duration": 4}], captions="none"),
    VideoRequest(script="Ten words are spoken here and the film is short.", duration_target=3, music="none"),
]


def run_to_end(sim: Sim, limit: int = 400) -> Sim:
    """A world without faults: every ready step is done at once."""
    for _ in range(limit):
        sim.look()
        if sim.job.terminal:
            return sim
        for name in sim.names(READY):
            token = sim.claim(name)
            if token is None:
                sim.now = max(sim.now, sim.job.steps[name].not_before)
            else:
                assert sim.commit(name, token)
    raise AssertionError(f"the job did not end: {sim.job}")


@pytest.mark.parametrize("request_", REQUESTS, ids=["prompt", "script", "scenes", "target"])
def test_a_job_without_faults_completes_and_runs_every_step_once(request_: VideoRequest) -> None:
    sim = run_to_end(Sim(request_))
    assert sim.job.state == "completed"
    assert set(sim.runs.values()) == {1}


def test_a_second_look_at_an_unchanged_job_changes_nothing() -> None:
    sim = Sim(REQUESTS[0])
    sim.look()
    before = sim.job
    decision = sim.look()
    assert decision is not None
    assert not decision.change.steps
    assert not decision.change.events
    assert sim.job.steps == before.steps


def test_work_that_is_known_is_done_without_running() -> None:
    first = run_to_end(Sim(REQUESTS[0]))
    second = Sim(REQUESTS[0])
    second.work, second.objects = first.work, first.objects
    second.look()
    assert second.job.state == "completed"
    assert not second.runs
    assert all(step.reused for name, step in second.job.steps.items() if name != "cast")


def test_a_segment_renders_while_another_scene_still_waits_for_footage() -> None:
    sim = Sim(REQUESTS[2])
    for _ in range(100):
        sim.look()
        if "segment:s1.0" in sim.names(READY):
            break
        for name in sim.names(READY):
            if name != "acquire:s2.1":
                token = sim.claim(name)
                assert token is not None
                sim.commit(name, token)
    assert "segment:s1.0" in sim.names(READY)
    assert sim.job.steps["acquire:s2.1"].state == READY


def test_a_candidate_that_cannot_be_had_is_replaced_and_scenery_comes_last() -> None:
    sim = Sim(VideoRequest(scenes=[{"show": "a harbour"}]))
    for _ in range(60):
        sim.look()
        if sim.job.terminal:
            break
        for name in sim.names(READY):
            token = sim.claim(name)
            if token is None:
                continue
            spec = sim.specs[sim.job.steps[name].work]
            if kind_of(name) == "acquire" and spec.candidate.kind != "scenery":  # type: ignore[attr-defined]
                sim.fail(name, token, NEVER)
            else:
                sim.commit(name, token)
    assert sim.job.state == "completed"
    assert '"kind":"scenery"' in sim.job.steps["acquire:s1.1"].facts


def test_the_users_own_media_is_not_replaced_silently() -> None:
    sim = Sim(VideoRequest(scenes=[{"media": {"asset": "ast_" + "0" * 32}}]))
    for _ in range(20):
        sim.look()
        for name in sim.names(READY):
            token = sim.claim(name)
            if token is not None and kind_of(name) == "acquire":
                sim.fail(name, token, NEVER)
            elif token is not None:
                sim.commit(name, token)
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert (sim.job.failure.message, sim.job.failure.step) == (f"scene 1: {NEVER.message}", "acquire:s1.1")


def test_a_failed_search_gives_scenery_instead_of_a_failed_job() -> None:
    sim = Sim(VideoRequest(scenes=[{"show": "a harbour"}]))
    for _ in range(40):
        sim.look()
        for name in sim.names(READY):
            token = sim.claim(name)
            if token is not None:
                _ = sim.fail(name, token, NEVER) if kind_of(name) == "search" else sim.commit(name, token)
    assert sim.job.state == "completed"
    assert '"kind":"scenery"' in sim.job.steps["acquire:s1.1"].facts


def test_attempts_are_counted_and_capped() -> None:
    sim = Sim(REQUESTS[1], rules=Rules(max_attempts=3))
    sim.look()
    for _ in range(10):
        sim.now += 600_000
        token = sim.claim("plan")
        if token is None:
            break
        sim.fail("plan", token, AGAIN)
        sim.look()
    assert sim.job.steps["plan"].attempt == 3
    assert sim.job.failure is not None
    assert (sim.job.failure.code, sim.job.failure.message) == (AGAIN.code, AGAIN.message)


def test_restarts_of_workers_do_not_use_up_the_attempts_of_a_step() -> None:
    sim = Sim(REQUESTS[1], rules=Rules(max_attempts=2, max_losses=6))
    sim.look()
    for _ in range(5):
        assert sim.claim("plan") is not None
        sim.now += LEASE + 1
        sim.look()
    assert (sim.job.steps["plan"].attempt, sim.job.steps["plan"].losses) == (0, 5)
    assert run_to_end(sim).job.state == "completed"


def test_a_step_that_kills_every_worker_ends_its_job() -> None:
    sim = Sim(REQUESTS[1], rules=Rules(max_losses=4))
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
            if token is not None and kind_of(name) != "search":
                sim.commit(name, token)
        sim.now += LEASE + 1
    assert sim.job.state == "completed"
    assert sim.runs[sim.job.steps["search:s1.1"].work] == 2


def test_a_retry_waits_for_its_backoff_and_for_what_the_provider_asked() -> None:
    sim = Sim(REQUESTS[1])
    sim.look()
    token = sim.claim("plan")
    assert token is not None
    sim.fail("plan", token, AGAIN.model_copy(update={"retry_after": 60.0}))
    sim.look()
    assert sim.job.steps["plan"].state == READY
    assert sim.claim("plan") is None
    sim.now += 60_000
    assert sim.claim("plan") is not None


def test_a_stale_worker_is_refused() -> None:
    sim = Sim(REQUESTS[1])
    sim.look()
    old = sim.claim("plan")
    assert old is not None
    sim.now += LEASE + 1
    sim.look()
    new = sim.claim("plan")
    assert new is not None
    assert not sim.commit("plan", old)
    assert not sim.beat("plan", old, 0.5)
    assert sim.commit("plan", new)


def test_a_step_that_nobody_wants_any_more_does_not_make_the_reconciler_spin() -> None:
    sim = Sim(VideoRequest(scenes=[{"show": "a harbour"}]))
    while "acquire:s1.1" not in sim.names(DONE):
        sim.look()
        for name in sim.names(READY):
            token = sim.claim(name)
            if token is not None:
                sim.commit(name, token)
    sim.look()
    assert sim.claim("segment:s1.0") is not None
    job = sim.job
    orphan = Step("segment:s9.0", state=RUNNING, work="gone", token=99, lease=sim.now - 1)
    sim.job = replace(job, steps={**job.steps, orphan.name: orphan})
    decision = sim.look()
    assert decision is not None
    assert decision.change.look > sim.now + 1_000


def test_what_failed_stays_visible_when_the_job_ends() -> None:
    sim = Sim(REQUESTS[1])
    sim.look()
    token = sim.claim("plan")
    assert token is not None
    sim.fail("plan", token, NEVER)
    sim.look()
    assert sim.job.state == "failed"
    assert sim.job.steps["plan"].state == FAILED


def test_the_same_media_in_two_scenes_is_fetched_once() -> None:
    media = {"asset": "ast_" + "0" * 32}
    sim = run_to_end(Sim(VideoRequest(scenes=[{"media": media}, {"media": media}])))
    works = {step.work for name, step in sim.job.steps.items() if kind_of(name) == "acquire"}
    assert len(works) == 1


def test_cancel_ends_the_job_and_every_open_step() -> None:
    sim = Sim(REQUESTS[0])
    sim.look()
    sim.claim("plan")
    sim.cancel()
    sim.look()
    assert sim.job.state == "cancelled"
    assert {step.state for step in sim.job.steps.values()} == {"skipped"}


def test_the_deadline_ends_the_job_with_that_reason() -> None:
    sim = Sim(REQUESTS[0], timeout=5_000)
    sim.look()
    sim.now += 5_000
    sim.look()
    assert sim.job.state == "failed"
    assert sim.job.failure is not None
    assert sim.job.failure.code == "deadline"


def test_nothing_is_rendered_before_a_renderer_is_there() -> None:
    sim = Sim(REQUESTS[2])
    sim.fleet = Fleet(sources=("scenery",))
    for _ in range(30):
        sim.look()
        for name in sim.names(READY):
            token = sim.claim(name)
            assert token is not None
            sim.commit(name, token)
    assert not any(kind_of(name) == "segment" and step.state != "waiting" for name, step in sim.job.steps.items())
    sim.fleet = FLEET
    assert run_to_end(sim).job.state == "completed"


def test_a_film_moves_to_another_build_when_its_own_is_gone() -> None:
    sim = Sim(REQUESTS[2])
    while "segment:s1.0" not in sim.names(DONE):
        sim.look()
        for name in sim.names(READY):
            token = sim.claim(name)
            if token is not None:
                sim.commit(name, token)
    sim.fleet = Fleet(builds=("build-2",), sources=FLEET.sources)
    run_to_end(sim)
    builds = {spec.build for spec in sim.specs.values() if hasattr(spec, "build")}
    assert sim.job.pins["build"] == "build-2"
    assert builds == {"build-1", "build-2"}
    refs = sim.specs[sim.job.steps["assemble"].work].segments  # type: ignore[attr-defined]
    assert [ref.media.sha256 for ref in refs] == [_sha(sim, f"segment:{ref.scene}.0") for ref in refs]


def _sha(sim: Sim, name: str) -> str:
    spec = sim.specs[sim.job.steps[name].work]
    assert spec.build == "build-2"  # type: ignore[attr-defined]
    return sim.facts(name, sim.job.steps[name].work).media.sha256  # type: ignore[attr-defined]


class History:
    """Random moves over a sim, with tokens that may be long out of date."""

    def __init__(self, sim: Sim) -> None:
        self.sim = sim
        self.held: list[tuple[str, int]] = []
        self.progress = 0
        self.committed: dict[str, str] = {}

    def play(self, data: st.DataObject) -> None:
        moves = ["look", "claim", "commit", "fail", "never", "expire", "beat", "late", "double"]
        getattr(self, data.draw(st.sampled_from(moves)))(data)
        self.check()

    def look(self, data: st.DataObject) -> None:
        self.sim.look()

    def claim(self, data: st.DataObject) -> None:
        ready = self.sim.names(READY)
        if ready:
            name = data.draw(st.sampled_from(ready))
            token = self.sim.claim(name)
            if token is not None:
                self.held.append((name, token))

    def commit(self, data: st.DataObject) -> None:
        if self.held:
            self.sim.commit(*data.draw(st.sampled_from(self.held)))

    late = double = commit  # any token ever held, in any order, as often as the draw likes

    def fail(self, data: st.DataObject) -> None:
        if self.held:
            self.sim.fail(*data.draw(st.sampled_from(self.held)), AGAIN)

    def never(self, data: st.DataObject) -> None:
        if self.held and data.draw(st.integers(0, 9)) == 0:
            self.sim.fail(*data.draw(st.sampled_from(self.held)), NEVER)

    def beat(self, data: st.DataObject) -> None:
        if self.held:
            self.sim.beat(*data.draw(st.sampled_from(self.held)), data.draw(st.floats(0, 1)))

    def expire(self, data: st.DataObject) -> None:
        self.sim.now += data.draw(st.sampled_from([100, 5_000, LEASE + 1]))

    def check(self) -> None:
        """Safety: what holds after every move."""
        job = self.sim.job
        running = [step.token for step in job.steps.values() if step.state == RUNNING]
        assert len(running) == len(set(running)), "one token, two holders"
        assert self.sim.tokens == sorted(self.sim.tokens), "tokens only grow"
        for name, step in job.steps.items():
            if step.state == DONE and step.work in self.committed:
                assert self.committed[step.work] == step.facts, f"{name} has two results for one work"
            if step.state == DONE:
                self.committed[step.work] = step.facts
            assert step.attempt <= self.sim.rules.max_attempts
        shown = progress(job)
        assert shown >= self.progress, "progress went back"
        self.progress = shown
        if job.state == "completed":
            assert job.steps["publish"].state == DONE
            open_ = [name for name, step in job.steps.items() if step.state in (READY, RUNNING, FAILED)]
            assert all(kind_of(name) == "search" for name in open_), "only a search can fail without consequences"


@settings(max_examples=150, deadline=None)
@given(request_=st.sampled_from(REQUESTS), data=st.data())
def test_any_history_is_safe_and_ends(request_: VideoRequest, data: st.DataObject) -> None:
    sim = Sim(request_)
    history = History(sim)
    for _ in range(data.draw(st.integers(0, 60))):
        history.play(data)
    # Liveness: once faults stop, the job ends by itself.
    for _ in range(400):
        if sim.job.terminal:
            break
        sim.now += LEASE + 1
        sim.look()
        for name in sim.names(READY):
            token = sim.claim(name)
            if token is not None:
                sim.commit(name, token)
        history.check()
    assert sim.job.state in TERMINAL


@settings(max_examples=60, deadline=None)
@given(request_=st.sampled_from(REQUESTS), moves=st.integers(0, 40), data=st.data())
def test_cancel_at_any_moment_ends_in_cancelled(request_: VideoRequest, moves: int, data: st.DataObject) -> None:
    sim = Sim(request_)
    history = History(sim)
    for _ in range(moves):
        history.play(data)
    ended = sim.job.state if sim.job.terminal else ""
    sim.cancel()
    sim.look()
    assert sim.job.state == (ended or "cancelled")
