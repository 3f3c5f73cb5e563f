"""Promise 12: cancel works in every state, stops what runs, keeps what is done, and can be taken back."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from common.contracts.job import DONE, RUNNING, TERMINAL, Job
from common.contracts.kinds import parse_facts
from infra.chaos.invariants import refs_in
from infra.chaos.processes import freeze, send, works_in
from infra.chaos.site import Site
from tests.support.processes import find
from tests.support.running import Running
from tests.support.sites import QUIET, account, holder, log, record, steps_in
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

TRIES = 30

TALKS = {"scenes": [{"narration": f"Part {number}. The sea is wide."} for number in range(3)]}
SHOTS = {"scenes": [{"show": place, "duration": 1} for place in ("the sea", "a forest", "the desert")]}
LONG_SHOT = {"scenes": [{"show": "the sea", "duration": 15}]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One job at a time, so that a second one waits to be let in; and who decides when a planner is held up."""
    folder = tmp_path_factory.mktemp("site")
    with Site(folder, settings={"MAX_CONCURRENT_JOBS": "1"}, copies={"orchestrator": 2}) as site:
        yield site


@pytest.fixture
def running(site: Site) -> Running:
    return Running(site.url)


def test_before_it_is_let_in(site: Site, running: Running) -> None:
    other = running.generate(**LONG_SHOT, **QUIET)
    job = running.generate(**SHOTS, **QUIET, seed=1)
    eventually(lambda: record(site, other).started)
    assert (record(site, job).state, record(site, job).started) == ("queued", 0)
    check_cancel(site, running, job)
    check_cancel(site, running, other)
    check_resume(site, running, job)


@pytest.mark.parametrize(
    ("state", "step", "order"),
    [
        ("planning", "plan", SHOTS),
        ("gathering", "speak", TALKS),
        ("rendering", "segment", LONG_SHOT),
        ("assembling", "assemble", SHOTS),
    ],
)
def test_while_it_is_worked_on(site: Site, running: Running, state: str, step: str, order: dict[str, Any]) -> None:
    job = cancelled_while(site, running, state, step, order)
    check_cancel(site, running, job)
    check_resume(site, running, job)


def test_a_film_that_is_finished_stays_so(site: Site, running: Running) -> None:
    job = running.generate(**SHOTS, **QUIET, seed=3)
    account(site, [job])
    assert running.post(f"cancel/{job}").status_code == 409
    account(site, [job])


def cancelled_while(site: Site, running: Running, state: str, step: str, order: dict[str, Any]) -> str:
    """A job that was cancelled in this state, with this step under way. Some states are short: tries until one was."""
    for seed in range(TRIES):
        job = running.generate(**anew(order, seed), **QUIET, seed=100 + seed)
        with frozen_at(site, job, step) as caught:
            if caught:
                eventually(lambda job=job: record(site, job).state in {state, *TERMINAL})  # type: ignore[misc]
            reply = running.post(f"cancel/{job}")
            if caught and reply.status_code == 202 and reply.json()["status"] == state:
                return job
        eventually(lambda job=job: record(site, job).terminal)  # type: ignore[misc]
    raise AssertionError(f"no job could be caught while {state}")


def anew(order: dict[str, Any], number: int) -> dict[str, Any]:
    """The order with other words in each try: what has been spoken once is not spoken again, and cannot be caught."""
    scenes = [
        scene | ({"narration": f"{scene['narration']} Take {number}."} if "narration" in scene else {})
        for scene in order["scenes"]
    ]
    return {**order, "scenes": scenes}


@contextmanager
def frozen_at(site: Site, job: str, step: str) -> Iterator[bool]:
    """Holds up whoever works on the step, so that it stays there during the block; False when it was too quick."""
    program = "ffmpeg" if step == "segment" else ""
    frozen: list[int] = []
    while not frozen and not (seen := record(site, job)).terminal:
        pid = worker_at(seen, step)
        if pid and (not program or find(program, under=pid)):
            send([pid], signal.SIGSTOP)  # at once: to look for its children takes longer than some steps
            frozen = [pid, *freeze(pid)]
    try:
        yield bool(frozen) and holder(site, job, step) is not None
    finally:
        send(frozen, signal.SIGCONT)


def worker_at(job: Job, kind: str) -> int:
    """The process that works on a step of this kind; 0 for none."""
    running = (step for step in job.steps.values() if step.state == RUNNING and step.kind == kind)
    return next((int(step.worker.rpartition(":")[2] or 0) for step in running), 0)


def check_cancel(site: Site, running: Running, job: str) -> None:
    """Afterwards nothing works on the job, and only what was done is left of it."""
    running.cancel(job)
    eventually(lambda: running.status(job)["status"] == "cancelled")
    eventually(lambda: not holder(site, job, ""))
    eventually(lambda: not any(step.state == RUNNING or step.lease for step in record(site, job).steps.values()))
    if not site.active():
        eventually(lambda: not children_at_work(site))
    eventually(lambda: not unfinished_objects(site, record(site, job)))
    assert finished_objects(record(site, job)) <= stored(site)


def check_resume(site: Site, running: Running, job: str) -> None:
    """It is completed, and nothing that was done is done again."""
    before = record(site, job)
    done = {name for name, step in before.steps.items() if step.state == DONE}
    running.resume(job)
    account(site, [job])
    ran = set(steps_in([event for event in log(site, job) if event.seq > before.seq], state=RUNNING))
    assert not ran & done
    assert ran <= set(record(site, job).steps)
    assert finished_objects(before) <= stored(site)


def children_at_work(site: Site) -> list[int]:
    """The processes that steps have started, such as ffmpeg."""
    return [pid for pid in site.processes() if works_in(pid, site.work)]


def unfinished_objects(site: Site, job: Job) -> set[str]:
    """What attempts have stored that came to nothing."""
    works = {step.fingerprint for step in job.steps.values() if step.state != DONE and step.fingerprint}
    return {key for key in stored(site) if works & set(key.split("/"))}


def finished_objects(job: Job) -> set[str]:
    steps = [step for step in job.steps.values() if step.state == DONE and step.facts]
    return {ref.key for step in steps for ref in refs_in(parse_facts(step.kind, step.facts))}


def stored(site: Site) -> set[str]:
    return {one.key for one in site.storage.list(site.settings.assets_bucket)}
