"""The recognisers of the workers, as they register them under the key `recogniser`. Pure."""

from collections.abc import Iterable

from pydantic import ValidationError

from common.contracts.base import Contract
from common.contracts.job import WorkerInfo


class RecogniserInfo(Contract):
    """A recogniser of some worker."""

    name: str
    version: str
    "Of the recogniser and its model: whatever changes what it hears."

    @property
    def tool(self) -> str:
        """Its name in a toolchain."""
        return f"{self.name}-{self.version}"


def recognisers_of(workers: Iterable[WorkerInfo]) -> tuple[RecogniserInfo, ...]:
    """The recognisers of a fleet, each once; what another release registers in a form of its own is left out."""
    found: dict[str, RecogniserInfo] = {}
    for worker in workers:
        for about in worker.engines.get("recogniser", ()):
            try:
                one = RecogniserInfo.model_validate(about)
            except ValidationError:
                continue
            found[one.tool] = one
    return tuple(found[tool] for tool in sorted(found))
