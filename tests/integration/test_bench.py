"""`reel bench` on small counts. What is held to here are numbers of calls; times mean nothing on a busy machine."""

import argparse
import json
from pathlib import Path

import pytest

from api.cli import bench
from api.cli.errors import FAILED, OK, BadInput
from benchmarks import orchestration
from benchmarks.report import Report, Say, Table, growth, highest

SMALL = orchestration.Plan(jobs=(4, 80), finished=8, steps=0, scenes=(5, 25), films=10, looks=5)
COUNTS = ("calls/scene", "commands/scene", "reads/step")


def options(**changed: object) -> argparse.Namespace:
    return argparse.Namespace(**{"name": "orchestration", "quick": True, "check": True, "save": True, **changed})


@pytest.mark.parametrize(
    ("plan", "places"),
    [(SMALL, 4), pytest.param(orchestration.QUICK, orchestration.PLACES, marks=pytest.mark.slow)],
    ids=["small", "quick"],
)
def test_many_jobs_and_long_ones_take_as_many_calls_a_scene_as_few_and_short_ones(
    plan: orchestration.Plan,
    places: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bench, "RESULTS", tmp_path)
    monkeypatch.setattr(orchestration, "QUICK", plan)
    monkeypatch.setattr(orchestration, "PLACES", places)
    assert bench.bench(options()) == OK, capsys.readouterr().out
    assert "calls/scene" in capsys.readouterr().out
    (saved,) = tmp_path.glob("orchestration-*.json")
    result = json.loads(saved.read_text())
    assert result["machine"]["cores"] >= 1
    crowds, films, looks = (table["rows"] for table in result["tables"])
    assert [row["jobs"] for row in crowds] == list(plan.jobs)
    assert [row["scenes"] for row in films] == list(plan.scenes)
    for few, many in (crowds, films):
        assert 0 < many["looks/step"] <= orchestration.ONE
        for column in COUNTS:
            assert 0 < many[column] <= orchestration.COUNTS * few[column]
    for column in ("calls/look", "commands/look"):
        assert 0 < looks[1][column] <= orchestration.COUNTS * looks[0][column]
    judged = {check["what"] for check in result["checks"]}
    assert not any("CPU" in what or "ms/" in what for what in judged)


def test_a_figure_that_is_too_high_fails_only_if_it_is_to_be_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table("films", [{"scenes": 5, "calls": 20.0}, {"scenes": 10, "calls": 18.0}, {"scenes": 50, "calls": 36.0}])

    def measure(quick: bool, say: Say) -> Report:
        say(f"quick: {quick}")
        return Report([table], [growth(table, "calls", 1.5), highest(table, "calls", 36.0)])

    monkeypatch.setattr(orchestration, "measure", measure)
    assert bench.bench(options(save=False)) == FAILED
    assert bench.bench(options(save=False, check=False, quick=False)) == OK
    told = capsys.readouterr()
    assert "FAILED  films: calls grows by a factor of: 2.00 (at most 1.5)" in told.out
    assert "ok      films: calls: 36.00 (at most 36)" in told.out
    assert "quick: False" in told.err


def test_a_benchmark_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(BadInput, match="no benchmark rendering; there is: orchestration"):
        bench.bench(options(name="rendering"))
