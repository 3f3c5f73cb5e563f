"""`reel bench` on small counts. What is held to here are numbers; times mean nothing on a busy machine."""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import orchestration, render, scale
from benchmarks.pipeline import Made, Span
from benchmarks.processes import Watch, cpu_of, run
from benchmarks.render import contest as contests
from benchmarks.report import NotMeasured, Report, Say, Scope, Table, growth, highest
from benchmarks.workload import Workload, media
from cli import bench
from cli.errors import FAILED, OK, BadInput
from renderer.ffmpeg.run import ffmpeg_program

SMALL = orchestration.Plan(jobs=(4, 80), finished=8, steps=0, scenes=(5, 25), films=10, looks=5)
COUNTS = ("calls/scene", "commands/scene", "reads/step")


def options(**changed: object) -> argparse.Namespace:
    usual = {
        "name": "orchestration",
        "quick": True,
        "check": True,
        "save": True,
        "pairs": None,
        "data": None,
        "measure": False,
    }
    return argparse.Namespace(**{**usual, **changed})


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
    assert bench.bench(options(data=tmp_path)) == OK, capsys.readouterr().out
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table("films", [{"scenes": 5, "calls": 20.0}, {"scenes": 10, "calls": 18.0}, {"scenes": 50, "calls": 36.0}])

    def measure(scope: Scope, say: Say) -> Report:
        say(f"quick: {scope.quick}, in {scope.data}")
        return Report([table], [growth(table, "calls", 1.5), highest(table, "calls", 36.0)])

    monkeypatch.setattr(orchestration, "measure", measure)
    assert bench.bench(options(save=False, data=tmp_path)) == FAILED
    assert bench.bench(options(save=False, check=False, quick=False, data=tmp_path / "new")) == OK
    told = capsys.readouterr()
    assert "FAILED  films: calls grows by a factor of: 2.00 (at most 1.5)" in told.out
    assert "ok      films: calls: 36.00 (at most 36)" in told.out
    assert f"quick: False, in {tmp_path / 'new'}" in told.err


def test_a_benchmark_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(
        BadInput, match="no benchmark writing; there is: alignment, orchestration, render, scale, scaling, voices"
    ):
        bench.bench(options(name="writing"))


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="file/there"):
        bench.bench(options(data=tmp_path / "file" / "there"))


# what programs take


BUSY = "import time\nwhile time.process_time() < 0.2: pass\n"


def test_a_program_is_measured_and_one_that_fails_says_why(tmp_path: Path) -> None:
    cost = run([sys.executable, "-c", BUSY], tmp_path)
    assert cost.cpu >= 0.2
    assert cost.seconds >= 0.2
    assert cost.memory > 1
    with pytest.raises(NotMeasured, match="no such luck"):
        run([sys.executable, "-c", "raise SystemExit('no such luck')"], tmp_path)


def test_what_children_have_used_counts_when_they_are_gone() -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}]); print(flush=True); input()"
    parent = subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()
    assert cpu_of([parent.pid]) >= 0.2
    parent.communicate(b"\n")
    assert cpu_of([parent.pid]) == 0


def test_a_watch_sees_the_memory_of_those_it_looks_for_and_of_no_others() -> None:
    hungry = "import sys, time; held = bytearray(80_000_000); print(flush=True); time.sleep(60)"
    with Watch([os.getpid()], "this-one", often=100) as watch:
        programs = [
            subprocess.Popen([sys.executable, "-c", hungry, name], stdout=subprocess.PIPE)
            for name in ("this-one", "not")
        ]
        for program in programs:
            assert program.stdout is not None
            program.stdout.readline()
        while watch.memory < 80:
            time.sleep(0.01)
        for program in programs:
            program.kill()
            program.communicate()
    assert list(watch.seen) == [programs[0].pid]
    assert 80 < watch.memory < 200
    assert watch.seconds > 0


# the figures of rendering


def made(*spans: Span, ended: float = 100.0, **changed: Any) -> Made:
    usual: dict[str, Any] = {
        "job": "job",
        "version": 1,
        "asked": 0.0,
        "ended": ended,
        "spans": spans,
        "reused": 0,
        "encoded": 100,
        "frames": 100,
        "size": 10**6,
        "used": {"renderer": 20.0},
        "memory": 200.0,
        "encoding": 0.0,
    }
    return Made(**usual | changed)


def test_the_time_of_workers_is_divided_among_what_they_did_and_waited_for() -> None:
    film = made(
        Span("speak:s1", 0, 0, 2),
        Span("segment:s1.0", 10, 10, 20),
        Span("segment:s2.0", 10, 12, 18),
        Span("mix", 17, 18, 26),
        Span("assemble", 27, 28, 31),
        encoding=13.0,
    )
    assert film.begun == 10
    assert film.rendering == 21
    assert film.film == 90
    assert film.whole == 100
    assert scale.shares(film, 2) == {
        "encoding": 13,
        "mixing": 8,
        "storage and checks": 10 + 6 - 13,
        "joining": 2 * 3,
        "queueing": 2 + 2,
        "uneven end": 6,
        "deciding": 2,
    }


