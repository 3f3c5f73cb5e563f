"""References to stored objects in documents. Pure.

Names are found in the text of the documents, not through their contracts, so no field is overlooked.
"""

import hashlib
import json
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence

from common.contracts.kinds import DELIVERED
from common.contracts.names import ASSET_ID, StepName
from common.jobs.record import STEP

OWNER = r"[A-Za-z0-9_.@-]+"
"Only characters JSON never escapes, so a text search finds the key; objects of any other owner are not ours."
OBJECT = rf"{OWNER}/[a-z0-9_-]+/[0-9a-f]{{32}}/[0-9a-f]{{64}}(?:\.[0-9a-f]{{8}})?"
OBJECT_KEY = re.compile(OBJECT)
UPLOAD_KEY = re.compile(rf"{OWNER}/asset/({ASSET_ID})/[a-z.]+")
NAMED = re.compile(rf'"({OBJECT})|({ASSET_ID})')
"A name in a text (JSON, or JSON in a string of JSON): an object's key, or an upload's id."
ESCAPED_SLASH = re.compile(r"\\+/")
"Redis' scripts write `/` as `\\/`, and a string in a string doubles the backslash."

Digests = Sequence[int]
"""Digests of names: at eight bytes each, the names in every manifest can be remembered. If two names have the same
digest, a piece of garbage stays."""
NONE: Digests = ()


def name_of(key: str) -> str:
    """The name of the object in documents: the id of an upload, the key of any other."""
    upload = UPLOAD_KEY.fullmatch(key)
    return upload[1] if upload else key


def kind_of_object(key: str) -> str:
    return key.split("/")[1] if key.count("/") > 1 else "other"


def names_in(text: str) -> Iterator[str]:
    return (found[1] or found[2] for found in NAMED.finditer(ESCAPED_SLASH.sub("/", text)))


def digest(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def digests(names: Iterable[str]) -> Digests:
    return array("Q", sorted({digest(name) for name in names})) or NONE


def delivered(record: Mapping[str, str]) -> dict[str, str]:
    """The fields of a job's record without the steps that make parts."""
    return {name: text for name, text in record.items() if not _of_parts(name)}


def in_manifest(text: str) -> tuple[Digests, Digests]:
    """The names of delivered objects in a manifest, and those of mere parts."""
    names = set(names_in(text))
    try:
        document = json.loads(text)
        kept = set(names_in(json.dumps([delivered(document["record"]), document["uploads"]])))
    except (ValueError, KeyError, TypeError, AttributeError):
        kept = names  # nothing we wrote; what it names is kept for good
    return digests(kept), digests(names - kept)


def _of_parts(field: str) -> bool:
    return field.startswith(STEP) and StepName(field[len(STEP) :]).kind not in DELIVERED
