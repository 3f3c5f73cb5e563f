"""What the command line shows while a job runs."""

from io import StringIO
from typing import Any

import pytest

from cli.progress import Estimate, LineDisplay, TerminalDisplay, clip, columns


def status(percent: int, step: str, *states: str) -> dict[str, Any]:
    scenes = [
        {"id": f"s{n}", "narration": f"Scene number {n}", "state": state, "progress": 40, "shots": []}
        for n, state in enumerate(states, 1)
    ]
    return {"overall_progress": percent, "current_step": step, "scenes": scenes, "total_scenes": len(scenes)}


def test_lines_come_only_when_something_changes() -> None:
    stream = StringIO()
    display = LineDisplay(stream)
    for one in (
        status(0, "planning"),
        status(0, "planning"),
        status(20, "rendering 0/2", "rendering", "waiting"),
        status(31, "rendering 0/2", "rendering", "waiting"),
        status(60, "rendering 1/2", "rendered", "rendering"),
        status(61, "rendering 1/2", "rendered", "rendering"),
    ):
        display.show(one)
    assert stream.getvalue().splitlines() == [
        "  0 %  planning",
        " 20 %  rendering 0/2",
        " 60 %  scene 1 of 2 rendered: Scene number 1",
        " 60 %  rendering 1/2",
    ]


def test_the_last_line_says_how_it_ended() -> None:
    stream = StringIO()
    display = LineDisplay(stream)
    display.show(status(90, "rendering", "rendering"))
    display.show(status(100, "completed", "rendered"))
    assert stream.getvalue().splitlines()[-1] == "100 %  completed"


def test_a_scene_that_was_left_out_gets_a_line() -> None:
    stream = StringIO()
    display = LineDisplay(stream)
    display.show(status(40, "rendering", "rendering", "rendering"))
    display.show(status(60, "rendering", "left out", "rendering"))
    assert stream.getvalue().splitlines()[-1] == " 60 %  scene 1 of 2 left out: Scene number 1"


def test_why_a_job_waits_is_told_once() -> None:
    stream = StringIO()
    display = LineDisplay(stream)
    for why in (None, "the disk of the worker is full", None, "the disk of the worker is full", "the store is away"):
        display.show({**status(40, "rendering 0/2", "rendering"), "waiting_for": why})
    assert stream.getvalue().splitlines() == [
        " 40 %  rendering 0/2",
        " 40 %  waiting: the disk of the worker is full",
        " 40 %  waiting: the store is away",
    ]


def test_on_a_terminal_the_reason_stands_in_place_of_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    stream = StringIO()
    TerminalDisplay(stream).show({**status(40, "rendering", "rendering"), "waiting_for": "the disk is full"})
    assert "waiting: the disk is full" in stream.getvalue()


def test_the_time_that_is_left_goes_by_the_speed_until_now() -> None:
    estimate = Estimate()
    assert estimate.left(5, 100.0) == ""
    assert estimate.left(14, 200.0) == "", "too little is done"
    assert estimate.left(25, 120.0) == "80 s"
    assert estimate.left(45, 500.0) == "10 min"
    assert estimate.left(99, 510.0) == "10 s"
    assert estimate.left(100, 510.0) == ""


def test_a_card_is_told_as_one() -> None:
    stream = StringIO()
    one = status(40, "rendering", "rendered")
    one["scenes"][0]["card"] = "title"
    LineDisplay(stream).show(one)
    assert stream.getvalue().splitlines()[0] == " 40 %  scene 1 of 1 rendered: title card"


def test_the_block_on_a_terminal_replaces_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "24")
    stream = StringIO()
    display = TerminalDisplay(stream)
    display.show(status(10, "speaking", "speaking", "waiting"))
    display.show(status(50, "rendering 1/2", "rendered", "rendering"))
    first, second = stream.getvalue().split("\x1b[3F")
    assert first.count("\n") == 3
    lines = second.removeprefix("\x1b[J").splitlines()
    assert " 50 %" in lines[0]
    assert lines[1].startswith("  1 ✓ Scene number 1")
    assert lines[2].startswith("  2 ▸ Scene number 2")
    assert lines[2].endswith("rendering 40 %")


def test_a_film_of_many_scenes_shows_those_that_fit_from_the_first_unfinished_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "10")
    stream = StringIO()
    TerminalDisplay(stream).show(status(50, "rendering", *["rendered"] * 100, *["waiting"] * 100))
    lines = stream.getvalue().splitlines()
    assert len(lines) < 10
    assert lines[1].startswith("100 ✓")
    assert lines[2].startswith("101 ·")


@pytest.mark.parametrize(
    "text", ["short", "a much longer text than fits", "夕日が海に沈む頃に", "e\u0301" * 30, "a\x1b[2Jb\r\nc"]
)
def test_text_stays_on_one_line_of_the_width_and_cannot_steer_the_terminal(text: str) -> None:
    clipped = clip(text, 12)
    assert columns(clipped) <= 12
    assert clipped.isprintable()
