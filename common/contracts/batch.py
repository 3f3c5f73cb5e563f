"""Requests that came together."""

from common.contracts.base import Contract


class Batch(Contract):
    """The jobs of a batch, as it is stored."""

    id: str
    jobs: tuple[str, ...]
    "In the order of the requests."
