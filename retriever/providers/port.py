"""The port to a provider of footage."""

from typing import Protocol

from common.contracts.footage import Candidate, ShotQuery


class Provider(Protocol):
    name: str

    def search(self, query: ShotQuery) -> list[Candidate]:
        """Candidates with their scores, best first, no id twice; the same again for the same query.

        Nothing suitable is an empty list. Raises `Retryable` (`Throttled` with the seconds to wait) or
        `Permanent` when the provider cannot be asked.
        """
        ...
