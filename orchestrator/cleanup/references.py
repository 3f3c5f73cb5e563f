"""By which names documents call stored objects. Pure.

Names are found in the text of the documents and not by their contracts, so no field is overlooked.
"""

import hashlib
import json
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence

from common.contracts.names import ASSET_ID, StepName
from common.contracts.steps import DELIVERED
from common.jobs.record import STEP

OWNER = r"[A-Za-z0-9_.@-]+"
"Of what JSON writes as it is; an object of any other owner would not be found in it, and is not taken for ours."
OBJECT = rf"{OWNER}/[a-z0-9_-]+/[0-9a-f]{{32}}/[0-9a-f]{{64}}(?:\.[0-9a-f]{{8}})?"
OBJECT_KEY = re.compile(OBJECT)
UPLOAD_KEY = re.compile(rf"{OWNER}/asset/({ASSET_ID})/[a-z.]+")
NAMED = re.compile(rf'"({OBJECT})|({ASSET_ID})')
"Where a text (JSON, or JSON in a string of JSON) names an object by its key, or an upload by its id."
ESCAPED_SLASH = re.compile(r"\\+/")
"Redis' scripts write `/` as `\\/`, and a string in a string doubles the backslash."

Digests = Sequence[int]
"""Names by their digests: at eight bytes each, what every manifest names can be remembered. Should two names have the
same digest, a piece of litter stays."""
NONE: Digests = ()


def name_of(key: str) -> str:
    """What documents call the object: uploads by their id, all others by their key."""
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
    """What of that was delivered, and what are parts of it."""
    names = set(names_in(text))
    try:
        document = json.loads(text)
        kept = set(names_in(json.dumps([delivered(document["record"]), document["uploads"]])))
    except (ValueError, KeyError, TypeError, AttributeError):
        kept = names  # nothing we wrote; what it names is kept for good
    return digests(kept), digests(names - kept)


def _of_parts(field: str) -> bool:
    return field.startswith(STEP) and StepName(field[len(STEP) :]).kind not in DELIVERED
