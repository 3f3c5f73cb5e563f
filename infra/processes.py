"""The one list of processes that a Reelwright is made of; Procfile and docker-compose.yml are held to it by a test."""

from typing import NamedTuple


class Process(NamedTuple):
    """One of the five services, as whoever starts it must know it."""

    name: str
    module: str
    "Started as `python -m`."
    port: str
    "Setting with the port at which it answers /healthz, /readyz and /metrics."
    reaches_out: bool = False
    "True if it connects to the world outside, or is connected to from there."
    several: bool = True
    "True if any number of them may run side by side."

    @property
    def command(self) -> list[str]:
        return ["python", "-m", self.module]


PROCESSES = (
    Process("api", "api.main", "api_port", reaches_out=True),
    Process("orchestrator", "orchestrator.main", "metrics_port"),
    Process("retriever", "retriever.main", "metrics_port", reaches_out=True),
    Process("whisper_worker", "whisper_worker.main", "metrics_port"),
    Process("renderer", "renderer.main", "metrics_port"),
)
BUCKETS = ["python", "-m", "infra.buckets"]
"The command that makes the buckets of a new store, once."
