"""The port to a provider of footage."""

from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

from common.contracts.base import Contract, ObjectRef
from common.contracts.footage import Candidate, SceneryRecipe, ShotQuery
from common.contracts.later import Later, Unknown
from common.errors import BadMedia
from common.worker.steprun import StepRun

Origin = TypeVar("Origin", bound=Contract)


class FetchedFile(NamedTuple):
    """A file that is at hand. Nobody has looked into it yet."""

    path: Path
    stored: ObjectRef | None = None
    "The object it is a copy of, for media that is in storage already and need not be stored again."
    at: str = ""
    "Time of the download, UTC, ISO 8601; empty for a file that was not downloaded."
    called: str = ""
    "Its name for a reader, for an error about its content; empty if that says enough by itself."


class FetchedRecipe(NamedTuple):
    """Painted scenery, which has no file: the renderer draws it into the film."""

    recipe: SceneryRecipe


Fetched = FetchedFile | FetchedRecipe


class Provider(Protocol):
    """One source of footage. `name` is its row in `common/contracts/sources.py`."""

    name: str

    def search(self, query: ShotQuery) -> list[Candidate]:
        """Candidates with their scores, best first, no id twice; the same again for the same query.

        Nothing suitable is an empty list. Raises `Retryable` (`Throttled` with the seconds to wait) or
        `Permanent` when the provider cannot be asked.
        """
        ...

    def fetch(self, candidate: Candidate, run: StepRun) -> Fetched | Later | Unknown:
        """Brings in a candidate of its own, of this or an earlier search; files belong into `run.workdir`.

        A provider that makes footage to order may answer `Later` or `Unknown` instead. Raises `BadMedia` for what
        is gone or not its own, another `Permanent` for an address that does not deliver it, `Retryable` for what may
        be had later, and `Stopped` if called off meanwhile.
        """
        ...


@runtime_checkable
class CallsOff(Protocol):
    """A provider that can be told that nobody wants any more what it was asked for."""

    def call_off(self, candidate: Candidate, ticket: str) -> None:
        """Calls off what the ticket of a `Later` or `Unknown` stands for; may be asked again for the same one.

        What has an end already is no error. Raises `Retryable` or `Permanent` if the other side cannot be told.
        """
        ...


def origin_of(name: str, candidate: Candidate, kind: type[Origin]) -> Origin:
    """The origin of a candidate, for the provider of that `name`. Raises `BadMedia` for one that is not its own."""
    if candidate.provenance.provider != name or not isinstance(candidate.origin, kind):
        raise BadMedia(f"{name} has nothing by the name of {candidate.id}")
    return candidate.origin
