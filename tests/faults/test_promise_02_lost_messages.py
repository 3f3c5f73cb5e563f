"""Promise 2: an accepted job ends even when its messages are lost: they are hints, the record is the truth."""

import threading
from collections.abc import Iterator

import pytest

from common.contracts.job import READY, RUNNING
from common.settings import Settings
from tests.support.redis_server import RedisServer
from tests.support.tiny_fleet import TinyFleet, tiny_fleet
from tests.support.waiting import eventually

WORKERS = ("retriever", "whisper_worker", "renderer")
Services = Iterator[TinyFleet]


@pytest.fixture(scope="module")
def services(redis_session: RedisServer, s3_session: Settings, tmp_path_factory: pytest.TempPathFactory) -> Services:
    with tiny_fleet(redis_session, s3_session, tmp_path_factory.mktemp("fleet")) as fleet:
        yield fleet


@pytest.fixture
def fleet(services: TinyFleet) -> TinyFleet:
    services.mend()
    return services


def test_messages_nobody_has_read_yet_are_deleted(fleet: TinyFleet) -> None:
    with fleet.frozen(*WORKERS):
        jobs = fleet.order(4)
        # Frozen workers have asked for a message each; whatever comes after it stays with the broker.
        eventually(fleet.messages)
        assert fleet.delete_messages() > 0
    assert fleet.completed(jobs)


def test_messages_of_running_steps_are_deleted_and_their_workers_killed(fleet: TinyFleet) -> None:
    """Without its message, nobody but the reconciler knows that the step was ever begun."""
    (name,) = fleet.order(hold="segment:")
    eventually(lambda: fleet.is_in(name, "segment:", RUNNING))
    assert fleet.delete_messages() > 0
    fleet.kill(["renderer"])
    fleet.let_go()
    fleet.start(["renderer"])
    assert fleet.completed([name])
    assert fleet.runs(name).count("segment:s1.0") == 2


def test_all_messages_are_deleted_again_and_again(fleet: TinyFleet) -> None:
    over, deleted = threading.Event(), [0]

    def thief() -> None:
        while not over.wait(0.01):
            deleted[0] += fleet.delete_messages()

    thread = threading.Thread(target=thief)
    thread.start()
    try:
        jobs = fleet.order(6)
        assert fleet.completed(jobs)
    finally:
        over.set()
        thread.join()
    assert deleted[0] > 0


@pytest.mark.parametrize(
    ("service", "queue"), [("whisper_worker", "speech"), pytest.param("renderer", "render", marks=pytest.mark.slow)]
)
def test_an_idle_worker_is_frozen_takes_the_message_and_is_killed(fleet: TinyFleet, service: str, queue: str) -> None:
    """The broker hands the message to a connection behind which nobody is left."""
    jobs: list[str] = []
    eventually(lambda: swallowed(fleet, service, queue, jobs))
    fleet.start([service])
    assert fleet.completed(jobs)


def swallowed(fleet: TinyFleet, service: str, queue: str, jobs: list[str]) -> bool:
    """Orders one more job. True once a message of it was taken by the frozen worker, which is then killed."""
    jobs += fleet.order(hold="plan")
    eventually(lambda: fleet.is_in(jobs[-1], "plan", RUNNING))
    with fleet.taken(queue) as taken, fleet.frozen(service):
        fleet.let_go()
        # Its question is open for a second; on a busy machine the hint may come too late for it.
        eventually(lambda: fleet.is_in(jobs[-1], {"speech": "speak:", "render": "mix"}[queue], READY))
        gone = any(taken() for _ in range(40))
        if gone:
            fleet.kill([service])
    return gone
