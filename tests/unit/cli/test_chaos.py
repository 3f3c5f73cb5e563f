"""The options of `reel chaos` become those of a run."""

from collections import Counter
from pathlib import Path

import pytest

from cli import chaos
from cli.errors import BAD_INPUT, OK
from cli.main import main
from infra.chaos.figures import Report
from infra.chaos.run import Options


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """The options of the runs, which find nothing wrong."""
    runs: list[Options] = []

    def run(options: Options, _: object) -> Report:
        runs.append(options)
        return Report(
            options.seed, options.seconds, {}, Counter(), Counter(), runs=0, repeated=0, settled=0.0, violations=[]
        )

    monkeypatch.setattr(chaos, "run", run)
    return runs


@pytest.mark.parametrize(
    ("words", "seconds", "gap", "hosts"),
    [
        ([], 60.0, 2.0, False),
        (["--soak"], 7200.0, 5.0, False),
        (["--soak", "--seconds", "600"], 600.0, 5.0, False),
        (["--soak", "--gap", "1.5"], 7200.0, 1.5, False),
        (["--hosts", "--seconds", "90", "--gap", "3"], 90.0, 3.0, True),
    ],
)
def test_what_is_not_said_is_as_usual_or_as_in_a_soak(
    asked: list[Options], words: list[str], seconds: float, gap: float, hosts: bool
) -> None:
    assert main(["chaos", "--seed", "7", *words]) == OK
    (options,) = asked
    assert (options.seed, options.seconds, options.gap, options.hosts) == (7, seconds, gap, hosts)
    assert not options.kept
    assert not options.data.exists(), "a folder of its own goes with a run that found nothing"


def test_the_folder_that_was_asked_for_is_kept(asked: list[Options], tmp_path: Path) -> None:
    assert main(["chaos", "--data", str(tmp_path / "data")]) == OK
    assert asked[0].kept
    assert (tmp_path / "data").is_dir()


def test_a_pace_that_no_run_can_have_is_refused(asked: list[Options], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chaos", "--seconds", "604801", "--gap", "0.1"]) == BAD_INPUT
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(" (see")[0] for line in told] == [
        "reel: argument --seconds: must be a number of seconds from 3 to 604800",
        "reel: argument --gap: must be a number of seconds from 0.2 to 600",
    ]
    assert asked == []
