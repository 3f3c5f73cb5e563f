"""What manifests name is read once, and remembered in a file."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.storage.port import Stored
from orchestrator.cleanup.manifest_index import Known, ManifestIndex


class Manifests:
    """Documents that count how often they are read. Each names its number, and as a part the number plus 100."""

    def __init__(self, *numbers: int) -> None:
        self.stored = {number: Stored(f"a/{number:03}", 10, float(number)) for number in numbers}
        self.read: list[str] = []

    def listed(self) -> Iterator[Stored]:
        return (self.stored[number] for number in sorted(self.stored))

    def read_one(self, stored: Stored) -> Known:
        self.read.append(stored.key)
        number = int(stored.key[2:])
        return Known(stored.key, stored.modified, [number, 2**64 - 1 - number], [number + 100])

    def through(self, ledger: ManifestIndex, parts_from: float = 0.0) -> list[tuple[str, list[int], list[int]]]:
        found = ledger.entries(self.listed(), self.read_one, parts_from)
        return [(known.key, list(known.names), list(known.parts)) for known in found]


def entry(number: int, parts: bool = True) -> tuple[str, list[int], list[int]]:
    return f"a/{number:03}", [number, 2**64 - 1 - number], [number + 100] if parts else []


@pytest.fixture
def ledger(tmp_path: Path) -> ManifestIndex:
    return ManifestIndex(tmp_path / "not there yet")


def test_each_document_is_read_once(ledger: ManifestIndex) -> None:
    documents = Manifests(1, 3, 5)
    for _ in range(3):
        assert documents.through(ledger) == [entry(1), entry(3), entry(5)]
    assert documents.read == ["a/001", "a/003", "a/005"]


def test_documents_come_and_go_and_change(ledger: ManifestIndex) -> None:
    documents = Manifests(2, 4, 6)
    documents.through(ledger)
    del documents.stored[4]
    documents.stored |= Manifests(1, 3, 9).stored
    documents.stored[6] = documents.stored[6]._replace(modified=66.0)
    documents.read.clear()
    assert documents.through(ledger) == [entry(1), entry(2), entry(3), entry(6), entry(9)]
    assert documents.read == ["a/001", "a/003", "a/006", "a/009"]
    documents.stored |= Manifests(4).stored
    documents.read.clear()
    documents.through(ledger)
    assert documents.read == ["a/004"]


def test_old_documents_name_no_parts_any_more(ledger: ManifestIndex) -> None:
    documents = Manifests(1, 2, 3)
    assert documents.through(ledger, parts_from=2.0) == [entry(1, parts=False), entry(2), entry(3)]
    assert documents.through(ledger, parts_from=3.0) == [entry(1, parts=False), entry(2, parts=False), entry(3)]
    assert len(documents.read) == 3


@pytest.mark.parametrize("broken", [1, 2, 3])
def test_what_was_read_before_a_failure_is_not_read_again(ledger: ManifestIndex, broken: int) -> None:
    documents = Manifests(1, 2, 3)
    documents.through(ledger)
    documents.stored |= Manifests(0, 4, 5).stored

    def failing() -> Iterator[Stored]:
        for number, stored in enumerate(documents.listed()):
            if number == broken:
                raise OSError("the store is away")
            yield stored

    with pytest.raises(OSError, match="away"):
        list(ledger.entries(failing(), documents.read_one, 0.0))
    assert documents.through(ledger) == [entry(number) for number in range(6)]
    assert documents.read.count("a/000") == 1
    assert sorted(documents.read) == [f"a/{number:03}" for number in range(6)]


def test_what_a_full_disk_cut_off_is_read_again(ledger: ManifestIndex) -> None:
    documents = Manifests(1, 2)
    documents.through(ledger)
    assert ledger._file is not None
    for size in range(ledger._file.seek(0, 2), 0, -1):
        ledger._file.truncate(size - 1)
        if size % 7 == 0:
            assert documents.through(ledger) == [entry(1), entry(2)]
            break
    assert documents.read[2:] == ["a/002"]


def test_the_file_has_no_name_and_goes_with_the_ledger(tmp_path: Path) -> None:
    ledger = ManifestIndex(tmp_path)
    Manifests(1).through(ledger)
    assert list(tmp_path.iterdir()) == []
    file = ledger._file
    del ledger
    gc.collect()
    assert file is not None
    assert file.closed
