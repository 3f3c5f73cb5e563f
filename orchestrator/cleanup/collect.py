"""Removes stored objects that nothing refers to any more, by mark and sweep.

Every object named in the results known for reuse, in the records of jobs in Redis or in manifests is marked. They are
read in this order, because that is how names move: from a known result into the record of a job that reuses it, from
there into its manifest. Objects that are not marked and older than any step can have been running are swept.

Time for which objects are kept:
    manifests, documents of batches            for good
    film, thumbnail, captions, storyboards,
    request, edits and uploads of a job        as long as it has a manifest
    its other parts (segments, footage, ...)   KEEP_PARTS_SECONDS after its end; an edit makes them anew
    uploads no job ever used                   KEEP_PARTS_SECONDS
    what a killed worker left behind           COLLECT_GRACE_SECONDS

Everything is read as a stream: memory does not grow with the number of jobs or of objects.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from common.errors import ObjectMissing
from common.jobs.archive import FOLDER
from common.jobs.reads import Reads
from common.settings import Settings
from common.storage.port import Storage, Stored
from orchestrator.cleanup.bloom import BloomFilter
from orchestrator.cleanup.manifest_index import Known, ManifestIndex
from orchestrator.cleanup.references import (
    OBJECT_KEY,
    UPLOAD_KEY,
    Digests,
    delivered,
    digest,
    digests,
    in_manifest,
    kind_of_object,
    name_of,
    names_in,
)

DOCUMENTS = frozenset({"request", "edit", "storyboard"})
"Kinds of objects that name uploads themselves."
AFTER_SLASH = "0"
'Follows "/" in the order of keys.'
MOST_LITTER = 50_000
"Objects held in memory to be removed together."


class Heap(NamedTuple):
    """A number of objects, and their bytes."""

    objects: int = 0
    size: int = 0

    def with_one(self, size: int) -> "Heap":
        return Heap(self.objects + 1, self.size + size)


class Tally(NamedTuple):
    """The objects that a collection kept and removed, by kind."""

    kept: dict[str, Heap]
    removed: dict[str, Heap]

    def keep(self, stored: Stored) -> None:
        _add(self.kept, stored)

    def remove(self, stored: Stored) -> None:
        _add(self.removed, stored)


class Collector:
    """Collects again and again; remembers the names in documents, as they never change."""

    def __init__(
        self, store: Reads, storage: Storage, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        self._store, self._storage, self._settings, self._clock = store, storage, settings, clock
        self._bucket = settings.assets_bucket
        self._manifests = ManifestIndex(settings.scratch())
        self._documents: dict[str, Digests] = {}
        "Names in the documents of jobs that have not ended, by key."

    def collect(self, dry_run: bool = False) -> Tally:
        """Removes what can go. Whatever Redis and the object store raise, no needed object was removed."""
        tally, marks, after = Tally({}, {}), BloomFilter(), ""
        for one in self._named():
            marks.add(one)
        while True:
            litter = list(islice(self._litter(marks, tally, after), MOST_LITTER))
            self._sweep(litter, tally, dry_run)
            if len(litter) < MOST_LITTER:
                return tally
            after = litter[-1].key

    # sweep

    def _litter(self, marks: BloomFilter, tally: Tally, after: str) -> Iterator[Stored]:
        """Objects neither marked nor young; the rest is kept."""
        now = self._clock()
        for stored in self._storage.list(self._bucket, "", after):
            if now - stored.modified > self._least_age(stored.key) and digest(name_of(stored.key)) not in marks:
                yield stored
            else:
                tally.keep(stored)

    def _least_age(self, key: str) -> float:
        """Seconds that an object stays though nothing names it. One whose key is not of our pattern stays for good."""
        if UPLOAD_KEY.fullmatch(key):
            return self._settings.keep_parts_seconds
        return self._settings.collect_grace_seconds if OBJECT_KEY.fullmatch(key) else float("inf")

    def _sweep(self, litter: Sequence[Stored], tally: Tally, dry_run: bool) -> None:
        """Removes the objects that are still garbage."""
        if not litter:
            return
        unnamed: dict[int, list[Stored]] = {}
        for stored in litter:
            unnamed.setdefault(digest(name_of(stored.key)), []).append(stored)
        # Once more, as late as possible: a job may have begun to use some of it in the meantime.
        for one in self._named():
            for stored in unnamed.pop(one, ()):
                tally.keep(stored)
        for some in unnamed.values():
            for stored in some:
                if dry_run or self._remove(stored):
                    tally.remove(stored)
                else:
                    tally.keep(stored)

    def _remove(self, stored: Stored) -> bool:
        """False if it has been stored anew since it was listed."""
        if next(self._storage.list(self._bucket, stored.key), None) != stored:
            return False
        self._storage.delete(self._bucket, stored.key)
        return True

    # mark

    def _named(self) -> Iterator[int]:
        """Digests of everything named anywhere, many of them again and again."""
        yield from self._by_known_results()
        yield from self._by_records()
        yield from self._by_manifests()

    def _by_known_results(self) -> Iterator[int]:
        for facts in self._store.all_known_work():
            yield from digests(names_in(facts))

    def _by_records(self) -> Iterator[int]:
        read: dict[str, Digests] = {}
        for record, archived in self._store.all_records():
            fields = delivered(record) if archived else record  # its manifest decides how long its parts are kept
            names = {name for text in fields.values() for name in names_in(text)}
            yield from digests(names)
            if archived:
                continue
            for key in names:
                if OBJECT_KEY.fullmatch(key) and kind_of_object(key) in DOCUMENTS:
                    read[key] = self._in_document(key)
                    yield from read[key]
        self._documents = read

    def _in_document(self, key: str) -> Digests:
        """Names of uploads, which the manifest has once the job is archived."""
        known = self._documents.get(key)
        return known if known is not None else digests(names_in(self._text(key)))

    def _by_manifests(self) -> Iterator[int]:
        folders = (f"{owner}/{FOLDER}/" for owner in self._owners())
        listed = (stored for folder in folders for stored in self._storage.list(self._bucket, folder))
        parts_from = self._clock() - self._settings.keep_parts_seconds
        for known in self._manifests.entries(listed, self._read_manifest, parts_from):
            yield from known.names
            yield from known.parts

    def _read_manifest(self, stored: Stored) -> Known:
        return Known(stored.key, stored.modified, *in_manifest(self._text(stored.key)))

    def _text(self, key: str) -> str:
        """The text of a document; empty if it is gone."""
        try:
            return self._storage.get_bytes(self._bucket, key).decode(errors="replace")
        except ObjectMissing:
            return ""

    def _owners(self) -> Iterator[str]:
        """The first parts of all keys, with one request for each, in the order of the keys."""
        after = ""
        while (first := next(self._storage.list(self._bucket, "", after), None)) is not None:
            owner = first.key.partition("/")[0]
            yield owner
            after = owner + AFTER_SLASH


def _add(heaps: dict[str, Heap], stored: Stored) -> None:
    kind = kind_of_object(stored.key)
    heaps[kind] = heaps.get(kind, Heap()).with_one(stored.size)


def report(tally: Tally) -> str:
    """A table of the number of objects (and MB) kept and removed, by kind."""
    rows = [f"{'kind':12}{'kept':>9}{'MB':>11}{'removed':>11}{'MB':>11}"]
    for kind in sorted(tally.kept.keys() | tally.removed.keys()):
        kept, removed = tally.kept.get(kind, Heap()), tally.removed.get(kind, Heap())
        rows.append(f"{kind:12}{kept.objects:9}{kept.size / 1e6:11.1f}{removed.objects:11}{removed.size / 1e6:11.1f}")
    return "\n".join(rows)
