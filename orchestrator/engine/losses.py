"""Stored objects that are gone, and the steps that made them. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from common.contracts.job import FAILED, Failure, Step
from common.contracts.names import keys_in


class Losses(NamedTuple):
    makers: Mapping[str, frozenset[str]]
    "Steps that made lost objects, and the keys of these."
    orphans: frozenset[str]
    "Keys of lost objects that no step has made."

    @property
    def any(self) -> bool:
        return bool(self.makers or self.orphans)


def losses_of(steps: Iterable[Step], vanished: frozenset[str]) -> Losses:
    """The losses of a job. `vanished` are keys of objects looked for in vain; failed steps name others."""
    steps = tuple(steps)
    failures = (step.failure for step in steps if step.state == FAILED)
    gone = vanished.union(*(failure.missing.split() for failure in failures if failure is not None))
    made = {step.name: gone & object_keys(step.facts) for step in steps} if gone else {}
    makers = {name: keys for name, keys in made.items() if keys}
    return Losses(makers, gone.difference(*makers.values()))


def object_keys(facts: str) -> frozenset[str]:
    """Keys of the objects that belong to these facts."""
    return frozenset(keys_in(facts))


def irretrievable(key: str) -> Failure:
    """The failure for an object that no step of this job has made."""
    what = {
        "asset": "an uploaded file is no longer there; upload it again",
        "request": "the stored request is no longer there; submit it again",
        "storyboard": "the stored storyboard of an earlier version is no longer there; edit or restore another version",
    }
    kind = key.split("/")[1] if key.count("/") > 1 else ""
    return Failure(code="object_missing", message=what.get(kind, "a stored object is no longer there"), missing=key)
