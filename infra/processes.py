"""The one list of processes that a Reelwright is made of, and of their images.

Procfile, Dockerfile, docker-compose.yml and the workflow of CI are held to it by tests.
"""

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


class Variant(NamedTuple):
    """A second image of a service, for machines with other hardware; docker-compose.yml starts it by a profile."""

    name: str
    "Of the service in docker-compose.yml."
    process: str
    "Name of the process that runs in it."
    target: str
    "Of the Dockerfile; also the name of the image."
    profile: str


VARIANTS = (
    Variant("whisper_worker-whisper", "whisper_worker", target="whisper_worker-whisper", profile="whisper"),
    Variant("whisper_worker-gpu", "whisper_worker", target="whisper_worker-cuda", profile="gpu"),
    Variant("renderer-gpu", "renderer", target="renderer-cuda", profile="gpu"),
)
TARGETS = (*(process.name for process in PROCESSES), *(variant.target for variant in VARIANTS))
"Targets of the Dockerfile that become images, those of the five services first."
BUCKETS = ["python", "-m", "infra.buckets"]
"The command that makes the buckets of a new store, once."