def contest(**seconds: list[float]) -> contests.Contest:
    names = {"crop": contests.CROP_FIRST, "ours": contests.PIPELINE, "scale": contests.SCALE_FIRST}
    names |= {"faded": contests.FADED, "chained": contests.CHAINED}
    rendered = made(Span("segment:s1.0", 5, 5, 80), Span("assemble", 80, 80, 95))
    runs = {
        name: [
            contests.Took(each, 20.0, 200.0, 10**6, rendered if name in (contests.PIPELINE, contests.FADED) else None)
            for each in seconds.get(short, [10.0, 10.0, 10.0])
        ]
        for short, name in names.items()
    }
    parts = {"decoding": 5.0, "encoding": 15.0}
    return contests.Contest("9:16", 100, runs, parts, dict.fromkeys(names.values(), 90.0))


def failed(one: contests.Contest) -> list[str]:
    return [check.what for check in contests.checks_of(one) if not check.passed]


def test_a_pipeline_that_keeps_to_all_bars_passes_and_each_bar_can_be_missed() -> None:
    good = contest(scale=[12.0] * 3, chained=[12.0] * 3)
    assert failed(good) == []
    assert failed(contest(ours=[11.0] * 3, scale=[14.0] * 3, chained=[12.0] * 3)) == [
        f"portrait: time, of {contests.CROP_FIRST}"
    ]
    assert failed(contest(chained=[12.0] * 3)) == [f"portrait: time, of {contests.SCALE_FIRST}"]
    assert failed(contest(scale=[12.0] * 3)) == [f"portrait: time with crossfades, of {contests.CHAINED}"]
    good.vmaf[contests.PIPELINE] = 89.7
    assert failed(good) == [f"portrait: VMAF lost to {contests.CROP_FIRST}"]
    good.vmaf[contests.PIPELINE] = 90.0
    good.parts["encoding"] = 10.0
    assert failed(good) == ["portrait: CPU of everything, of the sum of the parts"]
    good.parts["encoding"] = 15.0
    big = good.runs[contests.FADED]
    big[1] = replace(big[1], memory=301.0)
    assert failed(good) == ["portrait: MB of memory of a segment's process"]


def test_rounds_are_compared_one_by_one() -> None:
    """The machine was twice as slow in the last round, for both of them."""
    drifting = contest(ours=[10.0, 10.0, 20.0], crop=[10.0, 10.0, 20.0])
    assert drifting.ratio(contests.PIPELINE, contests.CROP_FIRST) == 1.0
    assert drifting.ratio(contests.PIPELINE, contests.SCALE_FIRST) == 1.0


TINY = Workload(scenes=2, width=160, height=90, seconds=2, bitrate=100_000, words=2)


def test_footage_is_made_once(tmp_path: Path) -> None:
    said: list[str] = []
    first = media(TINY, tmp_path, ffmpeg_program(), said.append)
    assert len(said) == len(first.clips) + 2
    assert all(path.stat().st_size for path in (*first.clips, first.spare, first.music))
    assert media(TINY, tmp_path, ffmpeg_program(), said.append) == first
    assert media(replace(TINY, words=3), tmp_path, ffmpeg_program(), said.append) == first
    assert len(said) == len(first.clips) + 2
    assert [path.name for path in tmp_path.iterdir()] == [first.music.parent.name]


def test_footage_that_was_not_finished_is_not_taken_for_whole(tmp_path: Path) -> None:
    def give_up(line: str) -> None:
        if "music" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        media(TINY, tmp_path, ffmpeg_program(), give_up)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.stack
def test_a_film_is_compared_with_commands_that_make_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(render, "QUICK", render.QUICK._replace(shapes=("9:16",)))
    assert bench.bench(options(name="render", data=tmp_path / "data")) == OK, capsys.readouterr().out
    (saved,) = (tmp_path / "results").glob("render-*.json")
    result = json.loads(saved.read_text())
    film, parts, programs, again = (table["rows"] for table in result["tables"])
    vmaf = {row["who"]: row["VMAF"] for row in film}
    # Both show the same pictures: what is lost is lost to the encoder.
    assert vmaf[contests.PIPELINE] == pytest.approx(vmaf[contests.CROP_FIRST], abs=1.5)
    assert vmaf[contests.FADED] == pytest.approx(vmaf[contests.CHAINED], abs=1.5)
    assert all(row["CPU s"] > 0 and row["MB of memory"] > 1 for row in film)
    assert all(value > 0 for value in parts[0].values() if not isinstance(value, str))
    assert programs[0]["renderer"] > 0
    encoded = {row["what"]: (row["frames encoded"], row["of"]) for row in again}
    assert encoded[render.DRAFTED][0] == encoded[render.DRAFTED][1]
    assert encoded[render.SAME][0] == encoded[render.NEW_MUSIC][0] == 0
    assert 0 < encoded[render.NEW_CLIP][0] < encoded[render.NEW_CLIP][1]
    assert len(result["details"]["runs"]["9:16"][contests.CHAINED]) == 1
    assert [path.name.partition("-")[0] for path in (tmp_path / "data").iterdir()] == ["footage"]


@pytest.mark.slow
@pytest.mark.stack
def test_one_worker_is_compared_with_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.bench(options(name="scale", save=False, data=tmp_path)) == OK, capsys.readouterr().out
    told = capsys.readouterr().out
    assert "speed-up" in told
    for share in ("encoding", "storage and checks", "joining", "queueing"):
        assert f"% {share}" in told
