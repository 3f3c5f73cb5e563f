"""The server's own clips: a folder of videos and pictures, found by the words of their names."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from common.contracts.footage import Candidate, ClipFile, Provenance, ShotQuery
from common.errors import BadMedia, Permanent
from common.worker.steprun import StepRun
from retriever import ranking
from retriever.inspection.glance import glance
from retriever.inspection.program import Picture
from retriever.providers.port import FetchedFile, origin_of

SUFFIXES = frozenset([".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".jpg", ".jpeg", ".png", ".webp", ".gif"])
MOST = 40
MOST_SEEN = 10_000
"Clips whose pictures are remembered."


class Entry(NamedTuple):
    """A file of the folder."""

    name: str
    "Its path inside the folder."
    words: frozenset[str]
    match: float


class Clip(NamedTuple):
    """A file as it was when it was looked at."""

    path: Path
    changed: int
    "Nanoseconds."
    size: int


class ClipFolder:
    """The `Provider` over a folder. Folders in it may name a subject: `harbour/boats-at-dusk.mp4`."""

    name = "folder"

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._seen: dict[Clip, Picture] = {}

    def search(self, query: ShotQuery) -> list[Candidate]:
        """Clips whose names match; the others too when no other source but scenery was asked for."""
        if not self._root.is_dir():
            raise Permanent("the folder CLIP_FOLDER names is not there; create it or change the setting")
        entries = [_entry(query, name) for name in self._names()]
        if set(query.sources) - {"folder", "scenery"}:
            entries = [entry for entry in entries if entry.match > 0]
        # Entries that match equally well come in an order of the shot's own, so that shots do not all want the same.
        entries.sort(key=lambda entry: (-entry.match, _shuffle(query, entry.name)))
        best = entries[:MOST]
        clips = self._clips([entry.name for entry in best])
        pictures = self._pictures(clips.values())
        return ranking.rank(
            _candidate(query, entry, index / len(best), clips[entry.name], pictures[clips[entry.name]])
            for index, entry in enumerate(best)
            if entry.name in clips and clips[entry.name] in pictures
        )

    def fetch(self, candidate: Candidate, run: StepRun) -> FetchedFile:
        return FetchedFile(self.path(origin_of(self.name, candidate, ClipFile).path))

    def path(self, name: str) -> Path:
        """The path of a clip; raises `BadMedia` if the folder has none of that name, or it points outside."""
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root) or not path.is_file():
            raise BadMedia("the clip is no longer in the clip folder")
        return path

    def _names(self) -> Iterator[str]:
        # Plain strings: with tens of thousands of clips, path objects would be most of the work.
        prefix = os.path.join(self._root, "")
        for folder, subfolders, files in os.walk(self._root):
            subfolders[:] = [name for name in subfolders if not name.startswith(".")]
            for file in files:
                if os.path.splitext(file)[1].lower() in SUFFIXES and not file.startswith("."):
                    path = os.path.join(folder, file)
                    if not os.path.islink(path) or Path(path).resolve().is_relative_to(self._root):
                        yield path.removeprefix(prefix)

    def _clips(self, names: Sequence[str]) -> dict[str, Clip]:
        """The files by name, without those that are gone."""
        found = {}
        for name in names:
            try:
                path = self.path(name)
                facts = path.stat()
            except (BadMedia, OSError):
                continue
            found[name] = Clip(path, facts.st_mtime_ns, facts.st_size)
        return found

    def _pictures(self, clips: Iterable[Clip]) -> dict[Clip, Picture]:
        """What is to be seen in them, without those that cannot be shown: one of many is no reason to stop."""
        if len(self._seen) > MOST_SEEN:
            self._seen.clear()
        fresh = [clip for clip in clips if clip not in self._seen]
        pictures = zip(fresh, glance([clip.path for clip in fresh]), strict=True)
        self._seen |= {clip: picture for clip, picture in pictures if picture is not None}
        return self._seen


def _candidate(query: ShotQuery, entry: Entry, rank: float, clip: Clip, picture: Picture) -> Candidate:
    features = ranking.Features(entry.words, rank, picture.seconds, picture.width, picture.height)
    # The version is part of the identity: a clip that was replaced is another clip.
    version = hashlib.sha256(f"{clip.changed} {clip.size}".encode()).hexdigest()[:8]
    return Candidate(
        id=f"folder:{entry.name}@{version}",
        kind=picture.kind,
        score=ranking.score(query, features),
        origin=ClipFile(path=entry.name),
        width=picture.width,
        height=picture.height,
        seconds=picture.seconds,
        provenance=Provenance(provider="folder", source_id=entry.name),
    )


def _entry(query: ShotQuery, name: str) -> Entry:
    words = ranking.stems(name.rpartition(".")[0])
    return Entry(name, words, ranking.match(query, words) if words else 0.0)


def _shuffle(query: ShotQuery, name: str) -> str:
    return hashlib.sha256(f"{query.seed} {query.shot} {name}".encode()).hexdigest()
