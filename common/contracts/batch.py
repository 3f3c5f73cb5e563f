"""Requests submitted together."""

from common.contracts.base import Contract


class Batch(Contract):
    """The jobs of a batch, as stored."""

    id: str
    jobs: tuple[str, ...]
    "In the order of the requests."
