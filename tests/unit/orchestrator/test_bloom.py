"""The set that says of everything it was given that it has it, and of nearly nothing else."""

import random

import pytest

from orchestrator.cleanup import bloom
from orchestrator.cleanup.bloom import BloomFilter


def some(seed: int, count: int) -> list[int]:
    draw = random.Random(seed)
    return [draw.getrandbits(64) for _ in range(count)]


def test_everything_that_was_added_is_in_it_and_nothing_else_seems_to_be() -> None:
    marked, names = BloomFilter(), some(1, 10_000)
    for name in names:
        marked.add(name)
    assert all(name in marked for name in names)
    assert sum(name in marked for name in some(2, 10_000)) == 0


def test_when_it_is_full_what_was_added_is_still_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bloom, "BITS", 10)
    marked, names = BloomFilter(), some(1, 1_000)
    for name in names:
        marked.add(name)
    assert all(name in marked for name in names)


def test_what_seems_to_be_in_one_set_does_not_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bloom, "BITS", 12)
    names, others = some(1, 1_000), set(some(2, 5_000))
    left = others
    for _ in range(30):
        marked = BloomFilter()
        for name in names:
            marked.add(name)
        seems = {name for name in others if name in marked}
        assert 0.05 < len(seems) / len(others) < 0.4, "at four bits for each name"
        left = left & seems
    assert not left
