"""The base of every contract, its canonical JSON and its fingerprint."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """Immutable data with a strict shape: an unknown field is an error, not a silent loss."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def canonical_json(value: Any) -> str:
    """JSON with one spelling per value (sorted keys, no spaces), so that equal data has equal bytes."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(*parts: Any) -> str:
    """A 32-digit hexadecimal name for the content of `parts`."""
    return hashlib.sha256("\n".join(canonical_json(part) for part in parts).encode()).hexdigest()[:32]


class ObjectRef(Contract):
    """A pointer to one immutable object in the assets bucket."""

    key: str
    sha256: str
    size: int
    "In bytes."
    media_type: str


def object_key(owner: str, kind: str, group: str, sha256: str) -> str:
    """`<owner>/<kind>/<fingerprint>/<sha256>`: made of our own words and digests, never of user text."""
    return f"{owner}/{kind}/{group}/{sha256}"
