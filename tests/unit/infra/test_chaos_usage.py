"""Figures over time: the table, the file, and what counts as growth."""

import csv
from collections.abc import Sequence
from pathlib import Path

from infra.chaos.usage import Sample, growth, lines, write

COUNT = 100
SECONDS = 3_600.0


def samples(name: str, *values: float, jobs: float = 0.0) -> list[Sample]:
    """A run in which a figure takes these values, each for the same time; `jobs` come between two samples."""
    return [
        Sample(n * SECONDS / (COUNT - 1), {"jobs": jobs * n, name: values[n * len(values) // COUNT]})
        for n in range(COUNT)
    ]


def grown(taken: Sequence[Sample], seconds: float = SECONDS) -> list[str]:
    return list(growth(taken, seconds))


def test_memory_that_grows_all_the_time_is_named() -> None:
    (line,) = grown(samples("MB in memory: api", 100, 200, 300, 400))
    assert line == "MB in memory: api: 200.0 in the second quarter of the run, 400.0 in the last"


def test_what_warms_up_swings_or_grows_a_little_has_not_grown() -> None:
    assert grown(samples("MB in memory: api", 50, 300, 300, 310)) == []
    assert grown(samples("MB in memory: renderer", *(200, 900) * 10)) == []
    assert grown(samples("open files: api", 20, 20, 30, 60)) == []
    assert grown(samples("open files: api", 20, 20, 30, 100)) != []


def test_what_every_job_adds_to_is_judged_by_the_job() -> None:
    linear = [float(n) for n in range(1, COUNT + 1)]
    assert grown(samples("Redis keys", *linear, jobs=2.0)) == []
    assert grown(samples("Redis keys", *(value * value for value in linear), jobs=2.0)) != []


def test_a_short_run_says_nothing_about_growth_and_other_figures_are_not_judged() -> None:
    assert grown(samples("MB in memory: api", 100, 200, 300, 400), seconds=599.0) == []
    assert grown(samples("jobs", 1, 20, 300, 4000)) == []
    assert grown([]) == []


def test_a_figure_that_could_not_be_read_is_left_out_of_the_table_and_empty_in_the_file(tmp_path: Path) -> None:
    taken = [Sample(0.0, {"jobs": 1.0, "Redis keys": 5.0}), Sample(2.0, {"jobs": 3.0}), Sample(4.0, {"jobs": 2.0})]
    assert [line.split() for line in lines(taken)] == [
        ["in", "4", "s", "first", "highest", "last"],
        ["jobs", "1", "3", "2"],
        ["Redis", "keys", "5", "5", "5"],
    ]
    assert lines([]) == []
    write(taken, tmp_path / "usage.csv")
    with (tmp_path / "usage.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows == [["seconds", "jobs", "Redis keys"], ["0.0", "1.0", "5.0"], ["2.0", "3.0", ""], ["4.0", "2.0", ""]]
