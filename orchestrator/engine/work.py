"""The work a step is asked to do, and its name. Pure."""

from collections.abc import Callable
from typing import Any, NamedTuple

from common.contracts.base import Contract, canonical_json
from common.contracts.kinds import spec_fingerprint


class Work(NamedTuple):
    """The work asked of a step."""

    fingerprint: str
    toolchain: str
    spec: str
    "JSON."


def work_of(kind: str, toolchain: str, make: Callable[..., Contract], *inputs: Any) -> Work:
    spec = canonical_json(make(*inputs))
    return Work(spec_fingerprint(kind, spec, toolchain), toolchain, spec)
