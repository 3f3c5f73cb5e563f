"""Removes stored objects that nothing refers to any more, by mark and sweep: `python -m orchestrator.collect`.

Marked is every object that is named in the results known for reuse, in the records of jobs in Redis or in manifests.
They are read in this order, because that is how names move: from a known result into the record of a job that reuses
it, from there into its manifest. Swept is what is not marked and older than any step can have been running. Names are
found in the text of the documents and not by their contracts, so no field is overlooked.

What is kept how long:
    manifests, documents of batches            for good
    film, thumbnail, captions, storyboards,
    request, edits and uploads of a job        as long as it has a manifest
    its other parts (segments, footage, ...)   KEEP_PARTS_SECONDS after its end; an edit makes them anew
    uploads no job ever used                   KEEP_PARTS_SECONDS
    what a killed worker left behind           COLLECT_GRACE_SECONDS
"""

import argparse
import hashlib
import json
import re
import sys
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import redis

from common.contracts.steps import kind_of
from common.errors import ObjectMissing, ReelwrightError
from common.jobs.record import STEP
from common.jobs.store import JobStore, connect
from common.settings import BadSetting, Settings
from common.storage.port import Storage, Stored
from common.storage.s3 import S3Storage

OWNER = r"[A-Za-z0-9_.@-]+"
"Of what JSON writes as it is; an object of any other owner would not be found in it, and is not taken for ours."
OBJECT = rf"{OWNER}/[a-z0-9_-]+/[0-9a-f]{{32}}/[0-9a-f]{{64}}(?:\.[0-9a-f]{{8}})?"
UPLOAD = r"ast_[0-9a-f]{32}"
OBJECT_KEY = re.compile(OBJECT)
UPLOAD_KEY = re.compile(rf"{OWNER}/asset/({UPLOAD})/[a-z.]+")
NAMED = re.compile(rf'"({OBJECT})|({UPLOAD})')
"Where a text (JSON, or JSON in a string of JSON) names an object by its key, or an upload by its id."
ESCAPED_SLASH = re.compile(r"\\+/")
"Redis' scripts write `/` as `\\/`, and a string in a string doubles the backslash."
DOCUMENTS = frozenset({"request", "edit", "storyboard"})
"Kinds of objects that name uploads themselves."
DELIVERED = frozenset({"plan", "assemble", "publish"})
"Kinds of steps that make what the user ordered; those of the others make parts of it."
BEHIND = "0"
'Behind "/" in the order of keys.'
AT_ONCE = 200
"Values that Redis is asked for together."

Names = Sequence[int]
"""Names by their digests: at eight bytes each, what every manifest names can be remembered. Should two names have the
same digest, a piece of litter stays."""
NONE: Names = ()


class Heap(NamedTuple):
    """So many objects, so many bytes."""

    objects: int = 0
    size: int = 0

    def with_one(self, size: int) -> "Heap":
        return Heap(self.objects + 1, self.size + size)


class Tally(NamedTuple):
    """What a collection kept and removed, by kind of object."""

    kept: dict[str, Heap]
    removed: dict[str, Heap]

    def keep(self, stored: Stored) -> None:
        _add(self.kept, stored)

    def remove(self, stored: Stored) -> None:
        _add(self.removed, stored)


class Known(NamedTuple):
    """What a stored document names."""

    modified: float
    names: Names
    parts: Names = NONE
    "Only as long as parts of films are kept."


