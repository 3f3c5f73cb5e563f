"""Faults of stored objects: the result of a step is damaged on the disk of the store while its job still needs it."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from common.contracts.base import ObjectRef
from common.contracts.job import DONE, READY, Job
from common.contracts.kinds import STEP_KINDS, parse_facts
from infra.chaos.faults.striking import NothingToHit, Struck, ask, now_ms
from infra.chaos.invariants import refs_in
from infra.chaos.site import Site

NOT_MADE_AGAIN = frozenset({"asset", "request", "edit", "storyboard"})
"Kinds of objects that an edit may need when nobody can make them again."


class Target(NamedTuple):
    """A result that its job is about to need."""

    job: str
    step: str
    ref: ObjectRef


@contextmanager
def damage_object(site: Site, rng: random.Random) -> Iterator[Struck]:
    """Whoever reads it must notice; then it is made again, and no film comes of what it was."""
    found = targets(site)
    if not found:
        raise NothingToHit("no step is about to read a result")
    target, harm = rng.choice(found), rng.choice((_flip, _cut_off, _delete))
    path = site.object_path(target.ref.key)
    site.damaged.add(target.ref.key)  # before it is: whatever is found damaged must be known to be so
    try:
        harm(path, rng)
    except FileNotFoundError:
        raise NothingToHit("the object was gone already") from None
    yield Struck(now_ms(), note=f"{harm.__name__.strip('_')}: {target.ref.key} of {target.job}")


def needed(site: Site) -> bool:
    """Aims at a result that its job is about to need."""
    return bool(targets(site))


def targets(site: Site) -> list[Target]:
    """Results of finished steps that can be made again, and that a step which is ready to run is told to read."""
    found = [target for job in site.active() if not job.cancel for target in _results(job, _told(site, job))]
    return [target for target in found if target.ref.key not in site.damaged]


def _told(site: Site, job: Job) -> str:
    """The specs of the steps that are ready."""
    ready = [name for name, step in job.steps.items() if step.state == READY]
    specs = ask(lambda: site.redis.hmget(f"job:{job.id}:spec", ready)) if ready else []
    return " ".join(spec for spec in specs if spec)


def _results(job: Job, specs: str) -> list[Target]:
    return [
        Target(job.id, step.name, ref)
        for step in job.steps.values()
        if specs and step.state == DONE and step.facts and step.kind in STEP_KINDS
        for ref in refs_in(parse_facts(step.kind, step.facts))
        if ref.key in specs and ref.key.split("/")[1] not in NOT_MADE_AGAIN
    ]


Harm = Callable[[Path, random.Random], None]


def _flip(path: Path, rng: random.Random) -> None:
    """One bit; the size stays."""
    with path.open("r+b") as file:
        place = rng.randrange(os.fstat(file.fileno()).st_size)
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1 << rng.randrange(8)]))


def _cut_off(path: Path, rng: random.Random) -> None:
    os.truncate(path, rng.randrange(path.stat().st_size))


def _delete(path: Path, _: random.Random) -> None:
    path.unlink()
