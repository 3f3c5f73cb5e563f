"""Every queue and task name of the system. A message is a hint: `(job id, step)`, nothing else."""

from typing import NamedTuple


class Queue(NamedTuple):
    name: str
    task: str
    consumer: str
    "The one service that listens."
    producer: str = "orchestrator"
    ahead: int = 2
    "Hints that may lie in it for each slot; others wait in the record, where they can still be put in order."


QUEUES = {
    queue.name: queue
    for queue in (
        Queue("orchestrate", "orchestrator.run_step", "orchestrator"),
        Queue("retrieve", "retriever.run_step", "retriever"),
        Queue("speech", "whisper_worker.run_step", "whisper_worker"),
        # Its steps take long, so one is enough to keep a slot busy.
        Queue("render", "renderer.run_step", "renderer", ahead=1),
    )
}
