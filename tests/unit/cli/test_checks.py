"""Which tests `reel test` runs, and how."""

from cli.checks import pytest_runs


def test_everyday_tests_run_several_files_at_once_and_what_was_slow_is_told() -> None:
    (arguments,) = pytest_runs(False, [], 2).values()
    assert arguments[:4] == ["-m", "not slow", "-n", "4"]
    assert arguments[4:] == ["--dist", "loadfile", "--no-loadscope-reorder", "--durations=15"]


def test_however_many_cores_there_are_only_so_many_files_run_at_once() -> None:
    assert [pytest_runs(False, [], cores)["pytest"][3] for cores in (1, 2, 3, 64)] == ["3", "4", "4", "4"]


def test_slow_tests_run_after_the_others_and_one_after_the_other() -> None:
    first, then = pytest_runs(True, [], 2).values()
    assert first == pytest_runs(False, [], 2)["pytest"]
    assert then == ["-m", "slow", "--durations=15"]


def test_coverage_is_that_of_everyday_or_chosen_tests() -> None:
    first, then = pytest_runs(True, [], 2, coverage=True).values()
    assert first == [*pytest_runs(False, [], 2)["pytest"], "--cov", "--cov-report=term"]
    assert "--cov" not in then
    assert pytest_runs(False, ["tests/unit"], 2, coverage=True)["pytest"][-3:] == [
        "tests/unit",
        "--cov",
        "--cov-report=term",
    ]


def test_chosen_tests_run_one_after_the_other() -> None:
    assert pytest_runs(False, ["tests/unit", "-k", "x"], 8) == {"pytest": ["-m", "not slow", "tests/unit", "-k", "x"]}
    assert pytest_runs(True, ["tests/unit"], 8) == {"pytest": ["tests/unit"]}