class Collector:
    """Collects again and again; remembers what documents name, as they never change."""

    def __init__(
        self, store: JobStore, storage: Storage, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        self._redis, self._storage, self._settings, self._clock = store.client, storage, settings, clock
        self._bucket = settings.assets_bucket
        self._known: dict[str, Known] = {}
        self._used: dict[str, Known] = {}

    def collect(self, dry_run: bool = False) -> Tally:
        """Removes what can go. Whatever Redis and the object store raise, nothing was removed that is needed."""
        tally = Tally({}, {})
        litter = list(self._litter(self._marks(), tally))
        # Once more, as late as can be: a job may have come to use some of it in the meantime.
        marks = self._marks() if litter else set()
        for stored in litter:
            if _digest(_name(stored.key)) not in marks and (dry_run or self._remove(stored)):
                tally.remove(stored)
            else:
                tally.keep(stored)
        return tally

    # sweep

    def _litter(self, marks: set[int], tally: Tally) -> Iterator[Stored]:
        """What is neither marked nor young; the rest is kept."""
        now = self._clock()
        for stored in self._storage.list(self._bucket):
            if now - stored.modified > self._least_age(stored.key) and _digest(_name(stored.key)) not in marks:
                yield stored
            else:
                tally.keep(stored)

    def _least_age(self, key: str) -> float:
        """Seconds that an object stays though nothing names it. What is not named as we name things stays for good."""
        if UPLOAD_KEY.fullmatch(key):
            return self._settings.keep_parts_seconds
        return self._settings.collect_grace_seconds if OBJECT_KEY.fullmatch(key) else float("inf")

    def _remove(self, stored: Stored) -> bool:
        """False when it has been stored anew since it was listed."""
        if next(self._storage.list(self._bucket, stored.key), None) != stored:
            return False
        self._storage.delete(self._bucket, stored.key)
        return True

    # mark

    def _marks(self) -> set[int]:
        """Everything that is named anywhere."""
        marks: set[int] = set()
        self._used = {}
        self._mark_known_results(marks)
        self._mark_records(marks)
        for owner in self._owners():
            self._mark_manifests(marks, owner)
        self._known = self._used
        return marks

    def _mark_known_results(self, marks: set[int]) -> None:
        for keys in _batches(self._redis.scan_iter(match="work:*", count=AT_ONCE)):
            for facts in self._redis.mget(keys):
                marks.update(_digests(_names(facts or "")))

    def _mark_records(self, marks: set[int]) -> None:
        # Of the others, the manifests tell what uploads they use.
        unarchived = {*self._redis.smembers("active"), *self._redis.zrange("archive", 0, -1)}
        for keys in _batches(self._redis.scan_iter(match="job:*", count=AT_ONCE, _type="hash")):
            with self._redis.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.hvals(key)
                records = pipe.execute()
            for key, texts in zip(keys, records, strict=True):
                names = {name for text in texts for name in _names(text)}
                marks.update(_digests(names))
                if key.split(":")[1] in unarchived:
                    self._mark_uploads(marks, names)

    def _mark_uploads(self, marks: set[int], names: Iterable[str]) -> None:
        for name in names:
            if OBJECT_KEY.fullmatch(name) and _kind(name) in DOCUMENTS:
                marks.update(self._names_in(Stored(name, 0, 0.0), _named).names)

    def _mark_manifests(self, marks: set[int], owner: str) -> None:
        now = self._clock()
        for stored in self._storage.list(self._bucket, f"{owner}/manifest/"):
            known = self._names_in(stored, _named_by_manifest)
            if now - stored.modified > self._settings.keep_parts_seconds:
                known = self._used[stored.key] = known._replace(parts=NONE)
            marks.update(known.names)
            marks.update(known.parts)

    def _names_in(self, stored: Stored, read: Callable[[str], tuple[Names, Names]]) -> Known:
        """What the document names; nothing if it is gone."""
        known = self._known.get(stored.key)
        if known is None or known.modified != stored.modified:
            try:
                text = self._storage.get_bytes(self._bucket, stored.key).decode()
            except ObjectMissing:
                text = ""
            known = Known(stored.modified, *read(text))
        self._used[stored.key] = known
        return known

    def _owners(self) -> Iterator[str]:
        """The first part of all keys, with one question for each."""
        after = ""
        while (first := next(self._storage.list(self._bucket, "", after), None)) is not None:
            owner = first.key.partition("/")[0]
            yield owner
            after = owner + BEHIND


def _name(key: str) -> str:
    """What documents call the object: uploads by their id, all others by their key."""
    upload = UPLOAD_KEY.fullmatch(key)
    return upload[1] if upload else key


def _names(text: str) -> Iterator[str]:
    return (found[1] or found[2] for found in NAMED.finditer(ESCAPED_SLASH.sub("/", text)))


def _digest(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def _digests(names: Iterable[str]) -> Names:
    return array("Q", {_digest(name) for name in names}) or NONE


def _named(text: str) -> tuple[Names, Names]:
    return _digests(_names(text)), NONE


def _named_by_manifest(text: str) -> tuple[Names, Names]:
    """What was delivered, and what are parts of it."""
    try:
        document = json.loads(text)
        kept = {name: value for name, value in document["record"].items() if not _of_parts(name)}
        delivered = json.dumps([kept, document["uploads"]])
    except (ValueError, KeyError):
        return _named(text)  # nothing we wrote; what it names is kept for good
    return _digests(_names(delivered)), _digests(_names(text))


def _of_parts(field: str) -> bool:
    return field.startswith(STEP) and kind_of(field[len(STEP) :]) not in DELIVERED


def _kind(key: str) -> str:
    return key.split("/")[1] if key.count("/") > 1 else "other"


def _add(heaps: dict[str, Heap], stored: Stored) -> None:
    heaps[_kind(stored.key)] = heaps.get(_kind(stored.key), Heap()).with_one(stored.size)


def _batches(keys: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(keys, AT_ONCE)):
        yield batch


def report(tally: Tally) -> str:
    """A table: kinds of objects, and how many of them (and MB) are kept and removed."""
    rows = [f"{'kind':12}{'kept':>9}{'MB':>11}{'removed':>11}{'MB':>11}"]
    for kind in sorted(tally.kept.keys() | tally.removed.keys()):
        kept, removed = tally.kept.get(kind, Heap()), tally.removed.get(kind, Heap())
        rows.append(f"{kind:12}{kept.objects:9}{kept.size / 1e6:11.1f}{removed.objects:11}{removed.size / 1e6:11.1f}")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m orchestrator.collect", description="Removes unused objects.")
    parser.add_argument("--dry-run", action="store_true", help="tell what would be removed, and remove nothing")
    dry_run = parser.parse_args().dry_run
    try:
        settings = Settings.from_env()
        store = connect(settings, timeout=30.0)
        if not store.offers():
            # An empty Redis names nothing, so everything a running job has would seem to be litter.
            raise BadSetting("STATE_URL leads to a Redis where no worker was seen for a day; is it the right one?")
        print(report(Collector(store, S3Storage(settings), settings).collect(dry_run)))
    except (BadSetting, ReelwrightError) as error:
        print(f"collect: {error}", file=sys.stderr)
        return 1
    except redis.RedisError:
        print("collect: the state store does not answer", file=sys.stderr)
        return 1
    if dry_run:
        print("Nothing was removed; these are the objects that would be.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
