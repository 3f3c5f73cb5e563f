"""Everything a decision may know beside the record. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Knowledge:
    """Answers to the questions of earlier decisions about the same job."""

    bodies: Mapping[str, bytes] = field(default_factory=dict)
    "Stored objects the reconciler has read, by key."
    known: Mapping[str, str | None] = field(default_factory=dict)
    "Facts of work done before, by fingerprint; None when there are none."
    vanished: frozenset[str] = frozenset()
    "Keys of objects the reconciler wanted to read, or looked for, and did not find."
    seen: Collection[str] = ()
    "Keys of objects it looked for and found."
