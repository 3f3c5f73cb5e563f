"""The one table of queues and task names: each has one producer and one consumer, and every step finds its queue."""

import importlib
from pathlib import Path

from common.contracts.kinds import STEP_KINDS
from common.messaging.queues import QUEUES

ROOT = Path(__file__).parent.parent.parent
SERVICES = ("api", "orchestrator", "retriever", "whisper_worker", "renderer")


def test_each_queue_is_listened_to_by_exactly_the_service_it_names() -> None:
    workers = [importlib.import_module(f"{name}.main").SERVICE for name in SERVICES if name != "api"]
    assert {worker.queue: worker.name for worker in workers} == {name: queue.consumer for name, queue in QUEUES.items()}
    assert len({queue.task for queue in QUEUES.values()}) == len(QUEUES)


def test_only_the_named_producer_can_publish() -> None:
    publishers = {
        path.relative_to(ROOT).parts[0]
        for service in SERVICES
        for path in (ROOT / service).rglob("*.py")
        if "Hints" in path.read_text()
    }
    assert publishers == {queue.producer for queue in QUEUES.values()}


def test_every_kind_of_step_has_a_queue_but_casting_which_is_decided() -> None:
    assert {kind for kind, about in STEP_KINDS.items() if about.queue not in QUEUES} == {"cast"}
